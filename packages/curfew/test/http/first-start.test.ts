import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { makeKey } from '../../src/authority/keys.ts';
import { CurfewError } from '../../src/errors.ts';
import { firstStart } from '../../src/start/first-start.ts';
import { serve } from '../../src/start/serve.ts';
import { freePort } from '../support/free-port.ts';
import { random } from '../support/ports.ts';
import { adminPassword, type Json, TestServer } from '../support/server.ts';
import { temporaryStore } from '../support/store.ts';

const key = makeKey(Date.now(), random);

test('N9.1: a failed first start creates nothing, and the next start is the first again', async (t) => {
  const store = await temporaryStore();
  t.after(store.remove);
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.after(() => taken.close());
  const env = { ...store.env, CURFEW_HOST: '127.0.0.1', CURFEW_PORT: '0', CURFEW_LOG_LEVEL: 'silent' };
  const { port } = taken.address() as AddressInfo;
  for (const [wrong, code, message] of [
    [{ CURFEW_API_KEY: `${key}x` }, 'config_invalid', /CURFEW_API_KEY/],
    [{ CURFEW_API_KEY: key, CURFEW_ADMIN_PASSWORD: 'short' }, 'config_invalid', /CURFEW_ADMIN_PASSWORD: .* characters/],
    [{ CURFEW_API_KEY: key, CURFEW_ADMIN_PASSWORD: 'Password123' }, 'config_invalid', /ADMIN_PASSWORD: .*common/],
    [{ CURFEW_API_KEY: key, CURFEW_PORT: String(port) }, 'port_in_use', /./],
  ] as const) {
    await assert.rejects(serve({ ...env, ...wrong }), { code, message }, code);
  }
  const running = await serve({ ...env, CURFEW_API_KEY: key });
  t.after(() => running.close());
  assert.match(running.first?.password ?? '', /^\w{20}$/, 'the password would never be shown');
  const answer = await fetch(`${running.url}/v1/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username: 'admin', password: running.first!.password }),
  });
  assert.equal(answer.status, 200);
});

test('N9.1: the account is removed if its key or the fingerprint of the secret key could not be stored', async (t) => {
  const server = await TestServer.start();
  t.after(() => server.close());
  const { context } = server;
  const { store } = context;
  const empty = { ...context, store: Object.create(store) as typeof store };
  empty.store.listAccounts = async () => ({ accounts: [], next: undefined, partial: false });
  empty.store.listKeys = async () => ({ keys: [], next: undefined });
  const given = { adminUsername: 'second', adminPassword };
  const full = () => Promise.reject(new Error('the disk is full'));
  const keys = async () => (await store.listKeys({ limit: 100 })).keys.length;
  const before = await keys();
  empty.store.createKey = full;
  await assert.rejects(
    firstStart(empty, given, async () => {}),
    /the disk is full/,
  );
  empty.store.createKey = (...made) => store.createKey(...made);
  await assert.rejects(firstStart(empty, given, full), /the disk is full/);
  assert.equal(await store.findAccount({ username: 'second' }), undefined);
  assert.equal(await keys(), before);
  assert.ok((await firstStart(empty, given, async () => {}))?.apiKey);
});

test('N9.1: whatever answer of the store is lost in a first start, somebody knows the password and the key afterwards', async (t) => {
  const server = await TestServer.start();
  t.after(() => server.close());
  const { context } = server;
  const { store } = context;
  const made: string[] = [];
  const empty = { ...context, store: Object.create(store) as typeof store };
  empty.store.listAccounts = async () => ({ accounts: [], next: undefined, partial: false });
  empty.store.listKeys = async () => ({
    keys: (await store.listKeys({ limit: 100 })).keys.filter(({ id }) => made.includes(id)),
    next: undefined,
  });
  const lost = () => {
    throw new CurfewError('outcome_unknown', { detail: 'The connection broke before the answer.' });
  };
  let answers = 0;
  empty.store.createKey = async (key, event) => {
    made.push(key.id);
    await store.createKey(key, event);
    if (answers-- <= 0) lost();
  };
  const start = (adminUsername: string) => firstStart(empty, { adminUsername }, async () => {});

  answers = 0;
  await assert.rejects(start('twice-lost'), { code: 'outcome_unknown' });
  assert.equal(await store.findAccount({ username: 'twice-lost' }), undefined);
  assert.ok((await empty.store.listKeys({ limit: 1 })).keys.every(({ revokedAt }) => revokedAt !== undefined));

  empty.store.createKey = async (key, event) => {
    await store.createKey(key, event);
    if (answers++ === 0) lost();
  };
  answers = 0;
  const first = await start('once-lost');
  assert.match(first?.password ?? '', /^\w{20}$/);
  assert.match(first?.apiKey ?? '', /^cfk_/);

  empty.store.createAccount = async (...given) => {
    await store.createAccount(...given);
    return lost();
  };
  await assert.rejects(start('account-lost'), (error: CurfewError) => {
    assert.match(error.message, /"account-lost", may have been created/);
    assert.match(error.remedy, /curfew accounts recover/);
    return true;
  });
});

test('a server is ready only once its first start is done, so that its key works', async (t) => {
  const store = await temporaryStore();
  t.after(store.remove);
  const port = await freePort();
  const starting = serve({
    ...store.env,
    CURFEW_HOST: '127.0.0.1',
    CURFEW_PORT: String(port),
    CURFEW_LOG_LEVEL: 'silent',
    CURFEW_API_KEY: key,
  });
  t.after(async () => (await starting).close());
  const url = `http://127.0.0.1:${port}`;
  const heard: string[] = [];
  for (let ready = false; !ready; ) {
    const answer = await fetch(`${url}/readyz`).catch(() => undefined);
    if (!answer) continue;
    ready = answer.ok;
    if (!ready) heard.push(((await answer.json()) as Json).checks.serving.detail);
  }
  const { status } = await fetch(`${url}/v1/keys`, { headers: { authorization: `Bearer ${key}` } });
  assert.equal(status, 200);
  // A probe that began before the end of the start may get its answer after it, so there may be none of these.
  for (const told of heard) assert.match(told, /still starting/);
});

/** Asks again and again until something answers there, or the test is over. */
async function asked(t: TestContext, url: string, init: RequestInit): Promise<Response> {
  let over = false;
  t.after(() => {
    over = true;
  });
  for (;;) {
    const answer = await fetch(url, init).catch(() => undefined);
    if (answer) return answer;
    if (over) throw new Error('Nothing has answered.');
  }
}

test('whoever comes before the first start is done is answered after it, and not told that the key is wrong', async (t) => {
  const store = await temporaryStore();
  t.after(store.remove);
  const port = await freePort();
  const env = { ...store.env, CURFEW_HOST: '127.0.0.1', CURFEW_PORT: String(port), CURFEW_LOG_LEVEL: 'silent' };
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const url = `http://127.0.0.1:${port}/v1`;
  const ask = () =>
    Promise.all([
      asked(t, `${url}/keys`, { headers }),
      // This one does not go through the framework.
      asked(t, `${url}/sessions/verify`, { method: 'POST', headers, body: JSON.stringify({ token: 'unknown' }) }),
    ]);
  const early = ask();
  await assert.rejects(serve({ ...env, CURFEW_API_KEY: key, CURFEW_ADMIN_PASSWORD: 'short' }), {
    code: 'config_invalid',
  });
  const running = await serve({ ...env, CURFEW_API_KEY: key });
  t.after(() => running.close());
  for (const answer of await early) assert.equal(answer.status, 200, await answer.text());
});
