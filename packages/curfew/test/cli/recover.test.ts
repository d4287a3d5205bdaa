import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accountGuesses, bucketOf } from '../../src/authority/attempts.ts';
import type { AttemptRule } from '../../src/domain/attempts.ts';
import { day } from '../../src/domain/limits.ts';
import { serve } from '../../src/start/serve.ts';
import type { Store } from '../../src/stores/contract.ts';
import { runCli } from '../support/process.ts';
import { type Json, TestServer } from '../support/server.ts';
import { type TemporaryStore, temporaryStore } from '../support/store.ts';

const password = 'correct horse battery';

/** A store that no server uses, whose disabled and locked administrator has lost their password and their authenticator. */
async function lockedOut(t: {
  after(done: () => Promise<void>): void;
}): Promise<TemporaryStore & { token: string; id: string }> {
  const store = await temporaryStore();
  t.after(() => store.remove());
  const env = { ...store.env, CURFEW_PORT: '0', CURFEW_LOG_LEVEL: 'silent', CURFEW_ADMIN_PASSWORD: password };
  const running = await serve(env, {});
  const call = async (method: string, path: string, body?: object): Promise<Json> => {
    const answer = await fetch(running.url + path, {
      method,
      headers: { authorization: `Bearer ${running.first!.apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify(body ?? {}),
    });
    return answer.json();
  };
  const { token } = await call('POST', '/v1/login', { username: 'admin', password });
  const { account } = await call('POST', '/v1/login', { username: 'admin', password });
  await call('POST', '/v1/accounts', { username: 'second', password, roles: ['admin'] });
  await call('POST', '/v1/accounts', { username: 'plain', password });
  const found = (await running.opened.context.store.readUser(account.id)).account!;
  const factor = { sealedSecret: new Uint8Array(60), confirmedAt: 1, lastStep: 1, backupCodes: [] };
  await running.opened.context.store.changeAccount({
    id: found.id,
    version: found.version,
    set: { disabled: true, factor },
    event: undefined,
  });
  // Somebody has guessed until nobody can sign in.
  const guess = () => call('POST', '/v1/login', { username: 'admin', password: 'a wrong password' });
  let status = 401;
  for (let tries = 0; status === 401 && tries < 100; tries++) ({ status } = await guess());
  assert.equal(status, 429);
  const now = running.opened.context.clock.now();
  const all = { max: 1, window: day };
  for (const kind of accountGuesses) await takeAll(running.opened.context.store, bucketOf(kind, account.id), now, all);
  await running.close();
  return { ...store, token, id: account.id };
}

async function takeAll(store: Store, bucket: string, now: number, rule: AttemptRule): Promise<void> {
  await store.takeAttempt(bucket, rule, now);
  assert.equal((await store.takeAttempt(bucket, rule, now)).allowed, false);
}

test('N1.5: curfew accounts recover restores an administrator’s access, directly in the store, and records an event', async (t) => {
  const store = await lockedOut(t);
  const { code, out, err } = await runCli(['accounts', 'recover', 'admin', '--json'], store.env);
  assert.equal(code, 0, err);
  const { account, password: made } = JSON.parse(out);
  assert.deepEqual([account.username, account.disabled, account.totp], ['admin', false, false]);

  const running = await serve({ ...store.env, CURFEW_PORT: '0', CURFEW_LOG_LEVEL: 'silent' }, {});
  t.after(() => running.close());
  const login = (secret: string) =>
    fetch(`${running.url}/v1/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username: 'admin', password: secret }),
    });
  const { store: opened, clock } = running.opened.context;
  for (const kind of accountGuesses) {
    const { remaining } = await opened.takeAttempt(bucketOf(kind, store.id), { max: 3, window: day }, clock.now());
    assert.equal(remaining, 2, `guesses still count: ${kind}`);
  }
  assert.equal((await login(password)).status, 401);
  const answer = await login(made);
  assert.equal(answer.status, 200);
  const { token } = (await answer.json()) as { token: string };
  const as = (who: string) => ({ headers: { authorization: `Bearer ${who}` } });
  assert.equal(
    (await fetch(`${running.url}/v1/me`, as(store.token))).status,
    401,
    'an earlier session is still active',
  );
  const events = await (await fetch(`${running.url}/v1/events?type=account.recovered`, as(token))).json();
  const [event] = (events as { events: { userId: string; by: string; details: object }[] }).events;
  assert.deepEqual([event?.userId, event?.by], [account.id, 'library']);
  assert.deepEqual(event?.details, { recovered: true, enabled: true, factorRemoved: true, madeAdministrator: false });
});

test('curfew accounts recover reports what it cannot do, and changes nothing', async (t) => {
  const store = await lockedOut(t);
  const absent = await runCli(['accounts', 'recover', 'nobody'], store.env);
  assert.deepEqual([absent.code, /nobody/.test(absent.err)], [1, true], absent.err);
  const plain = await runCli(['accounts', 'recover', 'plain'], store.env);
  assert.deepEqual([plain.code, /--admin/.test(plain.err)], [1, true], plain.err);
  const made = await runCli(['accounts', 'recover', 'plain', '--admin', '--json'], store.env);
  assert.deepEqual(JSON.parse(made.out).account.roles, ['admin', 'member']);
});

test('curfew accounts recover does not touch an embedded store that a server has open', async (t) => {
  if (process.env['CURFEW_TEST_STORE']) return t.skip('a store on a server is shared');
  const server = await TestServer.start();
  t.after(() => server.close());
  const { code, err } = await runCli(['accounts', 'recover', 'admin'], server.env);
  assert.equal(code, 1);
  assert.match(err, /Another process has the store open/);
});
