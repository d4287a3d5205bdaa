import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { dialectNames } from '../../src/dialects/names.ts';
import { minute } from '../../src/domain/limits.ts';
import { manualClock } from '../support/ports.ts';
import { type Answer, type Authenticator, adminPassword, type Json, TestServer } from '../support/server.ts';

/** A session with everything by which a surface can name it: id, user, name, token. */
type SignedIn = { id: string; userId: string; name: string; token: string };

/** One of the supported systems, or the native API: how it does what all of them do. */
type Surface = {
  /** Signs the account in to a waiting named session. */
  signIn(name: string): Promise<{ token: string }>;
  /** Whether its list contains the session; absent if the system has no list. */
  lists?(session: SignedIn): Promise<boolean>;
  /** The user of the session, as the system reports it. */
  reads(session: SignedIn): Promise<{ userId: string }>;
  /** Changes the session and checks the change; absent if the system has no such call. */
  change?(session: SignedIn): Promise<void>;
  end(session: SignedIn): Promise<void>;
  /** Checks that somebody with the session's token is let in. */
  accepts(session: SignedIn): Promise<void>;
  /** Checks that somebody with the session's token is refused, in the system's own words. */
  refuses(session: SignedIn, because: 'ended' | 'suspended'): Promise<void>;
};

const email = 'admin@example.com';

describe('one session, every surface', () => {
  const clock = manualClock(Date.UTC(2026, 5, 1));
  let server: TestServer;
  let authenticator: Authenticator;
  let userId: string;
  before(async () => {
    server = await TestServer.start({}, clock);
    ({ id: userId } = (await server.login()).body.account);
    authenticator = await server.enrol(userId);
  });
  after(() => server.close());

  type Headers = Record<string, string>;
  const call = (method: string, path: string, body?: unknown, headers: Headers = {}) =>
    server.call(method, path, body, { as: '', headers });
  const answered = (answer: Answer, status: number): Json => {
    assert.equal(answer.status, status, JSON.stringify(answer.body));
    return answer.body;
  };
  /** A code that has not been used yet. */
  const code = () => {
    clock.advance(minute);
    return authenticator.next();
  };
  const named = (name: string): Headers => ({ 'x-session-name': name, 'x-2fa-code': code() });
  const bearer = (token: string): Headers => ({ authorization: `Bearer ${token}` });

  const native = {
    async signIn(name) {
      return answered(
        await call('POST', '/v1/login', { username: 'admin', password: adminPassword, totp: code(), name }),
        200,
      );
    },
    async lists({ id }) {
      const { sessions } = answered(
        await server.call('GET', `/v1/sessions?user=${userId}&status=active&limit=100`),
        200,
      );
      return sessions.some((one: Json) => one.id === id);
    },
    async reads({ id }) {
      return answered(await server.call('GET', `/v1/sessions/${id}`), 200).session;
    },
    async change({ id }) {
      const body = { add: ['changed'], sessionId: id };
      answered(await server.call('POST', `/v1/users/${userId}/access-groups`, body), 200);
      const { session } = answered(await server.call('GET', `/v1/sessions/${id}`), 200);
      assert.deepEqual(session.accessGroups, ['changed']);
    },
    async end({ id }) {
      answered(await server.call('DELETE', `/v1/sessions/${id}`), 200);
    },
    async accepts({ id, token }) {
      assert.equal(answered(await call('GET', '/v1/me', undefined, bearer(token)), 200).session.id, id);
    },
    async refuses({ token }, because) {
      const { code: told } = answered(await call('GET', '/v1/me', undefined, bearer(token)), 401);
      assert.equal(told, `session_${because}`);
    },
  } satisfies Surface;

  const shown = ({ token }: { token: string }): Headers => ({ 'x-user-id': userId, 'x-auth-token': token });
  /** The caller through Rocket.Chat: an administrator whose factor was confirmed at sign-in. */
  const rocketAdmin = async (): Promise<Headers> => {
    const body = { user: 'admin', password: adminPassword, code: code() };
    return shown({ token: answered(await call('POST', '/api/v1/login', body), 200).data.authToken });
  };
  const rocketchat: Surface = {
    async signIn(name) {
      const body = { user: 'admin', password: adminPassword };
      return { token: answered(await call('POST', '/api/v1/login', body, named(name)), 200).data.authToken };
    },
    async lists({ id }) {
      const path = `/api/v1/sessions/list.all?filter=${id}`;
      const { sessions } = answered(await call('GET', path, undefined, await rocketAdmin()), 200);
      return sessions.some(({ sessionId }: Json) => sessionId === id);
    },
    async reads({ id }) {
      const path = `/api/v1/sessions/info.admin?sessionId=${id}`;
      return answered(await call('GET', path, undefined, await rocketAdmin()), 200);
    },
    async end({ id }) {
      answered(await call('POST', '/api/v1/sessions/logout', { sessionId: id }, await rocketAdmin()), 200);
    },
    async accepts(session) {
      assert.equal(answered(await call('GET', '/api/v1/me', undefined, shown(session)), 200)._id, userId);
    },
    async refuses(session) {
      const { message } = answered(await call('GET', '/api/v1/me', undefined, shown(session)), 401);
      assert.equal(message, 'You must be logged in to do this.');
    },
  };

  const directus: Surface = {
    async signIn(name) {
      const headers = named(name);
      const body = { email, password: adminPassword, otp: headers['x-2fa-code'] };
      const { data } = answered(await call('POST', '/auth/login', body, headers), 200);
      // Only its own tokens work there; for other sessions, the refresh token gives a session token.
      const refreshToken = data.refresh_token;
      return answered(await call('POST', '/v1/sessions/refresh', { refreshToken }), 200);
    },
    async reads({ token }) {
      const { data } = answered(await call('GET', '/users/me', undefined, bearer(token)), 200);
      return { userId: data.id };
    },
    async end({ token }) {
      answered(await call('POST', '/auth/logout', { refresh_token: token, mode: 'json' }), 204);
    },
    async accepts({ token }) {
      assert.equal(answered(await call('GET', '/users/me', undefined, bearer(token)), 200).data.id, userId);
    },
    async refuses({ token }) {
      const { errors } = answered(await call('GET', '/users/me', undefined, bearer(token)), 401);
      assert.deepEqual([errors.length, errors[0].extensions.code], [1, 'INVALID_CREDENTIALS']);
    },
  };

  const wahaKey = (): Headers => ({ 'x-api-key': server.key });
  const waha: Surface = {
    // A sign-in happens elsewhere, as with a phone in WAHA: the name waits, and becomes WORKING.
    async signIn(name) {
      const signedIn = await native.signIn(name);
      assert.equal(answered(await call('GET', `/api/sessions/${name}`, undefined, wahaKey()), 200).status, 'WORKING');
      return signedIn;
    },
    async lists({ name }) {
      const all = answered(await call('GET', '/api/sessions', undefined, wahaKey()), 200);
      return all.some((one: Json) => one.name === name);
    },
    async reads({ name }) {
      const { me } = answered(await call('GET', `/api/sessions/${name}`, undefined, wahaKey()), 200);
      return { userId: me.id };
    },
    async change(session) {
      const path = `/api/sessions/${session.name}`;
      answered(await call('POST', `${path}/stop`, undefined, wahaKey()), 201);
      for (const other of Object.values(surfaces)) await other.refuses(session, 'suspended');
      answered(await call('POST', `${path}/start`, undefined, wahaKey()), 201);
    },
    async end({ name }) {
      answered(await call('POST', `/api/sessions/${name}/logout`, undefined, wahaKey()), 201);
    },
    async accepts({ name }) {
      const { status, me } = answered(await call('GET', `/api/sessions/${name}`, undefined, wahaKey()), 200);
      assert.deepEqual([status, me.id], ['WORKING', userId]);
    },
    async refuses({ name }, because) {
      const { status, me } = answered(await call('GET', `/api/sessions/${name}`, undefined, wahaKey()), 200);
      if (because === 'ended') assert.deepEqual([status, me], ['SCAN_QR_CODE', null]);
      else assert.equal(status, 'STOPPED');
    },
  };

  const ofAltogic = '/_api/rest/v1/auth';
  const altogicWith = (token?: string): Headers => ({ 'x-client-key': server.key, ...(token && { session: token }) });
  const altogicSignIn = async (headers: Headers): Promise<string> => {
    const body = { email, password: adminPassword };
    const answer = await call('POST', `${ofAltogic}/signin-email`, body, { ...altogicWith(), ...headers });
    return answered(answer, 200).session.token;
  };
  /** The caller through Altogic: the same user, in a session of their own. */
  const altogicUser = async () => altogicWith(await altogicSignIn({ 'x-2fa-code': code() }));
  const altogicSessions = async (): Promise<Json[]> =>
    answered(await call('GET', `${ofAltogic}/sessions`, undefined, await altogicUser()), 200);
  const altogic: Surface = {
    async signIn(name) {
      return { token: await altogicSignIn(named(name)) };
    },
    async lists({ id }) {
      return (await altogicSessions()).some(({ token }) => token === id);
    },
    async reads({ id }) {
      return (await altogicSessions()).find(({ token }) => token === id);
    },
    async end({ id }) {
      answered(await call('POST', `${ofAltogic}/signout`, { token: id }, await altogicUser()), 200);
    },
    async accepts({ token }) {
      const { _id } = answered(await call('GET', `${ofAltogic}/user`, undefined, altogicWith(token)), 200);
      assert.equal(_id, userId);
    },
    async refuses({ token }) {
      const { errors } = answered(await call('GET', `${ofAltogic}/user`, undefined, altogicWith(token)), 401);
      assert.equal(errors[0].code, 'invalid_session_token');
    },
  };

  const surfaces = { native, rocketchat, directus, waha, altogic };
  const table = new Map<string, string>();

  test('each supported system is a surface here', () => {
    assert.deepEqual(Object.keys(surfaces).sort(), ['native', ...dialectNames].sort());
  });

  for (const [from, signedInThrough] of Object.entries<Surface>(surfaces)) {
    for (const [by, actedThrough] of Object.entries<Surface>(surfaces)) {
      test(`signed in through ${from}, ended through ${by}: refused by all`, async () => {
        const name = `${from}-${by}`;
        answered(await call('POST', '/api/sessions', { name }, wahaKey()), 201);
        const { token } = await signedInThrough.signIn(name);
        const { session: found } = await server.verify(token);
        const session: SignedIn = { id: found.id, userId: found.userId, name: found.name, token };
        assert.deepEqual([session.userId, session.name], [userId, name]);
        const everywhere = async (see: (surface: Surface) => Promise<void>) => {
          for (const surface of Object.values(surfaces)) await see(surface);
        };
        await everywhere((surface) => surface.accepts(session));

        if (actedThrough.lists) assert.equal(await actedThrough.lists(session), true);
        assert.equal((await actedThrough.reads(session)).userId, userId);
        // If a system cannot change a session, it must show the change that the native API made.
        await (actedThrough.change ?? native.change)(session);
        await everywhere((surface) => surface.accepts(session));
        assert.equal((await actedThrough.reads(session)).userId, userId);

        await actedThrough.end(session);
        await everywhere((surface) => surface.refuses(session, 'ended'));
        if (actedThrough.lists && by !== 'waha') assert.equal(await actedThrough.lists(session), false);
        assert.equal((await native.reads(session)).status, 'ended');
        const done = [actedThrough.lists && 'list', 'read', actedThrough.change && 'change', 'end'];
        table.set(`${from} ${by}`, done.filter(Boolean).join(' '));
      });
    }
  }

  test('all pairs were tested', () => {
    const names = Object.keys(surfaces);
    const width = 21;
    const row = (cells: string[]) => cells.map((cell) => cell.padEnd(width)).reduce((line, cell) => line + cell);
    console.log(row(['signed in ↓ by →', ...names]));
    for (const from of names) console.log(row([from, ...names.map((by) => table.get(`${from} ${by}`) ?? 'FAILED')]));
    assert.equal(table.size, names.length ** 2);
  });
});
