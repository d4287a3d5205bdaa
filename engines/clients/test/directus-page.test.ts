import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { examples, readPage, root, run, section } from '../../../packages/curfew/test/support/pages.ts';
import { TestServer } from '../../../packages/curfew/test/support/server.ts';

test('docs/directus.md: the example with Directus’s client runs as printed', async (t) => {
  const server = await TestServer.start();
  t.after(() => server.close());
  await server.createAccount('ada', { email: 'ada@example.com', password: 'a long password' });
  const [example] = examples('js', section(readPage('docs/directus.md'), 'Try it'));
  const folder = mkdtempSync(join(root, 'engines/clients/test/.example-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'example.mjs');
  writeFileSync(file, example!.replace('http://127.0.0.1:2873', server.url));
  assert.equal(await run(process.execPath, [file]), 'ada@example.com\nINVALID_CREDENTIALS\n');
});
