import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Client, createClient } from 'curfew-client';
import { cookieHeaders, type Found, remoteVerifier, Sessions } from 'curfew-client/request';
import { createVerifier, type Verifier } from 'curfew-client/verifier';
import { TestServer } from '../../curfew/test/support/server.ts';
import { withCookies } from '../src/middleware/request.ts';

/*
 * What is decided about a request, and no framework is needed to see. The tests of what every framework does are in
 * engines/frameworks.
 */

const page = 'https://shop.example/me';
const name = '__Host-curfew';
const at = (headers: Record<string, string>, method = 'GET') => new Request(page, { method, headers });
const codeOf = (found: Found) => ('refusal' in found ? found.refusal.body.code : 'admitted');

describe('the sessions of requests', () => {
  let server: TestServer;
  let verifier: Verifier;
  let client: Client;
  let behind = 0;
  before(async () => {
    server = await TestServer.start({}, { now: () => Date.now() - behind });
    verifier = createVerifier({ url: server.url, key: server.key });
    client = createClient({ url: server.url, token: server.key });
  });
  after(async () => {
    verifier.close();
    await server.close();
  });

  test('a known session is found without waiting, in a web request and in one of Node.js', async () => {
    const sessions = new Sessions(verifier);
    const { token, session } = await server.createSession('ada', { metadata: { plan: 'paid' } });
    const web = at({ cookie: `${name}=${token}` });
    await sessions.verifyRequest(web);
    for (const request of [web, { method: 'GET', headers: { cookie: `${name}=${token}` } }]) {
      const found = sessions.verifyRequest(request);
      assert.ok(!(found instanceof Promise) && 'session' in found);
      assert.deepEqual([found.session.id, found.session.metadata, found.cookies], [session.id, { plan: 'paid' }, []]);
    }
  });

  test('a body that was read, and a request that was used up, make no difference', async () => {
    const sessions = new Sessions(verifier);
    const { token } = await server.createSession('ada');
    const headers = { cookie: `${name}=${token}`, origin: 'https://shop.example' };
    const request = new Request(page, { method: 'POST', body: 'text', headers });
    await request.text();
    assert.equal(codeOf(await sessions.verifyRequest(request)), 'admitted');
  });

  test('two processes that refresh with one token get the same successor', async () => {
    const { token, refreshToken } = await server.createSession('ada');
    const other = createVerifier({ url: server.url, key: server.key });
    const cookie = `${name}=${token}; ${name}-refresh=${refreshToken}`;
    await client.refreshSession({ refreshToken });
    const found = await Promise.all(
      [verifier, other].map((one) => new Sessions(one, { client }).verifyRequest(at({ cookie }))),
    );
    assert.deepEqual(found.map(codeOf), ['admitted', 'admitted']);
    assert.deepEqual(
      found[0]!.cookies.map(({ value }) => value),
      found[1]!.cookies.map(({ value }) => value),
    );
    other.close();
  });

  test('requests that arrive together share one call', async () => {
    const { refreshToken } = await server.createSession('ada');
    let calls = 0;
    const counting = {
      ...client,
      refreshSession: (...given: Parameters<Client['refreshSession']>) => {
        calls += 1;
        return client.refreshSession(...given);
      },
    };
    const sessions = new Sessions(verifier, { client: counting });
    const found = await Promise.all(
      Array.from({ length: 5 }, () => sessions.verifyRequest(at({ cookie: `${name}-refresh=${refreshToken}` }))),
    );
    assert.deepEqual([new Set(found.map(codeOf)), calls], [new Set(['admitted']), 1]);
  });

  test('a refresh token that was used long ago ends the session, as the server decides', async () => {
    const { token, refreshToken } = await server.createSession('ada');
    const renewed = await client.refreshSession({ refreshToken });
    // An hour ago for the server, so its grace is over.
    const sessions = new Sessions(verifier, { client });
    behind -= 3_600_000;
    const found = await sessions.verifyRequest(at({ cookie: `${name}=${token}; ${name}-refresh=${refreshToken}` }));
    assert.ok('refusal' in found);
    assert.deepEqual([found.refusal.status, found.refusal.body.reason, found.cookies], [401, 'refresh_reuse', []]);
    assert.equal((await server.verify(renewed.token)).reason, 'refresh_reuse');
  });

  test('a log-out long after the tokens of its request were replaced ends the session', async () => {
    const sessions = new Sessions(verifier, { client });
    const { session, refreshToken } = await server.createSession('ada');
    const request = at({ cookie: `${name}-refresh=${refreshToken}`, origin: 'https://shop.example' });
    assert.equal(codeOf(await sessions.verifyRequest(request)), 'admitted');
    behind -= 3_600_000;
    assert.equal((await sessions.logOut(request)).receipt?.everywhere, true);
    assert.equal((await server.call('GET', `/v1/sessions/${session.id}`)).body.session.endReason, 'logout');
  });

  test('new tokens reach the browser even if they cannot be verified then', async () => {
    const closed = createVerifier({ url: server.url, key: server.key });
    closed.close();
    const { refreshToken } = await server.createSession('ada');
    const found = await new Sessions(closed, { client }).verifyRequest(
      at({ cookie: `${name}-refresh=${refreshToken}` }),
    );
    assert.ok('refusal' in found);
    assert.deepEqual([found.refusal.status, found.cookies.length], [503, 2]);
    assert.equal((await server.verify(found.cookies[0]!.value)).active, true);
  });

  test('a session that has ended is not refreshed', async () => {
    const { token, refreshToken } = await server.createSession('ada');
    await server.call('POST', '/v1/sessions/logout', { token });
    const sessions = new Sessions(verifier, { client });
    for (const cookie of [`${name}=${token}; ${name}-refresh=${refreshToken}`, `${name}-refresh=${refreshToken}`]) {
      const found = await sessions.verifyRequest(at({ cookie }));
      assert.ok('refusal' in found);
      assert.deepEqual([found.refusal.status, found.refusal.body.reason, found.cookies], [401, 'logout', []]);
    }
  });

  test('where no cookie can be set, and without a client, nothing is refreshed', async () => {
    const { refreshToken } = await server.createSession('ada');
    const request = at({ cookie: `${name}-refresh=${refreshToken}` });
    assert.equal(codeOf(await new Sessions(verifier, { client }).readRequest(request)), 'authentication_required');
    assert.equal(codeOf(await new Sessions(verifier).verifyRequest(request)), 'authentication_required');
    assert.equal((await client.refreshSession({ refreshToken })).session.userId, 'ada');
  });

  test('of many cookies of one name, eight are tried', async () => {
    const { token } = await server.createSession('ada');
    const strangers = Array.from({ length: 9 }, (_, i) => `${name}=cfs_${String(i).padStart(71, '0')}`);
    const sessions = new Sessions(verifier);
    const within = at({ cookie: [...strangers.slice(0, 7), `${name}=${token}`].join('; ') });
    const beyond = at({ cookie: [...strangers, `${name}=${token}`].join('; ') });
    assert.equal(codeOf(await sessions.verifyRequest(within)), 'admitted');
    assert.equal(codeOf(await sessions.verifyRequest(beyond)), 'session_ended');
  });

  test('another name can be given, and former ones are still accepted, and removed at the log-out', async () => {
    const sessions = new Sessions(verifier, { client, cookie: ['sid', 'old'], secure: false, sameSite: 'strict' });
    const { token } = await server.createSession('ada');
    const request = at({ cookie: `old=${token}`, origin: 'https://shop.example' }, 'POST');
    assert.equal(codeOf(await sessions.verifyRequest(request)), 'admitted');
    const { cookies } = await sessions.logOut(request);
    assert.deepEqual(cookieHeaders(cookies), [
      ['cache-control', 'no-store'],
      ...['sid', 'old', 'sid-refresh'].map((one) => [
        'set-cookie',
        `${one}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict`,
      ]),
    ]);
    assert.equal((await server.verify(token)).reason, 'logout');
  });

  test('pages of other origins may write if the application names them', async () => {
    const { token } = await server.createSession('ada');
    const origin = 'https://app.example.com';
    const headers = { cookie: `${name}=${token}`, origin, 'sec-fetch-site': 'same-site' };
    const request = at(headers, 'POST');
    assert.equal(codeOf(await new Sessions(verifier).verifyRequest(request)), 'cross_site_refused');
    assert.equal(codeOf(await new Sessions(verifier, { origins: [origin] }).verifyRequest(request)), 'admitted');
  });

  test('the host of a request is known over HTTP/1, HTTP/2 and in a web request; a default port may be left out', async () => {
    const { token } = await server.createSession('ada');
    const sessions = new Sessions(verifier);
    const headers = { cookie: `${name}=${token}`, origin: 'https://shop.example' };
    const post = (more: Record<string, string>) => ({ method: 'POST', headers: { ...headers, ...more } });
    for (const request of [
      post({ host: 'shop.example:443' }),
      post({ ':authority': 'shop.example' }),
      at(headers, 'POST'),
    ]) {
      assert.equal(codeOf(await sessions.verifyRequest(request)), 'admitted');
    }
    for (const request of [post({}), post({ host: 'another.example' }), post({ host: '' }), post({ host: 'a b' })]) {
      assert.equal(codeOf(await sessions.verifyRequest(request)), 'cross_site_refused');
    }
  });

  test('the way back from an identity provider may sign in; a page of another site may not', async () => {
    const sessions = new Sessions(verifier, { client });
    const foreign = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' };
    const { session } = await sessions.signIn(at(foreign), { userId: 'ada' });
    assert.equal(session.userId, 'ada');
    await assert.rejects(sessions.signIn(at(foreign, 'POST'), { userId: 'ada' }), {
      code: 'cross_site_refused',
      status: 403,
    });
  });

  test('where no verifier can run, the server is asked about each request, with the same answers', async () => {
    const { token } = await server.createSession('ada', { accessGroups: ['staff'], metadata: { plan: 'paid' } });
    const remote = remoteVerifier(client);
    const [there, here] = [await remote.verify(token), await verifier.verify(token)];
    assert.deepEqual(there, { ...here, session: { name: undefined, ...(here.active ? here.session : {}) } });
    await server.call('POST', '/v1/sessions/logout', { token });
    assert.deepEqual(await remote.verify(token), await verifier.verify(token));
    assert.deepEqual(await remote.verify('nonsense'), { active: false, reason: 'malformed' });
    const lost = remoteVerifier(createClient({ url: 'http://127.0.0.1:9', token: server.key }));
    const found = await new Sessions(lost).verifyRequest(at({ cookie: `${name}=${token}` }));
    assert.equal(codeOf(found), 'unreachable');
  });

  test('a verifier is made when the first request needs it; if it cannot be, nobody is let in', async () => {
    const { token } = await server.createSession('ada');
    let made = 0;
    const lazy = new Sessions(() => {
      made += 1;
      return verifier;
    });
    assert.equal(codeOf(await lazy.verifyRequest(at({}))), 'authentication_required');
    assert.equal(made, 0);
    for (let i = 0; i < 2; i += 1)
      assert.equal(codeOf(await lazy.verifyRequest(at({ cookie: `${name}=${token}` }))), 'admitted');
    assert.equal(made, 1);
    const wrong = new Sessions(() => createVerifier({ url: server.url, key: '' }));
    assert.equal(codeOf(await wrong.verifyRequest(at({ cookie: `${name}=${token}` }))), 'key_missing');
  });

  test('options that contradict each other are refused', () => {
    assert.throws(() => new Sessions(verifier, { secure: false }), /__Host-curfew only with secure/);
    assert.throws(() => new Sessions(verifier, { refreshAfter: 900 }), /requires client/);
    assert.throws(() => new Sessions(verifier, { client, refreshAfter: 0 }), /positive/);
    assert.throws(() => new Sessions(verifier, { cookie: [] }), /at least one/);
  });

  test('without a client, signing in says what is missing', async () => {
    await assert.rejects(new Sessions(verifier).signIn(at({}), { userId: 'ada' }), /require the option client/);
  });
});

test('a cookie whose name begins with the byte 0xA0 keeps it in a header that is passed on', () => {
  const header = `\xa0__Host-other=x; \xa0${name}=y;\t${name}=old ;a=b`;
  assert.equal(withCookies(header, [{ name, value: 'new' }]), `\xa0__Host-other=x; \xa0${name}=y; a=b; ${name}=new`);
});
