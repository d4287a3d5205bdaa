import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { examples, readPage, root, run, runTerminal, section } from '../support/pages.ts';
import { adminPassword, TestServer } from '../support/server.ts';

const readme = readPage('README.md');

test('the README’s session at the terminal works as it is written', async (t) => {
  const server = await TestServer.start();
  t.after(() => server.close());
  const commands = examples('sh', section(readme, 'Try it')).join('\n');
  const found = await runTerminal(commands, { URL: server.url, KEY: server.key, PASSWORD: adminPassword });
  assert.ok(found >= 10, 'the README shows the five refusals, and more');
});

test('the README’s library and client examples run', async (t) => {
  const server = await TestServer.start();
  t.after(() => server.close());
  const [library, client] = examples('ts', section(readme, 'As a library'));
  const folder = mkdtempSync(join(root, 'packages/curfew/test/.example-'));
  const data = mkdtempSync(join(tmpdir(), 'curfew-'));
  t.after(() => {
    rmSync(folder, { recursive: true, force: true });
    rmSync(data, { recursive: true, force: true });
  });
  writeFileSync(join(folder, 'library.ts'), library!.replace('./curfew-data', data));
  writeFileSync(join(folder, 'client.ts'), client!.replace('http://127.0.0.1:2873', server.url));
  const node = (name: string) =>
    run(process.execPath, ['--conditions=curfew-source', join(folder, name)], {
      ...process.env,
      CURFEW_API_KEY: server.key,
    });
  assert.equal(await node('library.ts'), "[ 'staff' ]\ntrue { active: false, reason: 'ended_by_admin' }\n");
  await node('client.ts');
  assert.equal((await server.call('GET', '/v1/sessions?user=ada&status=ended')).body.sessions.length, 1);
});
