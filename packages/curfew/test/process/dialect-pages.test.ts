import assert from 'node:assert/strict';
import { test } from 'node:test';
import { examples, readPage, runTerminal, section } from '../support/pages.ts';
import { adminPassword, TestServer } from '../support/server.ts';

/** The pages, with the minimum number of expectations on each. */
const pages = { 'docs/waha.md': 9, 'docs/rocketchat.md': 9, 'docs/altogic.md': 4 };

for (const [path, least] of Object.entries(pages)) {
  test(`${path}: its terminal session works as printed`, async (t) => {
    const server = await TestServer.start();
    t.after(() => server.close());
    const commands = examples('sh', section(readPage(path), 'Try it')).join('\n');
    const found = await runTerminal(commands, { URL: server.url, KEY: server.key, PASSWORD: adminPassword });
    assert.ok(found >= least, `${found} expectations`);
  });
}
