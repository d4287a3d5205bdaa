import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { createVerifier } from 'curfew-client/verifier';
import { type Json, TestServer } from '../support/server.ts';

test('the state of a server has its store, nodes, applications, settings and findings, and no secret', async (t) => {
  const secretKey = randomBytes(32).toString('hex');
  const server = await TestServer.start({ CURFEW_SECRET_KEY: secretKey, CURFEW_IDLE: '60d', CURFEW_SURPRISE: '1' });
  t.after(() => server.close());
  const read = async (): Promise<Json> => (await server.call('GET', '/v1/server')).body;
  const state = await read();
  const { context } = server;
  assert.equal(state.store.kind, context.store.kind);
  assert.equal(state.store.engine, (await context.store.describe()).engine);
  assert.ok(Date.parse(state.startedAt) <= Date.now() && Date.parse(state.startedAt) > Date.now() - 600_000);
  const [node] = state.nodes;
  assert.deepEqual([state.nodes.length, node.here, node.alive, node.lag, node.silentMs], [1, true, true, 0, 0]);
  const setting = (name: string) => state.settings.find((one: Json) => one.name === name);
  assert.deepEqual([setting('CURFEW_IDLE').value, setting('CURFEW_IDLE').isDefault], ['60d', false]);
  assert.deepEqual([setting('CURFEW_EXCESS').value, setting('CURFEW_EXCESS').isDefault], ['replace', true]);
  for (const name of ['CURFEW_SECRET_KEY', 'CURFEW_ADMIN_PASSWORD', 'CURFEW_API_KEY', 'CURFEW_STORE']) {
    assert.equal(setting(name), undefined, name);
  }
  const text = JSON.stringify(state);
  for (const secret of [secretKey, server.key, 'correct horse battery']) assert.ok(!text.includes(secret));
  const says = (check: string) =>
    state.findings.filter((one: Json) => one.check === check).map((one: Json) => one.says);
  assert.match(says('settings').join(' '), /CURFEW_SURPRISE is not a setting.*CURFEW_IDLE: it is longer than/);
  assert.deepEqual(says('server'), ['this server: ready']);
  assert.equal(says('durability').length > 0, true);

  const { body } = await server.call('POST', '/v1/keys', { name: 'shop key', scopes: ['fence.attach'] });
  const verifier = createVerifier({ url: server.url, key: body.token, name: 'shop' });
  t.after(() => verifier.close());
  await verifier.verify((await server.createSession('ada')).token);
  const attached = (await read()).verifiers;
  assert.equal(attached.length, 1);
  const [shop] = attached;
  assert.deepEqual(
    [shop.name, shop.key, shop.attached, shop.lag],
    ['shop', { id: body.key.id, name: 'shop key' }, true, 0],
  );
  assert.ok(shop.leaseMs > 0);
});

test('what does not work is a finding with its remedy', async (t) => {
  const server = await TestServer.start();
  t.after(() => server.close());
  const { store } = server.context;
  Object.assign(store, { shortage: () => 'The disk is nearly full' });
  const { findings } = (await server.call('GET', '/v1/server')).body;
  const faults = findings.filter((one: Json) => one.state === 'fault');
  assert.deepEqual(
    faults.map((one: Json) => one.says),
    ['this server: degraded', 'storeWrite: The disk is nearly full.'],
  );
  assert.match(faults[1].remedy, /Free space on its disk/);
});
