import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { createClient } from 'curfew-client';
import { createVerifier, type OldCookie, type SessionVerifier } from 'curfew-client/verifier';
import { formatToken, newSecret } from '../../curfew/src/domain/tokens.ts';
import { random } from '../../curfew/test/support/ports.ts';
import { TestServer } from '../../curfew/test/support/server.ts';
import { remoteVerifier } from '../src/middleware/remote.ts';
import { type Found, Sessions } from '../src/middleware/sessions.ts';

const ofPage = { 'sec-fetch-site': 'same-origin' };
const request = (cookie: string, method = 'GET') => ({ method, headers: { cookie, ...ofPage } });
const refusalOf = (found: Found) => ('refusal' in found ? found.refusal.status : found.session.userId);

describe('the wrong API key of an application', () => {
  let server: TestServer;
  let wrongKeys: Record<string, string>;
  before(async () => {
    server = await TestServer.start();
    wrongKeys = {
      'cut off': server.key.slice(0, -1),
      'without its first character': server.key.slice(1),
      'of another server': formatToken('key', '0'.repeat(22), newSecret(random)),
      'the token of a session': (await server.createSession('ada')).token,
      'the token of a session that has ended': await endedToken(),
    };
  });
  after(() => server.close());

  async function endedToken(): Promise<string> {
    const { token } = await server.createSession('ada');
    await server.call('POST', '/v1/sessions/logout', { token });
    return token;
  }

  test('ends no visitor’s session: sessions cannot be checked', async (t) => {
    const { token, refreshToken } = await server.createSession('grace');
    const oldCookie: OldCookie = { cookie: 'sessionid', kind: 'django' };
    for (const [what, key] of Object.entries(wrongKeys)) {
      const client = createClient({ url: server.url, token: key });
      const attached = createVerifier({ url: server.url, key });
      t.after(() => attached.close());
      const verifiers: Record<string, SessionVerifier> = { attached, remote: remoteVerifier(client) };
      for (const [kind, verifier] of Object.entries(verifiers)) {
        const sessions = new Sessions(verifier, { client, oldCookie });
        for (const cookie of [
          `__Host-curfew=${token}`,
          `__Host-curfew=${token}; __Host-curfew-refresh=${refreshToken}`,
          `sessionid=${randomUUID()}`,
        ]) {
          const found = await sessions.verifyRequest(request(cookie));
          assert.deepEqual([refusalOf(found), found.cookies], [503, []], `${what}, ${kind}: ${cookie.slice(0, 20)}`);
        }
      }
    }
    assert.equal((await server.verify(token)).active, true);
  });

  test('makes a log-out and a sign-in fail: the cookies and the session remain', async (t) => {
    const verifier = createVerifier({ url: server.url, key: server.key });
    t.after(() => verifier.close());
    const { token, refreshToken } = await server.createSession('grace');
    const browser = request(`__Host-curfew=${token}; __Host-curfew-refresh=${refreshToken}`, 'POST');
    for (const [what, key] of Object.entries(wrongKeys)) {
      const sessions = new Sessions(verifier, { client: createClient({ url: server.url, token: key }) });
      await assert.rejects(sessions.logOut(browser), { status: 503 }, what);
      await assert.rejects(sessions.signIn(browser, { userId: 'grace' }), { status: 503 }, what);
      assert.equal(refusalOf(await sessions.verifyRequest(browser)), 'grace', what);
    }
  });

  test('is told from a token in a cookie that is damaged: with the right key that is removed', async (t) => {
    const verifier = createVerifier({ url: server.url, key: server.key });
    t.after(() => verifier.close());
    const sessions = new Sessions(verifier, { client: createClient({ url: server.url, token: server.key }) });
    const { token, refreshToken } = await server.createSession('grace');
    const damaged = (text: string) => text.slice(0, -1) + (text.endsWith('0') ? '1' : '0');
    for (const cookie of [
      `__Host-curfew=${damaged(token)}`,
      `__Host-curfew-refresh=${damaged(refreshToken)}`,
      `__Host-curfew=${damaged(token)}; __Host-curfew-refresh=${damaged(refreshToken)}`,
    ]) {
      const { receipt, cookies } = await sessions.logOut(request(cookie, 'POST'));
      assert.equal(receipt, undefined);
      assert.deepEqual(
        cookies.map(({ name, value, options }) => [name, value, options.maxAge]),
        [
          ['__Host-curfew', '', 0],
          ['__Host-curfew-refresh', '', 0],
        ],
      );
    }
  });
});
