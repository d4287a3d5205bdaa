import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { test } from 'node:test';
import { authjs } from '../../src/sources/kinds/authjs.ts';
import { betterAuth } from '../../src/sources/kinds/better-auth.ts';
import { connectPgSimple } from '../../src/sources/kinds/connect-pg-simple.ts';
import { connectRedis } from '../../src/sources/kinds/connect-redis.ts';
import { django } from '../../src/sources/kinds/django.ts';
import { lucia } from '../../src/sources/kinds/lucia.ts';
import { readPage, root } from '../support/pages.ts';

test('the pages accept old cookies by the kinds under which the import keeps them', () => {
  const kinds = new Set([authjs, betterAuth, connectPgSimple, connectRedis, django, lucia].map(({ alias }) => alias));
  const named = globSync('docs/**/*.md', { cwd: root }).flatMap((page) =>
    [...readPage(page).matchAll(/oldCookie: \{[^}]*\bkind: '([^']+)'/g)].map(([, kind]) => ({ page, kind: kind! })),
  );
  assert.ok(named.length >= 2);
  for (const { page, kind } of named) assert.ok(kinds.has(kind), `${page}: ${kind}`);
});
