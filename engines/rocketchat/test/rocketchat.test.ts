import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { RestClient } from '@rocket.chat/api-client';
import { minute } from '../../../packages/curfew/src/domain/limits.ts';
import { manualClock } from '../../../packages/curfew/test/support/ports.ts';
import {
  type Authenticator,
  adminPassword,
  type Json,
  TestServer,
} from '../../../packages/curfew/test/support/server.ts';
import { type Checks, loadChecks } from './typings.ts';

const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0';
const safari =
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15';

/** What the client throws: the response itself, except for one that requires a second factor. */
async function refused(call: Promise<unknown>): Promise<{ status: number; body: Json }> {
  const thrown = await call.then(
    () => assert.fail('it was not refused'),
    (error: unknown) => error,
  );
  assert.ok(thrown instanceof Response, String(thrown));
  return { status: thrown.status, body: await thrown.json() };
}

describe('Rocket.Chat: its own client, unchanged', () => {
  const clock = manualClock(Date.UTC(2026, 5, 1));
  let checks: Checks;
  let server: TestServer;
  let authenticator: Authenticator;
  before(async () => {
    checks = await loadChecks();
    server = await TestServer.start({}, clock);
    authenticator = await server.enrol((await server.login()).body.account.id);
    await server.createAccount('ada', { name: 'Ada Lovelace' });
  });
  after(() => server.close());

  // Its paths are declared by its server, not by its client, so here they are plain strings.
  type Client = {
    get(path: string, params?: object): Promise<Json>;
    post(path: string, params?: object): Promise<Json>;
    setCredentials(credentials: object): void;
    handleTwoFactorChallenge(answer: (asked: { method: string; invalidAttempt?: boolean }) => Promise<string>): void;
  };
  const clientOf = (userAgent = firefox, path = ''): Client =>
    new RestClient({ baseUrl: server.url + path, headers: { 'user-agent': userAgent } }) as unknown as Client;

  const valid = (check: keyof Checks, value: unknown) =>
    // Its checks coerce types, which must not hide a wrong one.
    assert.ok(checks[check](structuredClone(value)), `${check}: ${JSON.stringify([checks[check].errors, value])}`);

  async function signIn(user: string, password: string, more: object = {}, userAgent?: string, path?: string) {
    clock.advance(1000);
    const client = clientOf(userAgent, path);
    const answer = await client.post('/v1/login', { user: { username: user }, password, ...more });
    client.setCredentials({ 'X-User-Id': answer.data.userId, 'X-Auth-Token': answer.data.authToken });
    return { client, ...answer.data } as { client: Client; userId: string; authToken: string; me: Json };
  }
  const asAda = (userAgent?: string, path?: string) => signIn('ada', 'ada password', {}, userAgent, path);
  const asAdmin = () => {
    // A code counts once, so the next one takes another half minute.
    clock.advance(minute);
    return signIn('admin', adminPassword, { code: authenticator.next() });
  };

  test('login matches its types, and returns who signed in', async () => {
    const body = { user: { username: 'ada' }, password: 'ada password' };
    valid('login', body);
    const { me, userId, authToken } = await asAda();
    valid('me', { ...me, success: true });
    assert.deepEqual([me._id, me.username, me.name], [userId, 'ada', 'Ada Lovelace']);
    assert.equal((await server.verify(authToken)).active, true);
    const wrong = await refused(clientOf().post('/v1/login', { ...body, password: 'wrong' }));
    assert.equal(wrong.status, 401);
    valid(401, wrong.body);
    const form = await clientOf().post('/v1/login', { user: 'ada', password: 'ada password' });
    assert.equal(form.status, 'success');
  });

  test('me returns the caller', async () => {
    const { client, userId } = await asAda();
    const me = await client.get('/v1/me');
    valid('me', me);
    assert.deepEqual(
      [me._id, me.success, me.services],
      [userId, true, { password: { exists: true }, totp: { enabled: false } }],
    );
  });

  test('logout works, although its client posts it as JSON with an empty body', async () => {
    const { client, authToken } = await asAda();
    assert.deepEqual(await client.post('/v1/logout'), {
      status: 'success',
      data: { message: "You've been logged out!" },
      success: true,
    });
    assert.deepEqual(await server.verify(authToken), { active: false, reason: 'logout' });
    const again = await refused(client.post('/v1/logout'));
    assert.equal(again.status, 401);
    valid(401, again.body);
  });

  test('list, info and logout.me work for one’s own sessions', async () => {
    const [phone, desk] = [await asAda(safari), await asAda(firefox, '/rocketchat')];
    const list = await desk.client.get('/v1/sessions/list', {
      count: 25,
      offset: 0,
      sort: JSON.stringify({ loginAt: -1 }),
      filter: '',
    });
    assert.deepEqual([list.success, list.count, list.offset], [true, 25, 0]);
    assert.equal(list.total, list.sessions.length);
    for (const session of list.sessions) valid('session', session);
    const [current, other] = list.sessions as Json[];
    assert.deepEqual([current.current, current.device.name, other.device.name], [true, 'Firefox', 'Safari']);
    assert.deepEqual([other.current, other.device.os], [undefined, { name: 'Mac OS', version: '10.15.7' }]);
    const found = await desk.client.get('/v1/sessions/list', { filter: 'SAFARI' });
    assert.deepEqual(found.sessions[0].sessionId, other.sessionId);

    const info = await desk.client.get('/v1/sessions/info', { sessionId: other.sessionId });
    valid('session', info);
    assert.deepEqual(info, { ...other, success: true });
    const end = () => desk.client.post('/v1/sessions/logout.me', { sessionId: other.sessionId });
    assert.deepEqual(await end(), { sessionId: other.sessionId, success: true });
    assert.deepEqual(await server.verify(phone.authToken), { active: false, reason: 'logout' });
    assert.deepEqual(await end(), { sessionId: other.sessionId, success: true });
    const gone = await refused(desk.client.get('/v1/sessions/info', { sessionId: other.sessionId }));
    assert.equal(gone.status, 404);
    valid(404, gone.body);
    assert.equal((await refused(phone.client.get('/v1/me'))).status, 401);
  });

  test('others’ sessions require its second-factor challenge; then list.all, info.admin and logout work', async () => {
    const { userId, authToken } = await asAda(safari);
    const { client } = await asAdmin();
    clock.advance(6 * minute);
    const asked: object[] = [];
    client.handleTwoFactorChallenge(async (challenge) => {
      asked.push(challenge);
      return asked.length === 1 ? authenticator.wrong() : authenticator.next();
    });
    const list = await client.get('/v1/sessions/list.all', { sort: JSON.stringify({ '_user.username': 1 }) });
    // Once for the missing code, and once again for the wrong one.
    assert.deepEqual(
      asked.map((challenge) => Object.entries(challenge).filter(([, value]) => value !== undefined)),
      [
        [
          ['method', 'totp'],
          ['invalidAttempt', false],
        ],
        [
          ['method', 'totp'],
          ['invalidAttempt', true],
        ],
      ],
    );
    for (const session of list.sessions) valid('populated', session);
    const names = list.sessions.map((session: Json) => session._user.username);
    assert.deepEqual(names, [...names].sort());
    const target = list.sessions.find((session: Json) => session.userId === userId);
    assert.deepEqual(target._user, { name: 'Ada Lovelace', username: 'ada' });

    // Remembered, so no more codes are required.
    const byName = await client.get('/v1/sessions/list.all', { filter: 'lovelace', count: 1 });
    assert.equal(byName.sessions[0].userId, userId);
    const { sessionId } = byName.sessions[0];
    const info = await client.get('/v1/sessions/info.admin', { sessionId });
    valid('populated', info);
    assert.deepEqual(await client.post('/v1/sessions/logout', { sessionId }), { sessionId, success: true });
    assert.deepEqual(await server.verify(authToken), { active: false, reason: 'ended_by_admin' });
    assert.equal(asked.length, 2);
  });

  test('each refusal has the shape that its types declare', async () => {
    const { client } = await asAda();
    const [admin, target] = [await asAdmin(), await asAda()];
    clock.advance(6 * minute);
    const { sessionId } = (await target.client.get('/v1/sessions/list')).sessions[0];
    const cases: [400 | 401 | 403 | 404, () => Promise<unknown>][] = [
      [401, () => clientOf().get('/v1/sessions/list')],
      [403, () => client.get('/v1/sessions/list.all')],
      [403, () => client.get('/v1/sessions/info.admin', { sessionId })],
      [403, () => client.post('/v1/sessions/logout', { sessionId })],
      [400, () => admin.client.post('/v1/sessions/logout', { sessionId })],
      [404, () => client.get('/v1/sessions/info', { sessionId: 'nobody' })],
      [404, () => client.post('/v1/sessions/logout.me', { sessionId: 'nobody' })],
      [400, () => client.post('/v1/sessions/logout.me', {})],
      [400, () => client.get('/v1/sessions/list', { sort: JSON.stringify({ $where: 1 }) })],
      [400, () => client.get('/v1/sessions/list', { sort: 'loginAt' })],
      [400, () => client.get('/v1/sessions/list', { query: '{}' })],
    ];
    for (const [status, call] of cases) {
      const answer = await refused(call());
      assert.equal(answer.status, status, JSON.stringify(answer.body));
      valid(status, answer.body);
      assert.equal(answer.body.success, false);
    }
  });
});
