import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { services } from 'curfew-nodes';
import { TestServer } from '../../../packages/curfew/test/support/server.ts';
import { type Target, targets } from '../../../packages/nodes/test/support/targets.ts';
import type { Closer } from '../../../packages/nodes/test/support/wire.ts';
import { curfewPackage, items, logOutPackage, N8n, type Saved, wires } from './support/n8n.ts';

/** A workflow as saved when n8n-nodes-curfew had Log Out for every service. */
const saved = (name: string): Saved =>
  JSON.parse(readFileSync(new URL(`./earlier/${name}.json`, import.meta.url), 'utf8'));

/** Every service at once, with these sessions. */
function everyService(sessions: object): Saved {
  const { nodes, connections } = saved('Log out of every service');
  const trigger = nodes[0]!.name;
  const given = connections[trigger]!;
  return {
    nodes: [...nodes, items('Sessions', [sessions])],
    connections: { ...wires([trigger, 0, 'Sessions', 0]), Sessions: given },
  };
}

describe('workflows from when Log Out was one package', () => {
  let server: TestServer;
  const closers: (() => void)[] = [];
  const shared: Closer = { after: (done) => closers.push(done) };
  const opened = new Map<string, Awaited<ReturnType<Target['open']>>>();
  before(async () => {
    server = await TestServer.start();
    for (const target of targets) opened.set(target.service, await target.open(server, shared));
  });
  after(async () => {
    for (const close of closers) close();
    await server.close();
  });

  async function n8nWith(folders?: string[]): Promise<N8n> {
    const n8n = await N8n.load(folders);
    for (const [name, { url, fields }] of opened) {
      const { credentials } = services.find((service) => service.name === name)!;
      n8n.keep(credentials.find(({ way }) => way === 'token')!.name, { ...fields, url } as never);
    }
    n8n.keep('1', { url: server.url, apiKey: server.key });
    return n8n;
  }

  /** A session in each service, the node's parameters for it, and whether it has ended. */
  async function lives() {
    const all = [];
    for (const [service, { live }] of opened) {
      let one = await live();
      // The workflow names Curfew's by its id.
      while (service === 'curfew' && one.parameters['curfewSessionId'] === undefined) one = await live();
      all.push({ service, ...one });
    }
    return all;
  }

  const nodeOf = (service: string) =>
    ({ oauth: 'OAuth' })[service] ?? services.find(({ name }) => name === service)!.label;

  test('still work with both packages: every service logs out, as before', async () => {
    const n8n = await n8nWith();
    const sessions = await lives();
    const ran = await n8n.run(everyService(Object.assign({}, ...sessions.map(({ parameters }) => parameters))));
    assert.equal(ran.error?.message, undefined);
    for (const { service, answer, over } of sessions) {
      const [json] = ran.json(nodeOf(service));
      assert.deepEqual([json?.['success'], json?.['service']], [true, service]);
      for (const [key, value] of Object.entries(answer)) assert.deepEqual(json?.[key], value);
      await over();
    }
  });

  test('work with Curfew’s package alone if they name only Curfew', async () => {
    const ran = await (await n8nWith([curfewPackage.folder])).run(saved('Wait for two inputs'));
    assert.equal(ran.error?.message, undefined);
    assert.match(String(ran.json('Log Out')[0]?.['message']), /ended/);
  });

  test('without the package of the other services, Log Out of one of them names it', async () => {
    const n8n = await n8nWith([curfewPackage.folder]);
    const [, waha] = await lives();
    const workflow = everyService(waha!.parameters);
    const ran = await n8n.run({
      nodes: workflow.nodes,
      connections: { ...workflow.connections, Sessions: { main: [[{ node: 'WAHA', type: 'main', index: 0 }]] } },
    });
    assert.match(ran.told, /of the package n8n-nodes-log-out, which is missing\. Install it beside this one/);
  });

  test('a new workflow has Curfew in one package, and the other services in the other', async () => {
    const { loaders } = await n8nWith();
    const newest = (name: string) => loaders[name]!.types.nodes.filter((one) => one.name === 'logOut')[0]!;
    const offered = (name: string) =>
      newest(name)
        .properties.find((one) => one.name === 'service')
        ?.options?.map((one) => 'value' in one && one.value);
    assert.equal(newest(curfewPackage.name).version, 2);
    assert.equal(offered(curfewPackage.name), undefined);
    assert.deepEqual(
      newest(curfewPackage.name).credentials?.map(({ name }) => name),
      ['curfewApi', 'curfewSignInApi'],
    );
    const others = services.map(({ name }) => name as string).filter((name) => name !== 'curfew');
    assert.deepEqual(
      offered(logOutPackage.name)
        ?.filter((one) => one !== 'none')
        .toSorted(),
      others.toSorted(),
    );
  });
});
