import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { examples, readPage, root, run, section } from '../../../packages/curfew/test/support/pages.ts';
import { TestServer } from '../../../packages/curfew/test/support/server.ts';

test('docs/altogic.md: the example with Altogic’s client runs as printed', async (t) => {
  const server = await TestServer.start();
  t.after(() => server.close());
  await server.createAccount('ada', { email: 'ada@example.com', password: 'a long password' });
  const { body } = await server.call('POST', '/v1/keys', { name: 'browser', scopes: [] });
  const [example] = examples('js', section(readPage('docs/altogic.md'), 'Try it'));
  const folder = mkdtempSync(join(root, 'engines/clients/test/.example-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const storage = 'const kept = new Map();\nconst localStorage = { getItem: (key) => kept.get(key) ?? null, ';
  const rest = 'setItem: (key, value) => kept.set(key, value), removeItem: (key) => kept.delete(key) };\n';
  const file = join(folder, 'example.mjs');
  writeFileSync(file, storage + rest + example!.replace('http://127.0.0.1:2873', server.url));
  const printed = await run(process.execPath, [file], { ...process.env, CURFEW_KEY: body.token });
  assert.equal(printed, 'ada@example.com true\n1\nnull\n');
});
