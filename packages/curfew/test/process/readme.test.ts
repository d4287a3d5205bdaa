import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { freePort } from '../support/free-port.ts';
import { examples, readPage, root, run, runTerminal, section } from '../support/pages.ts';
import { adminPassword, TestServer } from '../support/server.ts';

const readme = readPage('README.md');
const redisIsInstalled = spawnSync('redis-server', ['--version']).status === 0;

test('the terminal sessions in the README, the tutorial and the page about logging out work as printed', async (t) => {
  for (const [text, expectations] of [
    [section(readme, 'Try it'), 3],
    [readPage('docs/tutorial.md'), 20],
    [readPage('docs/how-to/log-out-everywhere.md'), 5],
  ] as const) {
    const server = await TestServer.start();
    t.after(() => server.close());
    const commands = examples('sh', text).join('\n');
    const found = await runTerminal(commands, { URL: server.url, KEY: server.key, PASSWORD: adminPassword });
    assert.ok(found >= expectations, `only ${found} of the expected answers are shown`);
  }
});

test('two nodes on one Redis, as printed', { skip: !redisIsInstalled }, async () => {
  const ports = await Promise.all([freePort(), freePort(), freePort()]);
  const [REDIS, A, B] = ports.map(String) as [string, string, string];
  const commands = examples('sh', readPage('docs/how-to/two-nodes.md')).join('\n');
  assert.equal(await runTerminal(commands, { REDIS, A, B }), 5);
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
  writeFileSync(join(folder, 'library.ts'), library!.replace('./library-data', data));
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

test('the examples of the page about verifiers run, one after another', async (t) => {
  const server = await TestServer.start();
  t.after(() => server.close());
  const folder = mkdtempSync(join(root, 'packages/curfew/test/.example-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const text = examples('ts', readPage('docs/verifier.md')).join('\n');
  const file = join(folder, 'verifier.ts');
  writeFileSync(
    file,
    `${text.replaceAll('http://127.0.0.1:2873', server.url)}\nverifier.close();\nconsole.log(typeof listener);\n`,
  );
  const out = await run(process.execPath, ['--conditions=curfew-source', file], {
    ...process.env,
    CURFEW_API_KEY: server.key,
  });
  assert.equal(out, 'false\ntrue true\nfunction\n');
});

test('the example of the page about devices makes a widget token', async (t) => {
  const server = await TestServer.start();
  t.after(() => server.close());
  const { session } = await server.createSession('ada');
  const folder = mkdtempSync(join(root, 'packages/curfew/test/.example-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const [text] = examples('ts', readPage('docs/devices.md'));
  const file = join(folder, 'devices.ts');
  const call = `console.log((await devicesToken({ id: 'ada', session: '${session.id}' })).token);`;
  writeFileSync(file, `${text!.replace('http://127.0.0.1:2873', server.url)}\n${call}\n`);
  const { body } = await server.call('POST', '/v1/keys', { name: 'app', scopes: ['sessions.read', 'sessions.end'] });
  const out = await run(process.execPath, ['--conditions=curfew-source', file], {
    ...process.env,
    CURFEW_API_KEY: body.token,
  });
  const answer = await server.call('GET', '/v1/widget/sessions', undefined, {
    as: out.trim(),
    headers: { origin: 'https://app.example.com' },
  });
  assert.equal(answer.body.sessions[0].current, true);
});
