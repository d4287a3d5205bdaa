import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type AltogicClient, type APIError, AuthManager, type ClientStorage, createClient } from 'altogic';
import { type Json, TestServer } from '../../../packages/curfew/test/support/server.ts';

/** The client's storage, as in a browser. */
function localStorage(): ClientStorage & { kept: Map<string, string> } {
  const kept = new Map<string, string>();
  return {
    kept,
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => kept.set(key, value),
    removeItem: (key: string) => kept.delete(key),
  } as ClientStorage & { kept: Map<string, string> };
}

/** The methods that call the server about sessions, those that only store something, and unsupported ones. */
const spoken = {
  signInWithEmail: [],
  signOut: [],
  signOutAll: [],
  signOutAllExceptCurrent: [],
  getAllSessions: [],
  getUserFromDB: [],
  getUserFromDBbyCookie: [],
};
const local = [
  'clearLocalData',
  'invalidateSession',
  'getSession',
  'getUser',
  'setSession',
  'setUser',
  'setSessionCookie',
  'removeSessionCookie',
];
const notSpoken = {
  signUpWithEmail: ['new@example.com', 'a password'],
  signUpWithPhone: ['+1', 'a password'],
  signInWithPhone: ['+1', 'a password'],
  signInWithCode: ['+1', '123456'],
  getAuthGrant: ['a grant'],
  verifyPhone: ['+1', '123456'],
  changePassword: ['a new one', 'an old one'],
  changeEmail: ['a password', 'new@example.com'],
  changePhone: ['a password', '+2'],
  resendVerificationEmail: ['ada@example.com'],
  resendVerificationCode: ['+1'],
  sendMagicLinkEmail: ['ada@example.com'],
  sendResetPwdEmail: ['ada@example.com'],
  sendResetPwdCode: ['+1'],
  sendSignInCode: ['+1'],
  resetPwdWithToken: ['a grant', 'a new one'],
  resetPwdWithCode: ['+1', '123456', 'a new one'],
};
/** A redirect to a provider's page, and a listener on a socket, which are not calls of this API. */
const elsewhere = ['signInWithProvider', 'onUserEvent'];

describe('Altogic’s own client', () => {
  let server: TestServer;
  let account: Json;
  before(async () => {
    server = await TestServer.start();
    account = await server.createAccount('ada', { email: 'ada@example.com', name: 'Ada Lovelace' });
  });
  after(() => server.close());

  const connect = (options: { url?: string; clientKey?: string; apiKey?: string } = {}) => {
    const storage = localStorage();
    const { url = server.url, clientKey = server.key, apiKey } = options;
    const altogic = createClient(url, clientKey, { localStorage: storage, ...(apiKey && { apiKey }) });
    return { altogic, auth: altogic.auth, kept: storage.kept };
  };

  async function signIn(options?: Parameters<typeof connect>[0]) {
    const client = connect(options);
    const { user, session, errors } = await client.auth.signInWithEmail('ada@example.com', 'ada password');
    assert.equal(errors, null);
    return { ...client, user: user!, session: session! };
  }

  const codesOf = (errors: APIError | null) => [errors?.status, errors?.items.map(({ code }) => code)];
  const ofNative = async (): Promise<string[]> => {
    const { body } = await server.call('GET', `/v1/users/${account.id}/sessions`);
    return body.sessions.map(({ id }: Json) => id);
  };
  const endAll = () => server.call('DELETE', `/v1/users/${account.id}/sessions`);

  test('each of its methods is either supported, only local, or refused without losing the session', () => {
    const names = Object.getOwnPropertyNames(AuthManager.prototype).filter((name) => name !== 'constructor');
    const known = [...Object.keys(spoken), ...local, ...Object.keys(notSpoken), ...elsewhere];
    assert.deepEqual(names.sort(), known.sort());
  });

  test('signInWithEmail returns a user and a session, which the client stores and the native API lists', async () => {
    await endAll();
    const { auth, user, session, kept } = await signIn();
    const { lastLoginAt, signUpAt, ...rest } = user;
    assert.deepEqual(rest, {
      _id: account.id,
      provider: 'altogic',
      providerUserId: account.id,
      email: 'ada@example.com',
      name: 'Ada Lovelace',
    });
    assert.equal(signUpAt, account.createdAt);
    assert.ok(Date.parse(lastLoginAt) >= Date.parse(signUpAt));
    assert.deepEqual([session.userId, session.accessGroupKeys], [account.id, []]);
    assert.equal(Object.keys(session.userAgent).join(), 'family,major,minor,patch,device,os');
    assert.deepEqual((await server.verify(session.token)).active, true);
    assert.deepEqual(auth.getSession(), session);
    assert.deepEqual(auth.getUser(), user);
    assert.deepEqual([...kept.keys()].sort(), ['session', 'user']);
    assert.equal((await ofNative()).length, 1);
  });

  test('signInWithEmail: a wrong password and an unknown user look the same, and an existing session stays', async () => {
    const { auth, session } = await signIn();
    const refused = await Promise.all([
      auth.signInWithEmail('ada@example.com', 'wrong'),
      auth.signInWithEmail('nobody@example.com', 'wrong'),
    ]);
    for (const { user, session: none, errors } of refused) {
      assert.deepEqual([user, none], [null, null]);
      assert.deepEqual(codesOf(errors), [400, ['invalid_credentials']]);
    }
    assert.deepEqual(refused[0].errors, refused[1].errors);
    assert.deepEqual(auth.getSession(), session);
    assert.equal((await auth.getUserFromDB()).errors, null);
  });

  test('signInWithEmail again ends the session that the client had', async () => {
    const { auth, session } = await signIn();
    await auth.signInWithEmail('ada@example.com', 'ada password');
    assert.deepEqual(await server.verify(session.token), { active: false, reason: 'replaced' });
  });

  test('getUserFromDB and getAllSessions return the user, and all their sessions with devices', async () => {
    await endAll();
    const { auth, user, session } = await signIn();
    const chrome = 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 Chrome/120.1.2.3 Safari/537.36';
    const other = await server.createSession(account.id, { userAgent: chrome, accessGroups: ['staff'] });
    await server.createSession('grace');
    assert.deepEqual(await auth.getUserFromDB(), { user, errors: null });
    const { sessions, errors } = await auth.getAllSessions();
    assert.equal(errors, null);
    assert.equal(sessions?.length, 2);
    assert.deepEqual(sessions[0], {
      userId: account.id,
      token: other.session.id,
      creationDtm: other.session.createdAt,
      accessGroupKeys: ['staff'],
      userAgent: {
        family: 'Chrome',
        major: '120',
        minor: '1',
        patch: '2',
        device: { family: 'Macintosh', major: '0', minor: '0', patch: '0' },
        os: { family: 'Mac OS', major: '10', minor: '15', patch: '7' },
      },
    });
    assert.ok(!JSON.stringify(sessions).includes(session.token), 'a list shows a token');
  });

  test('getAllSessions returns all of them, on however many pages the server has', async () => {
    await endAll();
    const { auth } = await signIn();
    for (let i = 0; i < 120; i++) await server.createSession(account.id);
    const { sessions } = await auth.getAllSessions();
    assert.equal(new Set(sessions?.map(({ token }) => token)).size, 121);
  });

  test('signOut ends the client’s own session, which the client drops', async () => {
    const { auth, session, kept } = await signIn();
    assert.deepEqual(await auth.signOut(), { errors: null });
    assert.deepEqual(await server.verify(session.token), { active: false, reason: 'logout' });
    assert.equal(kept.size, 0);
    assert.deepEqual(codesOf((await auth.getUserFromDB()).errors), [401, ['missing_session_token']]);
  });

  test('signOut of another session, by its id and by its token, leaves the client’s own', async () => {
    const { auth, session } = await signIn();
    const [one, two] = [await signIn(), await signIn()];
    const { sessions } = await auth.getAllSessions();
    const id = sessions!.find(({ token }) => one.session.token.includes(token))!.token;
    assert.deepEqual(await auth.signOut(id), { errors: null });
    assert.deepEqual(await auth.signOut(two.session.token), { errors: null });
    assert.deepEqual(await auth.signOut(two.session.token), { errors: null }, 'a repeated call is confirmed');
    for (const { session: ended } of [one, two]) assert.equal((await server.verify(ended.token)).active, false);
    assert.deepEqual(auth.getSession(), session);
    assert.equal((await server.verify(session.token)).active, true);
  });

  test('signOut of its own session by its token drops it', async () => {
    const { auth, session, kept } = await signIn();
    assert.deepEqual(await auth.signOut(session.token), { errors: null });
    assert.equal((await server.verify(session.token)).active, false);
    assert.equal(kept.size, 0);
  });

  test('signOut of another user’s session, or of an unknown one, changes nothing and drops nothing', async () => {
    const { auth, kept } = await signIn();
    const theirs = await server.createSession('grace');
    for (const token of [theirs.token, theirs.session.id, 'nonsense']) {
      assert.deepEqual(codesOf((await auth.signOut(token)).errors), [404, ['session_not_found']]);
    }
    assert.equal((await server.verify(theirs.token)).active, true);
    assert.equal(kept.size, 2);
  });

  test('signOutAll ends every session of the user, and nobody else’s; the other clients drop theirs', async () => {
    const theirs = await server.createSession('grace');
    const [one, two] = [await signIn(), await signIn()];
    assert.deepEqual(await one.auth.signOutAll(), { errors: null });
    assert.deepEqual(await ofNative(), []);
    assert.equal(one.kept.size, 0);
    assert.equal(two.kept.size, 2);
    assert.deepEqual(codesOf((await two.auth.getAllSessions()).errors), [401, ['invalid_session_token']]);
    assert.equal(two.kept.size, 0, 'the client keeps a session that has ended');
    assert.equal((await server.verify(theirs.token)).active, true);
  });

  test('signOutAllExceptCurrent ends all but the client’s own', async () => {
    await endAll();
    const [one, two] = [await signIn(), await signIn()];
    assert.deepEqual(await one.auth.signOutAllExceptCurrent(), { errors: null });
    assert.equal((await ofNative()).length, 1);
    assert.equal((await one.auth.getAllSessions()).sessions?.length, 1);
    assert.deepEqual(codesOf((await two.auth.getUserFromDB()).errors), [401, ['invalid_session_token']]);
  });

  test('setSession: a session that the application opened over the native API works in the client', async () => {
    const { auth } = connect();
    const { token } = await server.createSession('grace', { accessGroups: ['staff'] });
    auth.setSession({ token } as never);
    const { user, errors } = await auth.getUserFromDB();
    assert.deepEqual([errors, user?._id, user?.providerUserId], [null, 'grace', 'grace']);
    assert.deepEqual((await auth.getAllSessions()).sessions?.[0]?.accessGroupKeys, ['staff']);
    assert.deepEqual(await auth.signOut(), { errors: null });
    assert.equal((await server.verify(token)).active, false);
  });

  test('the native API ends a session that the client opened: its next call drops it', async () => {
    const { auth, kept } = await signIn();
    const [id] = await ofNative();
    assert.equal((await server.call('DELETE', `/v1/sessions/${id}`)).status, 200);
    assert.deepEqual(codesOf((await auth.getUserFromDB()).errors), [401, ['invalid_session_token']]);
    assert.equal(kept.size, 0);
  });

  test('getUserFromDBbyCookie reads the session of a page’s request; an ended one loses its cookie', async () => {
    const { auth, session } = await signIn();
    const page = (token: string) => {
      const headers: Record<string, unknown> = {};
      const response = {
        getHeader: (name: string) => headers[name],
        setHeader: (name: string, value: unknown) => {
          headers[name] = value;
        },
      };
      return { request: { headers: { cookie: `session_token=${token}` } }, response, headers };
    };
    const signedIn = page(session.token);
    auth.setSessionCookie(session.token, signedIn.request, signedIn.response);
    assert.match(String(signedIn.headers['Set-Cookie']), /^session_token=cfs_/);
    const onServer = connect();
    const { user } = await onServer.auth.getUserFromDBbyCookie(signedIn.request, signedIn.response);
    assert.equal(user?._id, account.id);
    await auth.signOut();
    const after = page(session.token);
    const { errors } = await onServer.auth.getUserFromDBbyCookie(after.request, after.response);
    assert.deepEqual(codesOf(errors), [401, ['invalid_session_token']]);
    assert.match(String(after.headers['Set-Cookie']), /^session_token=;/);
  });

  test('invalidateSession and clearLocalData are only local: the session stays active', async () => {
    for (const forget of ['invalidateSession', 'clearLocalData'] as const) {
      const { auth, session, kept } = await signIn();
      auth[forget]();
      assert.equal(kept.size, 0);
      assert.equal((await server.verify(session.token)).active, true);
    }
  });

  test('unsupported methods return errors, and the session stays', async () => {
    const { auth, session } = await signIn();
    for (const [name, args] of Object.entries(notSpoken)) {
      const method = auth[name as keyof typeof notSpoken] as (...all: string[]) => Promise<{ errors: APIError | null }>;
      const { errors } = await method.apply(auth, args);
      assert.deepEqual(codesOf(errors), [404, ['endpoint_not_found']], name);
    }
    assert.deepEqual(auth.getSession(), session);
    assert.equal((await server.verify(session.token)).active, true);
  });

  test('the API key takes precedence over the client key, and a wrong one drops no session', async () => {
    const { session } = await signIn();
    const use = async (client: AltogicClient) => {
      client.auth.setSession(session);
      const { errors } = await client.auth.getUserFromDB();
      assert.ok(errors === null || client.auth.getSession() !== null, 'a wrong key drops the session');
      return codesOf(errors);
    };
    const right = server.key;
    const wrong = [401, ['invalid_api_key']];
    assert.deepEqual(await use(connect({ clientKey: 'an old one', apiKey: right }).altogic), [undefined, undefined]);
    assert.deepEqual(await use(connect({ clientKey: 'an old one' }).altogic), wrong);
    assert.deepEqual(await use(connect({ clientKey: right, apiKey: 'an old one' }).altogic), wrong);
    const { body } = await server.call('POST', '/v1/keys', { name: 'browser', scopes: [] });
    assert.deepEqual(await use(connect({ clientKey: body.token }).altogic), [undefined, undefined]);
    await server.call('DELETE', `/v1/keys/${body.key.id}`);
    assert.deepEqual(await use(connect({ clientKey: body.token }).altogic), wrong);
  });

  test('the same routes work under /altogic', async () => {
    const { auth } = await signIn({ url: `${server.url}/altogic/` });
    assert.equal((await auth.getUserFromDB()).user?._id, account.id);
    assert.deepEqual(await auth.signOut(), { errors: null });
  });

  test('a failure of the store is a server error, and drops no session', async (t) => {
    const own = await TestServer.start();
    t.after(() => own.close());
    const storage = localStorage();
    const { auth } = createClient(own.url, own.key, { localStorage: storage });
    const { errors: none } = await auth.signInWithEmail('admin@example.com', 'correct horse battery');
    assert.equal(none, null);
    await own.context.store.close();
    const { errors } = await auth.getAllSessions();
    assert.deepEqual(errors?.items, [
      { origin: 'server_error', code: 'service_unavailable', message: 'The server cannot answer now.' },
    ]);
    assert.equal(errors?.status, 503);
    assert.equal(storage.kept.size, 2);
  });
});
