import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { curfew, otherServices, services } from 'curfew-nodes';
import type { INodeParameters, INodeType } from 'n8n-workflow';
import { TestServer } from '../../../packages/curfew/test/support/server.ts';
import type { Closer } from '../../../packages/nodes/test/support/wire.ts';
import { curfewNode } from './support/curfew-node.ts';
import { workflow } from './support/engine.ts';
import { curfewPackage, logOutPackage, N8n, node, packages, source, wires } from './support/n8n.ts';

const { displayParameter } = workflow.NodeHelpers;

const expected = {
  [curfewPackage.name]: { nodes: ['curfew', 'logOut', 'logOut'], services: [curfew] },
  [logOutPackage.name]: { nodes: ['logOut'], services: otherServices },
};

for (const { name, folder: from } of packages) {
  test(`${name}: packed and installed into an empty folder, it loads in n8n and has no dependencies`, async (t) => {
    const { n8n, folder } = await installed(t, [from]);
    assert.deepEqual(Object.keys(n8n.loaders), [name]);
    const { nodes, credentials } = n8n.loaders[name]!.types;
    assert.deepEqual(
      nodes.map(({ name }) => name),
      expected[name]?.nodes,
    );
    const declared = expected[name]?.services.flatMap((service) => service.credentials.map(({ name }) => name));
    assert.deepEqual(new Set(credentials.map(({ name }) => name)), new Set(declared));
    const byRequest = credentials.filter(({ test }) => test !== undefined);
    assert.deepEqual(byRequest, [], 'n8n’s own form of a test accepts every page, and follows redirects');
    for (const { iconUrl, codex, usableAsTool, displayName } of nodes) {
      assert.ok(codex?.resources?.primaryDocumentation && usableAsTool, displayName);
      for (const path of Object.values(iconUrl as Record<string, string>)) {
        assert.ok(existsSync(join(folder, 'node_modules', path.replace('icons/', ''))), path);
      }
    }
  });

  test(`${name}: the manifest lists every node and credential`, () => {
    const { n8n } = JSON.parse(readFileSync(join(from, 'package.json'), 'utf8'));
    const built = (pattern: string) =>
      globSync(pattern, { cwd: from }).map((path) => `dist/${path.replace(/\.ts$/, '.js')}`);
    assert.deepEqual(new Set(n8n.credentials), new Set(built('credentials/*.ts')));
    assert.deepEqual(new Set(n8n.nodes), new Set(built('nodes/*/*.node.ts')));
  });
}

test('only a service with several kinds of credential has a choice; one left from another service hides nothing', async () => {
  const { nodeTypes } = await N8n.load();
  for (const { name } of packages) {
    const { description } = nodeTypes.getByNameAndVersion(`${name}.logOut`, 1) as INodeType;
    const isShown = (one: Parameters<typeof displayParameter>[1], values: INodeParameters) =>
      displayParameter(values, one, null, description);
    for (const service of name === logOutPackage.name ? otherServices : services) {
      const ways = service.credentials.map(({ way }) => way);
      const asked = description.properties.filter(
        (one) => one.name === 'authentication' && isShown(one, { service: service.name }),
      );
      assert.equal(asked.length, ways.length > 1 ? 1 : 0, service.name);
      for (const authentication of ['token', 'signIn']) {
        const found = description.credentials?.filter((one) => isShown(one, { service: service.name, authentication }));
        const wanted = service.credentials.find(({ way }) => way === authentication) ?? service.credentials[0];
        assert.deepEqual(
          found?.map((one) => one.name),
          [wanted?.name],
        );
      }
    }
  }
});

test('both work beside each other when packed and installed into one folder', async (t) => {
  const { n8n } = await installed(
    t,
    packages.map(({ folder }) => folder),
  );
  const server = await TestServer.start();
  t.after(() => server.close());
  n8n.keep('key', { url: server.url, apiKey: server.key });
  n8n.keep('waha', { url: `${server.url}/waha`, apiKey: server.key });
  await server.call('POST', '/v1/named-sessions', { name: 'phone' });
  const { token } = await server.createSession('ada', { name: 'phone' });
  const ran = await n8n.run({
    nodes: [
      source([{ session: 'phone' }]),
      node(
        'Log Out',
        'n8n-nodes-log-out.logOut',
        { service: 'waha', wahaSession: '={{ $json.session }}' },
        { credentials: { curfewWahaApi: { id: 'waha', name: 'WAHA' } } },
      ),
      curfewNode('createUserSession', { userId: 'ada' }),
    ],
    connections: wires(['Start', 0, 'Log Out', 0], ['Log Out', 0, 'Curfew', 0]),
  });
  assert.equal(ran.error?.message, undefined);
  assert.equal(ran.json('Curfew')[0]?.['userId'], 'ada');
  assert.equal((await server.verify(token)).active, false);
});

/** Installs packages as users do: packed, into an empty folder; returns n8n with what is there then. */
async function installed(t: Closer, sources: readonly string[]): Promise<{ n8n: N8n; folder: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'curfew-packed-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const quiet = { cwd: folder, encoding: 'utf8' } as const;
  const packed = execFileSync('npm', ['pack', '--silent', '--pack-destination', folder, ...sources], quiet);
  writeFileSync(join(folder, 'package.json'), '{"private": true}\n');
  const files = packed
    .trim()
    .split('\n')
    .map((file) => `./${file}`);
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', ...files], quiet);
  const names = readdirSync(join(folder, 'node_modules')).filter((name) => !name.startsWith('.'));
  assert.equal(names.length, sources.length, `${names} were installed`);
  return { n8n: await N8n.load(names.map((name) => join(folder, 'node_modules', name))), folder };
}

test('the editor leaves the service in the panel: it would move a field if each of its choices had a credential', async () => {
  const n8n = await N8n.load();
  const { credentials = [], properties } = n8n.loaders[logOutPackage.name]!.types.nodes[0]!;
  const names = properties.map(({ name }) => name);
  assert.deepEqual(
    names.filter((name) => ['service', 'authentication', 'credentials', 'wahaSession'].includes(name)),
    ['service', 'authentication', 'credentials', 'wahaSession'],
    'the credential has its place below the choices',
  );
  assert.equal(names[0], 'service');
  const shown = credentials.map(({ displayOptions }) => displayOptions?.show ?? {});
  for (const name of new Set(shown.flatMap((show) => Object.keys(show)))) {
    for (const { options = [] } of properties.filter((property) => property.name === name)) {
      const values = options.flatMap((option) => ('value' in option ? [option.value] : []));
      assert.ok(
        values.some((value) => !shown.some((show) => show[name]?.includes(value))),
        `every choice of ${name} has a credential: ${values}`,
      );
      assert.ok(values.includes('none'), `${name} would count as the authentication field`);
    }
  }
});
