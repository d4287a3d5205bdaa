import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { minute } from '../../src/domain/limits.ts';
import { operations } from '../../src/http/routes/index.ts';
import { manualClock } from '../support/ports.ts';
import { type Answer, type Json, TestServer } from '../support/server.ts';

const origin = 'https://app.example.com';

describe('the widget token', () => {
  const clock = manualClock(Date.UTC(2026, 5, 1));
  let server: TestServer;
  before(async () => {
    server = await TestServer.start({}, clock);
  });
  after(() => server.close());

  const make = (userId: string, body: object = {}, as?: string): Promise<Answer> =>
    server.call('POST', `/v1/users/${userId}/widget-token`, { origin, ...body }, { as });
  const tokenFor = async (userId: string, body: object = {}, as?: string): Promise<string> => {
    const answer = await make(userId, body, as);
    assert.equal(answer.status, 201, JSON.stringify(answer.body));
    return answer.body.token;
  };
  const ask = (token: string, from: string | undefined = origin, method = 'GET', path = '/v1/widget/sessions') =>
    server.call(method, path, undefined, { as: token, headers: from === undefined ? {} : { origin: from } });
  const refusal = async (answer: Promise<Answer>) => {
    const { status, body, headers } = await answer;
    return [status, body.code, headers.get('access-control-allow-origin')];
  };

  test('lists the sessions of one user, the page’s own first and without what the application keeps, and ends them', async () => {
    const metadata = { plan: 'secret plan' };
    const agent = { userAgent: 'curl/8.5.0', ip: '203.0.113.7', metadata, accessGroups: ['staff'] };
    const [own, other, third] = [
      await server.createSession('ada', agent),
      await server.createSession('ada', agent),
      await server.createSession('ada', agent),
    ];
    const stranger = await server.createSession('bob');
    const made = await make('ada', { session: own.session.id, lifetime: 60 });
    assert.match(made.body.token, /^cfw_[\w-]+$/);
    assert.equal(Date.parse(made.body.expiresAt), clock.now() + minute);
    const { token } = made.body;
    const listed = await ask(token);
    assert.equal(listed.status, 200);
    assert.equal(listed.headers.get('access-control-allow-origin'), origin);
    assert.equal(listed.headers.get('access-control-allow-credentials'), null);
    assert.equal(listed.headers.get('vary'), 'origin');
    assert.equal(listed.headers.get('cache-control'), 'no-store');
    assert.equal(listed.body.total, 3);
    assert.deepEqual(
      listed.body.sessions.map(({ current }: Json) => current),
      [true, false, false],
    );
    assert.deepEqual(listed.body.sessions[0], {
      id: own.session.id,
      current: true,
      device: own.session.device,
      ip: '203.0.113.7',
      createdAt: own.session.createdAt,
      lastSeenAt: own.session.lastSeenAt,
    });
    assert.doesNotMatch(JSON.stringify(listed.body), /secret plan|staff|cf[srk]_/);

    const end = (id: string) => ask(token, origin, 'DELETE', `/v1/widget/sessions/${id}`);
    assert.deepEqual(await refusal(end(stranger.session.id)), [404, 'session_not_found', origin]);
    const ended = await end(other.session.id);
    assert.deepEqual([ended.status, ended.body.receipt.everywhere], [200, true]);
    assert.deepEqual(await server.verify(other.token), { active: false, reason: 'logout' });
    const others = await ask(token, origin, 'POST', '/v1/widget/sessions/end-others');
    assert.deepEqual([others.body.ended, others.body.receipt.everywhere], [1, true]);
    assert.deepEqual(await server.verify(third.token), { active: false, reason: 'all_of_user' });
    assert.deepEqual(
      [(await server.verify(own.token)).active, (await server.verify(stranger.token)).active],
      [true, true],
    );
    const { body: audit } = await server.call('GET', '/v1/events?type=session.ended&limit=1');
    assert.equal(audit.events[0].by, 'user:ada');
  });

  test('another origin, none, `null` and a similar one are refused, and may not read why', async () => {
    await server.createSession('ada');
    const token = await tokenFor('ada');
    const wrong = [
      'https://evil.example.com',
      'null',
      'http://app.example.com',
      'https://app.example.com:8443',
      'https://app.example.com.evil.com',
      'HTTPS://APP.EXAMPLE.COM',
      '*',
      '',
    ];
    for (const from of [...wrong, undefined]) {
      // A header cannot be empty to `undefined`; without one, the default would be used.
      const answer = server.call('GET', '/v1/widget/sessions', undefined, {
        as: token,
        headers: from === undefined ? {} : { origin: from },
      });
      assert.deepEqual(await refusal(answer), [403, 'widget_origin_refused', null], `${from}`);
    }
    for (const bad of [
      'null',
      '*',
      'https://app.example.com/',
      'https://app.example.com/path',
      'app.example.com',
      'file://x',
      'data:x',
      'https://a@app.example.com',
      '',
    ]) {
      assert.equal((await make('ada', { origin: bad })).body.code, 'invalid_value', bad);
    }
  });

  test('a page on the server’s own origin sends no origin when it reads, and is known by what browsers say', async () => {
    await server.createSession('own');
    const token = await tokenFor('own', { origin: server.url });
    const read = (headers: Record<string, string>) =>
      server.call('GET', '/v1/widget/sessions', undefined, { as: token, headers });
    assert.equal((await read({ 'sec-fetch-site': 'same-origin' })).status, 200);
    assert.equal((await read({ 'sec-fetch-site': 'cross-site' })).status, 403);
    assert.equal((await read({})).status, 403);
  });

  test('any page may ask before it sends a token, only for the calls of the widget, and never with cookies', async () => {
    const preflight = (path: string, from: string, method = 'GET') =>
      server.call('OPTIONS', path, undefined, {
        as: '',
        headers: { origin: from, 'access-control-request-method': method },
      });
    const asked = await preflight('/v1/widget/sessions', 'https://anything.example');
    assert.deepEqual(
      [
        asked.status,
        asked.headers.get('access-control-allow-origin'),
        asked.headers.get('access-control-allow-methods'),
      ],
      [204, 'https://anything.example', 'GET'],
    );
    assert.equal(asked.headers.get('access-control-allow-headers'), 'authorization');
    assert.equal(asked.headers.get('access-control-allow-credentials'), null);
    const ending = await preflight(`/v1/widget/sessions/${'0'.repeat(22)}`, origin, 'DELETE');
    assert.equal(ending.headers.get('access-control-allow-methods'), 'DELETE');
    const none = await preflight('/v1/widget/sessions', 'null');
    assert.equal(none.headers.get('access-control-allow-origin'), null);
    for (const { path, access } of operations) {
      if (access === 'widget') continue;
      const { headers } = await preflight(path.replace(/:\w+/g, 'x'), origin);
      assert.equal(headers.get('access-control-allow-origin'), null, path);
    }
  });

  test('no other call accepts it, and its own calls accept nothing else', async () => {
    const { token: session, refreshToken } = await server.createSession('ada');
    const token = await tokenFor('ada');
    for (const { method, path, access } of operations) {
      if (access === 'widget' || access === 'open') continue;
      const answer = await server.call(method, path.replace(/:\w+/g, 'ada'), undefined, {
        as: token,
        headers: { origin, accept: 'application/json' },
      });
      assert.equal(answer.status, 401, `${method} ${path}: ${JSON.stringify(answer.body)}`);
      assert.equal(answer.headers.get('access-control-allow-origin'), null);
    }
    const verified = await server.verify(token);
    assert.deepEqual(verified, { active: false, reason: 'malformed' });
    const cookie = await server.call('GET', '/v1/widget/sessions', undefined, {
      as: '',
      headers: { origin, cookie: `__Host-curfew=${session}` },
    });
    assert.equal(cookie.body.code, 'authentication_required');
    for (const other of [session, refreshToken, server.key]) {
      assert.equal((await ask(other)).body.code, 'token_malformed');
    }
    const bytes = Buffer.from(token.slice(4), 'base64url');
    for (const place of [0, 15, bytes.length - 1]) {
      const changed = Buffer.from(bytes);
      changed[place]! ^= 1;
      assert.deepEqual(await refusal(ask(`cfw_${changed.toString('base64url')}`)), [401, 'token_malformed', null]);
    }
    // What another use of the secret key has sealed is no widget token.
    const { preview } = (await server.call('POST', '/v1/sessions/preview', { user: 'ada' })).body;
    assert.equal((await ask(`cfw_${preview}`)).body.code, 'token_malformed');
    const end = await server.call('POST', '/v1/sessions/end-previewed', { preview: token.slice(4) });
    assert.equal(end.body.code, 'preview_invalid');
  });

  test('it ends by its time, with its key, with the session of its page, and when all sessions of the user end', async () => {
    const { session } = await server.createSession('eve');
    const expired = await tokenFor('eve');
    clock.advance(5 * minute);
    assert.deepEqual(await refusal(ask(expired)), [401, 'widget_token_expired', origin]);

    const scopes = ['sessions.read', 'sessions.end'];
    const key = (await server.call('POST', '/v1/keys', { name: 'shop', scopes })).body;
    const ofKey = await tokenFor('eve', {}, key.token);
    assert.equal((await ask(ofKey)).status, 200);
    await server.call('DELETE', `/v1/keys/${key.key.id}`);
    assert.deepEqual(await refusal(ask(ofKey)), [401, 'key_revoked', origin]);

    const ofPage = await tokenFor('eve', { session: session.id });
    await server.call('DELETE', `/v1/sessions/${session.id}`);
    assert.deepEqual(await refusal(ask(ofPage)), [401, 'session_ended', origin]);
    assert.equal((await make('eve', { session: session.id })).body.code, 'session_not_found');
    const strangers = await server.createSession('frank');
    assert.equal((await make('eve', { session: strangers.session.id })).body.code, 'session_not_found');

    await server.createSession('eve');
    const ofUser = await tokenFor('eve');
    assert.equal((await ask(ofUser)).body.total, 1);
    const withoutPage = await ask(ofUser, origin, 'POST', '/v1/widget/sessions/end-others');
    assert.equal(withoutPage.body.code, 'session_not_found');
    await server.call('DELETE', '/v1/users/eve/sessions');
    assert.deepEqual(await refusal(ask(ofUser)), [401, 'session_ended', origin]);
    const ofEveryone = await tokenFor('eve');
    await server.call('POST', '/v1/sessions/end-everyone', { confirm: 'everyone' });
    assert.equal((await ask(ofEveryone)).body.code, 'session_ended');
  });

  test('making one requires both permissions, and of a person a second factor; it is no longer valid without them', async () => {
    for (const scopes of [['sessions.read'], ['sessions.end'], ['sessions.create']]) {
      const { token } = (await server.call('POST', '/v1/keys', { name: 'one', scopes })).body;
      assert.equal((await make('ada', {}, token)).body.code, 'permission_missing', scopes[0]!);
    }
    const { id } = await server.createAccount('helper', { roles: ['support'] });
    const authenticator = await server.enrol(id);
    clock.advance(minute);
    const signedIn = (await server.login('helper', 'helper password', authenticator.next())).body.token;
    const token = await tokenFor('ada', {}, signedIn);
    assert.equal((await ask(token)).status, 200);
    clock.advance(4 * minute);
    await server.call('PATCH', `/v1/accounts/${id}`, { roles: [] });
    assert.deepEqual(await refusal(ask(token)), [403, 'permission_missing', origin]);
    clock.advance(6 * minute);
    await server.call('PATCH', `/v1/accounts/${id}`, { roles: ['support'] });
    const again = await make('ada', {}, signedIn);
    assert.equal(again.body.code, 'second_factor_required');
    for (const lifetime of [0, 901, 1.5]) assert.equal((await make('ada', { lifetime })).status, 400, `${lifetime}`);
  });
});
