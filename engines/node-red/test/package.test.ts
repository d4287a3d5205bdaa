import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { TestServer } from '../../../packages/curfew/test/support/server.ts';
import { curfewNode, curfewServer } from './support/curfew-node.ts';
import { NodeRed, observed, packageFolder, packageName } from './support/node-red.ts';

test('packed and installed into an empty folder, the package loads in Node-RED, works and has no dependencies', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'curfew-packed-'));
  const server = await TestServer.start();
  const quiet = { cwd: folder, encoding: 'utf8' } as const;
  const [packed] = execFileSync('npm', ['pack', '--silent', '--pack-destination', folder, packageFolder], quiet)
    .trim()
    .split('\n');
  writeFileSync(join(folder, 'package.json'), '{"private": true}\n');
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', `./${packed}`], quiet);
  const installed = readdirSync(join(folder, 'node_modules')).filter((name) => !name.startsWith('.'));
  assert.deepEqual(installed, ['@curfew']);

  const red = await NodeRed.start(join(folder, 'node_modules', packageName));
  t.after(async () => {
    await red.close();
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  });
  await red.deploy([
    curfewServer(server.url, server.key),
    ...observed(curfewNode('createUserSession', { userId: 'ada' }), 1),
  ]);
  red.send('node', {});
  const put = await red.until((sinks) => sinks.get('out0')?.[0]);
  assert.equal(put['payload'].userId, 'ada');

  // The labels and the help are where the palette looks for them.
  const asked = async (path: string) => (await fetch(red.url + path, { headers: { accept: 'text/html' } })).text();
  assert.match(await asked('/nodes'), /data-help-name="curfew-log-out"/);
  const catalog = await fetch(`${red.url}/locales/${packageName}/curfew?lng=en-US`);
  assert.equal(((await catalog.json()) as { curfew: { common: { server: string } } }).curfew.common.server, 'Server');
});
