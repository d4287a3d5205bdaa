import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkPassword, createPasswords } from '../../src/authority/passwords.ts';
import { recoverAccount } from '../../src/authority/recover-account.ts';
import { signIn } from '../../src/authority/sign-in.ts';
import { rows } from '../../src/dialects/permission-table.ts';
import { limits } from '../../src/domain/limits.ts';
import { isCurfewError } from '../../src/errors.ts';
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

test('N3.1: a server checks one or two passwords at once, and lets a limited number wait', async (t) => {
  const server = await TestServer.start();
  t.after(() => server.close());
  const { passwords } = server.context;
  // A password is normalized when its turn comes, so this one tells when.
  let begun = 0;
  const watched = { normalize: () => `begun ${begun++}` } as unknown as string;
  const hashing = Array.from({ length: 8 }, () => passwords.hash(watched));
  // All that begins without waiting has begun, and none has finished: that would take a turn of the event loop.
  await new Promise<void>((resolve) => process.nextTick(resolve));
  assert.ok(begun === 1 || begun === 2, `${begun} at once`);
  await Promise.all(hashing);
  assert.equal(begun, hashing.length);
  // Those that are let in fail at once when their turn comes, instead of taking a quarter of a minute.
  const untold = new Error('not hashed');
  const quick = {
    normalize() {
      throw untold;
    },
  } as unknown as string;
  const outcomes = await Promise.allSettled(Array.from({ length: 2000 }, () => passwords.hash(quick)));
  const reasons = outcomes.map((outcome) => (outcome as PromiseRejectedResult).reason);
  const letIn = reasons.filter((reason) => reason === untold).length;
  const refused = reasons.filter((reason) => isCurfewError(reason, 'server_busy')).length;
  assert.equal(letIn + refused, outcomes.length);
  // Each takes up to 50 ms, so the last one's turn comes within half a minute.
  assert.ok(letIn > 0 && letIn <= 600, `${letIn} were let in`);
});

test('N3.1: every route that takes a password says that the server is busy, and when to come again', async (t) => {
  const server = await TestServer.start();
  t.after(() => server.close());
  const { account, token } = (await server.login()).body;
  const password = adminPassword;
  const signIns = {
    'POST /v1/login': { username: 'admin', password },
    'POST /api/v1/login': { user: 'admin', password },
    'POST /auth/login': { email: 'admin@example.com', password },
    'POST /_api/rest/v1/auth/signin-email': { email: 'admin@example.com', password },
  };
  const known = rows.filter(({ call }) => /^POST .*\/(login|signin\b[^/]*)$/.test(call)).map(({ call }) => call);
  assert.deepEqual(known.sort(), Object.keys(signIns).sort());
  const others = {
    'POST /v1/accounts': { username: 'ada', password },
    [`PATCH /v1/accounts/${account.id}`]: { password: 'another password', currentPassword: password },
    [`POST /v1/accounts/${account.id}/totp`]: { currentPassword: password },
    'POST /users/me/tfa/generate': { password },
  };
  server.context.passwords = createPasswords({ atOnce: 1, mostWaiting: 0 });
  for (const [call, body] of Object.entries({ ...signIns, ...others })) {
    const [method, path] = call.split(' ') as [string, string];
    const as = call in signIns ? '' : call === 'POST /v1/accounts' ? server.key : token;
    const headers = { 'x-client-key': server.key };
    const answer = await server.call(method, path, body, { as, headers: path.startsWith('/_api') ? headers : {} });
    assert.deepEqual([answer.status, answer.headers.get('retry-after')], [503, '5'], call);
  }
});

test('N5.3: the 10,000 most common passwords are refused, in whatever case', async () => {
  const { dictionary } = await import('@zxcvbn-ts/language-common');
  // The most common first.
  const common = (dictionary['passwords-common'] as unknown as string[]).slice(0, 10_000);
  assert.equal(common.length, 10_000);
  const longEnough = common.filter(({ length }) => length >= limits.passwordMin);
  assert.ok(longEnough.length > 3000, 'shorter ones are refused for their length');
  for (const [i, password] of longEnough.entries()) {
    const written = i % 2 === 0 ? password : password.toUpperCase();
    await assert.rejects(checkPassword(written), { code: 'invalid_value', message: /one of the most common/ }, written);
  }
  const rare = `${longEnough[0]} of Ada's`;
  assert.equal(await checkPassword(rare), rare);
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
