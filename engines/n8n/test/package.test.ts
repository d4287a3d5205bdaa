import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { services } from 'curfew-nodes';
import { TestServer } from '../../../packages/curfew/test/support/server.ts';
import { curfewNode } from './support/curfew-node.ts';
import { N8n, packageFolder, packageName, source, wires } from './support/n8n.ts';

test('packed and installed into a bare folder, the package loads in n8n and works, and brings nothing along', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'curfew-packed-'));
  const server = await TestServer.start();
  t.after(async () => {
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const quiet = { cwd: folder, encoding: 'utf8' } as const;
  const [packed] = execFileSync('npm', ['pack', '--silent', '--pack-destination', folder, packageFolder], quiet)
    .trim()
    .split('\n');
  writeFileSync(join(folder, 'package.json'), '{"private": true}\n');
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', `./${packed}`], quiet);
  const installed = readdirSync(join(folder, 'node_modules')).filter((name) => !name.startsWith('.'));
  assert.deepEqual(installed, [packageName]);

  const n8n = await N8n.load(join(folder, 'node_modules', packageName));
  n8n.keep('key', { url: server.url, apiKey: server.key });
  const ran = await n8n.run({
    nodes: [source([{}]), curfewNode('createUserSession', { userId: 'ada' })],
    connections: wires(['Start', 0, 'Curfew', 0]),
  });
  assert.equal(ran.error?.message, undefined);
  assert.equal(ran.json('Curfew')[0]?.['userId'], 'ada');

  const { nodes, credentials } = n8n.loader.types;
  assert.deepEqual(
    nodes.map(({ name }) => name),
    ['curfew', 'logOut'],
  );
  const declared = services.flatMap((service) => service.credentials.map(({ name }) => name));
  assert.deepEqual(new Set(credentials.map(({ name }) => name)), new Set(declared));
  for (const { iconUrl, codex, usableAsTool, displayName } of nodes) {
    assert.ok(codex?.resources?.primaryDocumentation && usableAsTool, displayName);
    for (const path of Object.values(iconUrl as Record<string, string>)) {
      assert.ok(existsSync(join(folder, 'node_modules', path.replace('icons/', ''))), path);
    }
  }
});

test('the manifest lists every node and credential that there is', () => {
  const { n8n } = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8'));
  const files = readdirSync(join(packageFolder, 'credentials')).map(
    (name) => `dist/credentials/${name.replace('.ts', '.js')}`,
  );
  assert.deepEqual(new Set(n8n.credentials), new Set(files));
});

test('the editor leaves the service in the panel: it moves a field away when each of its choices has a credential', async () => {
  const n8n = await N8n.load();
  const { credentials = [], properties } = n8n.loader.types.nodes.find(({ name }) => name === 'logOut')!;
  assert.equal(properties[0]?.name, 'service');
  const shown = credentials.map(({ displayOptions }) => displayOptions?.show ?? {});
  for (const name of new Set(shown.flatMap((show) => Object.keys(show)))) {
    for (const { options = [] } of properties.filter((property) => property.name === name)) {
      const values = options.flatMap((option) => ('value' in option ? [option.value] : []));
      assert.ok(
        values.some((value) => !shown.some((show) => show[name]?.includes(value))),
        `every choice of ${name} has a credential: ${values}`,
      );
      assert.ok(values.includes('none'), `${name} would be the field of the authentication`);
    }
  }
});
