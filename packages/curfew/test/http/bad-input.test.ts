import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { formatToken, kindOfToken, newSecret, parseToken } from '../../src/domain/tokens.ts';
import { errors } from '../../src/errors.ts';
import { manualClock, random } from '../support/ports.ts';
import { type CallOptions, TestServer } from '../support/server.ts';

/*
 * Whatever is sent, the error names the problem and the remedy, and the store is unchanged.
 */
type Bad = {
  what: string;
  method?: string;
  path: string;
  body?: unknown;
  options?: CallOptions;
  code: keyof typeof errors;
};

describe('bad input', () => {
  let server: TestServer;
  let live: Awaited<ReturnType<TestServer['createSession']>>;
  let other: typeof live;
  let ended: typeof live;
  before(async () => {
    server = await TestServer.start();
    live = await server.createSession('ada', { name: 'desk' });
    other = await server.createSession('bob');
    ended = await server.createSession('ada');
    await server.call('DELETE', `/v1/sessions/${ended.session.id}`);
  });
  after(() => server.close());

  const half = '\ud83e';
  /** What else the bodies with half a surrogate pair have. */
  const whole: Record<string, object> = {
    '/v1/sessions': { userId: 'eve' },
    '/v1/named-sessions': { name: 'halved' },
    '/v1/accounts': { username: 'halved', password: 'long enough' },
    '/v1/keys': { scopes: ['sessions.read'] },
  };
  const unknownId = '0'.repeat(22);
  const mistyped = (token: string) => token.slice(0, 30) + (token[30] === 'x' ? 'y' : 'x') + token.slice(31);
  const create = (what: string, body: unknown, code: Bad['code']): Bad => ({
    what,
    method: 'POST',
    path: '/v1/sessions',
    body,
    code,
  });

  const cases = (): Bad[] => [
    { what: 'an unknown session', method: 'DELETE', path: `/v1/sessions/${unknownId}`, code: 'session_not_found' },
    { what: 'a text that is not an id', path: '/v1/sessions/x%2F..%00', code: 'session_not_found' },
    {
      what: 'an unknown name',
      method: 'POST',
      path: '/v1/sessions/logout',
      body: { name: 'nobody' },
      code: 'session_not_found',
    },
    { what: 'a wrong token', path: '/v1/me', options: { as: wrongSecret(live.token) }, code: 'token_unknown' },
    { what: 'an ended token', path: '/v1/me', options: { as: ended.token }, code: 'session_ended' },
    { what: 'a mistyped token', path: '/v1/me', options: { as: mistyped(live.token) }, code: 'token_malformed' },
    { what: 'a mistyped API key', path: '/v1/me', options: { as: mistyped(server.key) }, code: 'token_malformed' },
    {
      what: 'a refresh token as a bearer',
      path: '/v1/me',
      options: { as: live.refreshToken },
      code: 'token_malformed',
    },
    { what: 'no credential', path: '/v1/me', options: { as: '' }, code: 'authentication_required' },
    {
      what: 'another scheme',
      path: '/v1/me',
      options: { as: '', headers: { authorization: 'Basic eDp5' } },
      code: 'authentication_required',
    },
    {
      what: "another user's token",
      method: 'POST',
      path: '/v1/users/ada/sessions/end',
      body: { token: other.token },
      code: 'session_not_found',
    },
    create('a name that is taken', { userId: 'eve', name: 'desk' }, 'name_taken'),
    create('a user id of 10 kB', { userId: 'x'.repeat(10_000) }, 'user_id_too_long'),
    create('a user id over 255 bytes of UTF-8', { userId: 'ü'.repeat(200) }, 'user_id_too_long'),
    create('an empty user id', { userId: '' }, 'invalid_value'),
    create('a user id with a control character', { userId: 'a\u0000b' }, 'invalid_value'),
    create('10,000 groups', { userId: 'eve', accessGroups: Array(10_000).fill('a') }, 'too_many_groups'),
    create('a group too long', { userId: 'eve', accessGroups: ['x'.repeat(129)] }, 'invalid_value'),
    ...Object.entries({
      '/v1/sessions': [{ metadata: { [half]: 1 } }, { metadata: { a: [{ b: half }] } }, { accessGroups: [half] }],
      '/v1/named-sessions': [{ config: { [half]: 1 } }, { config: { a: [half] } }],
      '/v1/accounts': [{ password: `long enough ${half}` }, { name: half }, { email: `${half}@example.com` }],
      '/v1/keys': [{ name: half }],
    }).flatMap(([path, bodies]) =>
      bodies.map(
        (body): Bad => ({
          what: `half a surrogate pair in ${JSON.stringify(body)}`,
          method: 'POST',
          path,
          body: { ...whole[path], ...body },
          code: 'invalid_value',
        }),
      ),
    ),
    create('metadata over its limit', { userId: 'eve', metadata: { a: 'x'.repeat(5000) } }, 'metadata_too_large'),
    create(
      'metadata too deep',
      { userId: 'eve', metadata: JSON.parse(`${'{"a":'.repeat(20)}1${'}'.repeat(20)}`) },
      'metadata_too_large',
    ),
    create('a name with a slash', { userId: 'eve', name: '../desk' }, 'invalid_value'),
    create('an invalid address', { userId: 'eve', ip: 'localhost' }, 'invalid_value'),
    create('a lifetime over the policy', { userId: 'eve', lifetime: 365 * 86_400 }, 'invalid_value'),
    create('a wrong type', { userId: 7 }, 'wrong_type'),
    create('a missing field', {}, 'missing_field'),
    create('an unknown field', { userId: 'eve', admin: true }, 'unknown_field'),
    create('an array for an object', [], 'body_not_json'),
    { ...create('a body that is not JSON', undefined, 'body_not_json'), options: { raw: '{"userId": ' } },
    { ...create('an empty body', undefined, 'body_not_json'), options: { raw: '' } },
    {
      ...create('prototype pollution', undefined, 'body_not_json'),
      options: { raw: '{"userId":"e","__proto__":{"x":1}}' },
    },
    {
      ...create('another content type', undefined, 'unsupported_media_type'),
      options: { raw: 'a=b', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
    },
    {
      ...create('a body over 64 KiB', undefined, 'body_too_large'),
      options: { raw: JSON.stringify({ userId: 'x'.repeat(70_000) }) },
    },
    { what: 'limit 0', path: '/v1/sessions?limit=0', code: 'limit_out_of_range' },
    { what: 'limit 1,000', path: '/v1/sessions?limit=1000', code: 'limit_out_of_range' },
    { what: 'a limit that is not a number', path: '/v1/sessions?limit=ten', code: 'wrong_type' },
    { what: 'an unknown query', path: '/v1/sessions?colour=blue', code: 'unknown_field' },
    { what: 'an unknown order', path: '/v1/sessions?sort=$where', code: 'invalid_value' },
    { what: 'an unknown status', path: '/v1/sessions?status=gone', code: 'invalid_value' },
    { what: 'an invalid cursor', path: '/v1/sessions?cursor=nonsense', code: 'cursor_invalid' },
    {
      what: 'an unknown wait',
      method: 'DELETE',
      path: `/v1/sessions/${live.session.id}?wait=never`,
      code: 'invalid_value',
    },
    {
      what: 'an invalid refresh token',
      method: 'POST',
      path: '/v1/sessions/refresh',
      body: { refreshToken: 'x' },
      code: 'token_malformed',
    },
    {
      what: 'an unknown refresh token',
      method: 'POST',
      path: '/v1/sessions/refresh',
      body: { refreshToken: wrongSecret(live.refreshToken) },
      code: 'token_unknown',
    },
    {
      what: 'a refresh token of an ended session',
      method: 'POST',
      path: '/v1/sessions/refresh',
      body: { refreshToken: ended.refreshToken },
      code: 'session_ended',
    },
    {
      what: 'ending all with an unknown exception',
      method: 'DELETE',
      path: `/v1/users/ada/sessions?except=${other.session.id}`,
      code: 'session_not_found',
    },
    {
      what: 'ending everybody’s sessions without confirmation',
      method: 'POST',
      path: '/v1/sessions/end-everyone',
      body: { confirm: 'sure' },
      code: 'confirmation_required',
    },
    { what: 'an unknown route', path: '/v1/nothing', code: 'route_not_found' },
    { what: 'another method', method: 'PATCH', path: '/v1/sessions', body: {}, code: 'route_not_found' },
    { what: 'a URL that does not decode', path: '/v1/sessions/%zz', code: 'route_not_found' },
    { what: 'a path part of 5 kB', path: `/v1/accounts/${'x'.repeat(5000)}`, code: 'invalid_value' },
    { what: 'an unknown account', path: '/v1/accounts/nobody', code: 'account_not_found' },
    { what: 'an unknown key', path: '/v1/keys/nobody', code: 'key_not_found' },
    { what: 'an unknown named session', path: '/v1/named-sessions/nobody', code: 'named_session_not_found' },
    {
      what: 'a password too short',
      method: 'POST',
      path: '/v1/accounts',
      body: { username: 'x', password: 'short' },
      code: 'invalid_value',
    },
    {
      what: 'a user name in look-alikes',
      method: 'POST',
      path: '/v1/accounts',
      body: { username: 'аdmin', password: 'long enough' },
      code: 'invalid_value',
    },
    {
      what: 'a user name that is taken',
      method: 'POST',
      path: '/v1/accounts',
      body: { username: 'ADMIN', password: 'long enough' },
      code: 'username_taken',
    },
    {
      what: 'an address that is taken',
      method: 'POST',
      path: '/v1/accounts',
      body: { username: 'x', email: 'Admin@Example.com', password: 'long enough' },
      code: 'email_taken',
    },
    {
      what: 'an unknown role',
      method: 'POST',
      path: '/v1/accounts',
      body: { username: 'x', password: 'long enough', roles: ['god'] },
      code: 'invalid_value',
    },
    {
      what: 'an unknown scope',
      method: 'POST',
      path: '/v1/keys',
      body: { name: 'x', scopes: ['everything'] },
      code: 'invalid_value',
    },
    {
      what: 'a sign-in with both names',
      method: 'POST',
      path: '/v1/login',
      body: { username: 'a', email: 'b@c', password: 'x' },
      code: 'missing_field',
    },
  ];

  test('Large bodies, Prototype pollution, Confusable characters: each input has its own error, with a remedy, and changes nothing', async (t) => {
    for (const { what, method = 'GET', path, body, options, code } of cases()) {
      await t.test(`${what}: ${code}`, async () => {
        const before = await server.state();
        const answer = await server.call(method, path, body, options);
        assert.equal(answer.body.code, code, JSON.stringify(answer.body));
        assert.equal(answer.status, errors[code].status);
        assert.equal(answer.headers.get('content-type'), 'application/problem+json; charset=utf-8');
        assert.equal(answer.body.type, `urn:curfew:error:${code}`);
        assert.equal(answer.body.remedy, errors[code].remedy);
        assert.ok(answer.body.title && answer.body.instance);
        assert.ok(!JSON.stringify(answer.body).includes('at file:'), 'a stack trace is revealed');
        assert.deepEqual(await server.state(), before);
      });
    }
  });

  test('a cursor of another query is refused, whichever part differs', async () => {
    for (let i = 0; i < 3; i++) await server.createSession('paged');
    const { body } = await server.call('GET', '/v1/sessions?user=paged&limit=1');
    const tries = ['user=other', 'user=paged&status=active', 'user=paged&sort=ip', 'filter=x', ''];
    for (const query of tries) {
      const answer = await server.call('GET', `/v1/sessions?${query}&limit=1&cursor=${body.nextCursor}`);
      assert.equal(answer.body.code, 'cursor_of_another_query', query);
    }
    assert.equal((await server.call('GET', `/v1/sessions?user=paged&limit=2&cursor=${body.nextCursor}`)).status, 200);
  });

  test('a mistyped API key is not said to lack what it begins with', async () => {
    const refused = async (as: string) => (await server.call('GET', '/v1/keys', undefined, { as })).body.detail;
    for (const key of [server.key.slice(0, -3), `${server.key.slice(0, -1)}!`, 'cfk_wrong'])
      assert.match(await refused(key), /^The API key is not complete, or not as it was made/);
  });

  test('a mistyped token is refused without a store read', async () => {
    const { store } = server.context;
    const original = store.readSession;
    let reads = 0;
    store.readSession = (id) => {
      reads += 1;
      return original.call(store, id);
    };
    assert.deepEqual(await server.verify(mistyped(live.token)), { active: false, reason: 'malformed' });
    assert.equal(reads, 0);
    await server.verify(live.token);
    assert.equal(reads, 1);
    store.readSession = original;
  });

  test('after a clock goes far back, nothing is opened or verified; sessions still end', async (t) => {
    const clock = manualClock(Date.UTC(2026, 5, 1));
    const own = await TestServer.start({}, clock);
    t.after(() => own.close());
    const { token, session } = await own.createSession('ada', { lifetime: 600 });
    clock.advance(700_000);
    assert.deepEqual(await own.verify(token), { active: false, reason: 'expired' });
    // Its end is recorded now, and not while states are compared.
    await own.running.opened.upkeep.sweep();
    clock.advance(-30_000);
    assert.deepEqual(await own.verify(token), { active: false, reason: 'expired' }, 'a small step revived it');
    clock.advance(-3_600_000);
    const before = await own.state();
    for (const [path, body] of [
      ['/v1/sessions/verify', { token }],
      ['/v1/sessions', { userId: 'eve' }],
    ] as const) {
      const answer = await own.call('POST', path, body);
      assert.deepEqual([answer.status, answer.body.code], [503, 'clock_stepped_back']);
    }
    assert.equal((await own.call('GET', '/readyz', undefined, { as: '' })).status, 503);
    assert.deepEqual(await own.state(), before);
    assert.equal((await own.call('DELETE', `/v1/sessions/${session.id}`)).status, 200);
  });
});

/** A token that is well-formed but has another secret than its session's. */
function wrongSecret(token: string): string {
  const kind = kindOfToken(token)!;
  return formatToken(kind, parseToken(kind, token)!.id, newSecret(random));
}
