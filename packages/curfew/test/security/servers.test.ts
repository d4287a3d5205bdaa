import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createVerifier, type Verifier } from 'curfew-client/verifier';
import type { UserId } from '../../src/domain/brand.ts';
import { redisInstalled } from '../support/redis.ts';
import { type Answer, type Json, TestServer } from '../support/server.ts';

type After = { after(done: () => Promise<void>): void };
const skip = !redisInstalled;

/** Every store that tests can use here, with as many servers as it supports. */
const fleets: { name: string; kind: string; servers: number; skip?: boolean }[] = [
  { name: 'one server on LMDB', kind: 'lmdb', servers: 1 },
  { name: 'two servers on Redis', kind: 'redis', servers: 2, skip },
];

async function startFleet(t: After, kind: string, count: number): Promise<[TestServer, TestServer]> {
  const first = await TestServer.start({ CURFEW_LEASE_MS: '500' }, undefined, kind);
  const second = count > 1 ? await first.another({ CURFEW_LEASE_MS: '500' }) : first;
  t.after(async () => {
    if (second !== first) await second.leave();
    await first.close();
  });
  return [first, second];
}

describe('an ended session on several servers', { skip }, () => {
  test('7.4.1: is invalid on every server and for every verifier once its end returns, and after all have restarted', async () => {
    const env = { CURFEW_LEASE_MS: '500' };
    const [one, two] = await (async () => {
      const first = await TestServer.start(env, undefined, 'redis');
      return [first, await first.another(env)];
    })();
    const servers = [one, two];
    const verifiers: Verifier[] = servers.map(({ url, key }) => createVerifier({ url, key }));
    const ends: ((of: { session: Json; token: string; refreshToken: string }) => Promise<Answer>)[] = [
      ({ session }) => one.call('DELETE', `/v1/sessions/${session.id}`),
      ({ token }) => two.call('POST', '/v1/logout', undefined, { as: token }),
      ({ refreshToken }) => one.call('POST', '/v1/sessions/logout', { refreshToken }),
      ({ session }) => two.call('DELETE', `/v1/users/${session.userId}/sessions`),
      () => one.call('POST', '/v1/sessions/end-everyone', { confirm: 'everyone' }),
    ];
    const over: { token: string; refreshToken: string }[] = [];
    for (const [i, end] of ends.entries()) {
      const opened = await one.createSession(`user ${i}`);
      for (const verifier of verifiers) assert.equal((await verifier.verify(opened.token)).active, true);
      const { status, body } = await end(opened);
      assert.deepEqual([status, body.receipt.everywhere], [200, true]);
      for (const verifier of verifiers) assert.equal(verifier.check(opened.token), undefined, `end ${i}`);
      for (const verifier of verifiers) assert.equal((await verifier.verify(opened.token)).active, false);
      for (const server of servers) assert.equal((await server.verify(opened.token)).active, false);
      over.push(opened);
    }
    for (const verifier of verifiers) verifier.close();
    for (const server of servers) await server.leave();
    const again = await one.another();
    const verifier = createVerifier(again);
    for (const { token, refreshToken } of over) {
      assert.equal((await again.verify(token)).active, false);
      assert.equal((await verifier.verify(token)).active, false);
      assert.equal((await again.call('POST', '/v1/sessions/refresh', { refreshToken })).status, 401);
    }
    verifier.close();
    await again.close();
  });
});

for (const { name, kind, servers, ...options } of fleets) {
  describe(`races on ${name}`, options, () => {
    test('7.4.2: disabling or deleting an account ends all its sessions, including those being opened at that moment', async (t) => {
      const [one, two] = await startFleet(t, kind, servers);
      const acts: ((id: string) => Promise<Answer>)[] = [
        (id) => one.call('PATCH', `/v1/accounts/${id}`, { disabled: true }),
        (id) => one.call('DELETE', `/v1/accounts/${id}`),
      ];
      for (const [i, act] of [...acts, ...acts].entries()) {
        const { id } = await one.createAccount(`ada${i}`);
        const open = await one.createSession(id);
        const signIns = [one, two, one, two, one, two].map((server) => server.login(`ada${i}`, `ada${i} password`));
        // One of them is signed in, and the password of another is being checked.
        await Promise.race(signIns);
        // A session that an application opens after the account is gone belongs to a user only the application knows.
        const opening =
          i % 2 === 0 ? [one, two, one, two].map((at) => at.call('POST', '/v1/sessions', { userId: id })) : [];
        const [{ status }, ...answers] = await Promise.all([act(id), ...signIns, ...opening]);
        assert.equal(status, 200);
        const tokens = answers.flatMap(({ body }) => (body.token ? [body.token as string] : []));
        assert.ok(tokens.length > 0, 'nobody had signed in');
        for (const token of [open.token, ...tokens]) {
          for (const server of [one, two]) assert.equal((await server.verify(token)).active, false);
        }
        assert.equal(await one.context.store.countActive(one.context.clock.now(), id as UserId), 0);
        assert.equal((await two.login(`ada${i}`, `ada${i} password`)).status, 401);
      }
    });

    test('keycloak 51127, better-auth 11073, express-session 632: when any write to a session races its end, the end wins', async (t) => {
      const [one, two] = await startFleet(t, kind, servers);
      for (let round = 0; round < 12; round++) {
        const userId = `user ${round}`;
        const slot = `slot-${round}`;
        const { session, token, refreshToken } = await one.createSession(userId, { name: slot });
        const groups = { add: [`g${round}`] };
        const writes: (() => Promise<Answer>)[] = [
          () => two.call('POST', '/v1/sessions/refresh', { refreshToken }),
          () => one.call('POST', '/v1/sessions/refresh', { refreshToken }),
          () => two.call('GET', '/v1/me', undefined, { as: token }),
          () => two.call('POST', `/v1/users/${encodeURIComponent(userId)}/access-groups`, groups),
          () =>
            one.call('POST', `/v1/users/${encodeURIComponent(userId)}/access-groups`, {
              ...groups,
              sessionId: session.id,
            }),
          () => two.call('POST', `/v1/named-sessions/${slot}/stop`),
          () => one.call('POST', `/v1/named-sessions/${slot}/start`),
          () => two.call('POST', `/v1/named-sessions/${slot}/restart`),
        ];
        // The end has a different place among them each time.
        const before = writes.splice(0, round % (writes.length + 1)).map((write) => write());
        const end = one.call('DELETE', `/v1/sessions/${session.id}`);
        const answers = await Promise.all([...before, ...writes.map((write) => write())]);
        assert.equal((await end).status, 200);
        await one.running.opened.upkeep.sweep();
        const made = answers.flatMap(({ body }) => (body.token ? [body.token as string] : []));
        for (const server of [one, two]) {
          for (const one of [token, ...made]) assert.equal((await server.verify(one)).active, false);
          const read = await server.call('GET', `/v1/sessions/${session.id}`);
          assert.deepEqual([read.body.session.status, read.body.session.endReason], ['ended', 'ended_by_admin']);
        }
      }
    });
  });
}

describe('limits of guessing on several servers', { skip }, () => {
  let one: TestServer;
  let two: TestServer;
  before(async () => {
    const env = { CURFEW_LOGIN_ATTEMPTS: '4/15m', CURFEW_FACTOR_ATTEMPTS: '4/5m', CURFEW_ROCKETCHAT_CALLS: '4/1m' };
    one = await TestServer.start(env, undefined, 'redis');
    two = await one.another(env);
  });
  after(async () => {
    await two.leave();
    await one.close();
  });

  /** That many calls at each server in turn; returns their statuses. */
  const inTurn = async (calls: number, call: (server: TestServer) => Promise<Answer>) => {
    const statuses: number[] = [];
    for (let i = 0; i < calls; i++) statuses.push((await call(i % 2 === 0 ? one : two)).status);
    return statuses;
  };

  test('Shared limits: wrong passwords at any of the servers count for all of them', async () => {
    await one.createAccount('ada');
    assert.deepEqual(await inTurn(4, (server) => server.login('ada', 'wrong')), [401, 401, 401, 401]);
    for (const server of [one, two]) assert.equal((await server.login('ada', 'ada password')).status, 429);
  });

  test('Shared limits: wrong second factors at any of the servers count for all of them, and a code used at one is used at all', async () => {
    const { id } = await one.createAccount('bob');
    const authenticator = await one.enrol(id);
    const [code] = authenticator.backupCodes;
    assert.equal((await one.login('bob', 'bob password', code)).status, 200);
    const again = await two.login('bob', 'bob password', code);
    assert.equal(again.body.code, 'second_factor_invalid');
    const guess = (server: TestServer) => server.login('bob', 'bob password', authenticator.wrong());
    assert.deepEqual(await inTurn(3, guess), [403, 403, 403]);
    for (const server of [one, two]) assert.equal((await guess(server)).body.code, 'too_many_attempts');
  });

  test('Shared limits: calls of Rocket.Chat’s routes count for all servers together', async () => {
    let someone = 0;
    const call = (server: TestServer) =>
      server.call('POST', '/api/v1/login', { user: `nobody ${someone++}`, password: 'x' }, { as: '' });
    assert.deepEqual(await inTurn(6, call), [401, 401, 401, 401, 429, 429]);
  });
});
