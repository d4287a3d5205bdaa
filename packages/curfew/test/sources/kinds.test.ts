import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { test } from 'node:test';
import { importSession, importStore } from '../../src/authority/import-session.ts';
import { aliasOf } from '../../src/domain/alias.ts';
import type { UserId } from '../../src/domain/brand.ts';
import { freshSignIn, hour, minute } from '../../src/domain/limits.ts';
import { authjs } from '../../src/sources/kinds/authjs.ts';
import { betterAuth } from '../../src/sources/kinds/better-auth.ts';
import { connectPgSimple } from '../../src/sources/kinds/connect-pg-simple.ts';
import { connectRedis } from '../../src/sources/kinds/connect-redis.ts';
import { django } from '../../src/sources/kinds/django.ts';
import { lucia } from '../../src/sources/kinds/lucia.ts';
import { readPage, root } from '../support/pages.ts';
import { random } from '../support/ports.ts';
import { TestServer } from '../support/server.ts';

test('the pages accept old cookies by the kinds under which the import keeps them', () => {
  const kinds = new Set([authjs, betterAuth, connectPgSimple, connectRedis, django, lucia].map(({ alias }) => alias));
  const named = globSync('docs/**/*.md', { cwd: root }).flatMap((page) =>
    [...readPage(page).matchAll(/oldCookie: \{[^}]*\bkind: '([^']+)'/g)].map(([, kind]) => ({ page, kind: kind! })),
  );
  assert.ok(named.length >= 2);
  for (const { page, kind } of named) assert.ok(kinds.has(kind), `${page}: ${kind}`);
});

test('a session in which an administrator of Better Auth acts as a user is no fresh sign-in of the user', async (t) => {
  const server = await TestServer.start();
  t.after(() => server.close());
  const { store, policy, clock } = server.context;
  const parts = { into: await importStore(store), random, policy, lifetime: hour };
  const now = clock.now();
  const createdAt = now - minute;
  const times = { expiresAt: now + hour, createdAt, lastSeenAt: createdAt };
  const inRedis = { token: 'x', userId: 'ada', ...times };
  const { redis, postgres } = betterAuth;
  const cases: Record<string, [fresh: boolean, ReturnType<NonNullable<typeof redis>['read']>]> = {
    'in Redis': [true, redis!.read(JSON.stringify({ session: { ...inRedis, impersonatedBy: null } }), undefined, now)],
    'in Redis, as another': [
      false,
      redis!.read(JSON.stringify({ session: { ...inRedis, impersonatedBy: 'root' } }), undefined, now),
    ],
    'in a table': [
      true,
      postgres!.read({ times, content: '', row: { userId: 'ada', impersonated_by: null } }, now, undefined),
    ],
    'in a table, as another': [
      false,
      postgres!.read({ times, content: '', row: { userId: 'ada', impersonated_by: 'root' } }, now, undefined),
    ],
  };
  for (const [what, [fresh, { json: _, data: __, ...found }]] of Object.entries(cases)) {
    const userId = what as UserId;
    const alias = aliasOf({ alias: { kind: 'better-auth', secret: what } });
    assert.equal(await importSession(parts, { ...found, alias, userId, metadata: {} }, now, false), 'imported');
    const { sessions } = await store.listSessions({ filter: { userId }, limit: 9, now, budget: 1000 });
    assert.equal(sessions[0]!.stored.authenticatedAt > now - freshSignIn, fresh, what);
  }
});
