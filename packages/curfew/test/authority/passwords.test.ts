import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPasswords } from '../../src/authority/passwords.ts';
import { recoverAccount } from '../../src/authority/recover-account.ts';
import { signIn } from '../../src/authority/sign-in.ts';
import { adminPassword, TestServer } from '../support/server.ts';

test('N3.1: passwords are checked one at a time in order of arrival, and any beyond the limit are refused', async () => {
  const passwords = createPasswords({ atOnce: 1, mostWaiting: 8 });
  const kept = await passwords.hash('correct horse battery');
  await passwords.matches('anything', undefined);
  const done: number[] = [];
  const asked = Array.from({ length: 12 }, (_, i) =>
    passwords.matches(i % 2 === 0 ? 'correct horse battery' : 'wrong', kept).then((right) => {
      done.push(i);
      return right;
    }),
  );
  const outcomes = await Promise.allSettled(asked);
  const served = outcomes.filter(({ status }) => status === 'fulfilled').length;
  assert.ok(served >= 8 && served <= 9, `${served} were served`);
  assert.deepEqual(
    done,
    Array.from({ length: served }, (_, i) => i),
  );
  for (const [i, outcome] of outcomes.entries()) {
    if (outcome.status === 'fulfilled') assert.equal(outcome.value, i % 2 === 0);
    else assert.deepEqual([outcome.reason.code, outcome.reason.facts.retryAfter], ['server_busy', 5]);
  }
  // A later attempt is served.
  assert.equal(await passwords.matches('correct horse battery', kept), true);
});

test('N3.1: a refusal because too many wait uses up no attempt', async (t) => {
  const server = await TestServer.start();
  t.after(() => server.close());
  const request = { login: { username: 'admin' }, password: adminPassword, ip: '192.0.2.1' };
  const busy = { ...server.context, passwords: createPasswords({ atOnce: 1, mostWaiting: 0 }) };
  for (let i = 0; i < 30; i++) await assert.rejects(signIn(busy, request), { code: 'server_busy' });
  assert.ok((await signIn(server.context, request)).token);
});

test('N5.3: the most common passwords are refused wherever a password is set, and the error says why', async (t) => {
  const server = await TestServer.start();
  t.after(() => server.close());
  const { context } = server;
  const create = (username: string, password: string) => server.call('POST', '/v1/accounts', { username, password });
  for (const password of [
    'password',
    '12345678',
    'qwertyuiop',
    'Football',
    'PASSWORD1',
    'ｐａｓｓｗｏｒｄ',
    'trustno1',
  ]) {
    const { status, body } = await create('ada', password);
    assert.deepEqual([status, body.code], [400, 'invalid_value'], password);
    assert.match(body.detail, /one of the most common ones/);
    assert.equal(JSON.stringify(body).includes(JSON.stringify(password)), false);
  }
  const { id } = (await create('ada', 'no password that anybody has')).body.account;
  const changed = await server.call('PATCH', `/v1/accounts/${id}`, { password: 'sunshine' });
  assert.match(changed.body.detail, /one of the most common ones/);
  await assert.rejects(recoverAccount(context, { account: 'ada', password: 'iloveyou' }), { code: 'invalid_value' });
  await assert.rejects(TestServer.start({ CURFEW_ADMIN_PASSWORD: 'letmein1' }), { code: 'config_invalid' });
  // One that was set before the rule existed.
  const passwordHash = await context.passwords.hash('sunshine');
  const { account } = await context.store.readUser(id);
  await context.store.changeAccount({ id, version: account!.version, set: { passwordHash }, event: undefined });
  assert.equal((await server.login('ada', 'sunshine')).status, 200);
});
