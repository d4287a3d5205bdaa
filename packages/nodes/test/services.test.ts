import assert from 'node:assert/strict';
import type { RequestListener } from 'node:http';
import { describe, test } from 'node:test';
import { manualClock } from '../../curfew/test/support/ports.ts';
import { adminPassword, TestServer } from '../../curfew/test/support/server.ts';
import {
  absent,
  authorizedSend,
  type Connection,
  checkUrl,
  Kept,
  keptBeside,
  NodeFault,
  operations,
  readCredential,
  readParameters,
  refusingRedirects,
  services,
  testCredential,
} from '../src/index.ts';
import type { Send } from '../src/transport.ts';
import { oauthServer } from './support/oauth-server.ts';
import { answering, type Closer } from './support/wire.ts';

const send: Send = async ({ method, url, headers, body }) => {
  const response = await fetch(url, { method, headers, ...(body !== undefined && { body }), redirect: 'manual' });
  return { status: response.status, headers: Object.fromEntries(response.headers), text: await response.text() };
};

function connected(
  name: string,
  way: 'token' | 'signIn',
  given: Record<string, unknown>,
  now: () => number = Date.now,
): Connection {
  const credential = services.find((service) => service.name === name)!.credentials.find((one) => one.way === way)!;
  const fields = readCredential(credential, given);
  const kept = new Kept();
  const url = String(fields['url']);
  return {
    credential,
    fields,
    url,
    send: authorizedSend(credential, fields, refusingRedirects(url, send), kept, now),
    kept,
    now,
    sleep: async () => {},
  };
}

async function fault(call: Promise<unknown>): Promise<NodeFault> {
  const error = await call.then(
    () => assert.fail('the call did not fail'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof NodeFault, String(error));
  return error;
}

const example: Record<string, { fields: object; values: Record<string, unknown> }> = {
  curfew: { fields: { apiKey: 'cfk_x' }, values: { curfewBy: 'id', curfewSessionId: 'x' } },
  waha: { fields: { apiKey: 'k' }, values: { wahaSession: 'default' } },
  directus: { fields: {}, values: { directusRefreshToken: 'r'.repeat(64), directusCheck: true } },
  rocketchat: { fields: { userId: 'u', authToken: 't' }, values: { rocketchatSessionId: 's' } },
  altogic: { fields: { clientKey: 'c', sessionToken: 's' }, values: { altogicBy: 'token', altogicSessionToken: 't' } },
  oauth: { fields: { clientId: 'c', clientAuthentication: 'none' }, values: { oauthToken: 't' } },
};

/** Logs out of a service whose answer the test determines; `again` repeats it, as an engine's retry does. */
async function logOutOf(t: Closer, name: string, listener: RequestListener, more: Record<string, unknown> = {}) {
  const { url, seen } = await answering(t, listener);
  const { fields, values } = example[name]!;
  const service = services.find((one) => one.name === name)!;
  const read = readParameters(service.parameters, (parameter) => ({ ...values, ...more })[parameter.name]);
  const pauses: number[] = [];
  const sleep = async (ms: number) => {
    pauses.push(ms);
  };
  const connection = { ...connected(name, 'token', { url, ...fields }), sleep };
  const again = (now: Record<string, unknown> = {}) => service.logOut(connection, { ...read, ...now });
  return { seen, pauses, done: again(), again };
}

const json =
  (status: number, body: unknown, headers = {}): RequestListener =>
  (_request, response) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));

describe('odd answers of a service', () => {
  // Curfew's client reports these itself.
  for (const name of Object.keys(example).filter((one) => one !== 'curfew')) {
    test(`${name}: a page for people is not accepted as its answer, whatever the status`, async (t) => {
      for (const status of [200, 502]) {
        const page: RequestListener = (_request, response) =>
          response.writeHead(status, { 'content-type': 'text/html' }).end('<html>Bad gateway</html>');
        const { code, message, origin, remedy } = await fault((await logOutOf(t, name, page)).done);
        assert.deepEqual([code, origin], ['unexpected_answer', 'server']);
        assert.match(message, new RegExp(`answered ${status}, but not as`));
        assert.match(remedy, /Check the URL of the credential/);
      }
    });

    test(`${name}: 429 says how long to wait`, async (t) => {
      const { done } = await logOutOf(t, name, json(429, { error: 'slow down' }, { 'retry-after': '17' }));
      const { code, remedy } = await fault(done);
      assert.equal(code, 'too_many_requests');
      assert.match(remedy, /Wait 17 seconds/);
    });
  }

  for (const name of Object.keys(example)) {
    test(`${name}: a redirect is not followed, and the error says who answered with it and which URL to set`, async (t) => {
      const right = await answering(t, (_, response) => response.end());
      const moved = await logOutOf(t, name, ({ url }, response) =>
        response.writeHead(308, { location: `${right.url}/there${url}` }).end(),
      );
      const { code, message, remedy } = await fault(moved.done);
      const [asked] = moved.seen;
      assert.equal(code, 'redirected');
      assert.equal(
        message,
        `http://${asked?.host}${asked?.path} answered with a redirect to ${right.url}/there${asked?.path}.`,
      );
      assert.match(
        remedy,
        new RegExp(`^If ${right.url}/there/? is the right server, set “URL” of the credential to it\\.$`),
      );
      const toPage = await logOutOf(t, name, (_, response) =>
        response.writeHead(302, { location: '/sign-in?next=secret' }).end(),
      );
      const other = await fault(toPage.done);
      assert.match(other.message, /answered with a redirect to http:\/\/127\.0\.0\.1:\d+\/sign-in\.$/);
      if (name !== 'oauth') assert.match(other.remedy, /^Set “URL” of the credential to the address at which/);
      assert.deepEqual([moved.seen.length, right.seen.length, toPage.seen.length], [1, 0, 1]);
    });
  }

  test('WAHA’s 422 keeps its text', async (t) => {
    const text = 'Session status is not as expected. Try again later or restart the session';
    const { done } = await logOutOf(
      t,
      'waha',
      json(422, { error: text, session: 'default', status: 'FAILED', message: text }),
    );
    assert.match((await fault(done)).message, /WAHA: Session status is not as expected/);
  });

  for (const [name, text, body] of [
    [
      'waha',
      'Cannot POST /api/sessions/default/logout',
      { message: 'Cannot POST /api/sessions/default/logout', error: 'Not Found', statusCode: 404 },
    ],
    ['rocketchat', 'Not Found', { success: false, error: 'Not Found' }],
  ] as const) {
    test(`${name}: a 404 that is not about the session says that the service has no such call`, async (t) => {
      const { code, whole, origin } = await fault((await logOutOf(t, name, json(404, body))).done);
      const { label } = services.find((service) => service.name === name)!;
      assert.deepEqual([code, origin], ['status_404', 'client']);
      assert.equal(
        whole,
        `${label}: ${text}. This ${label} has no such call: update it, or check the URL of the credential.`,
      );
    });
  }

  for (const [name, body] of [
    ['waha', { message: 'Session not found', error: 'Not Found', statusCode: 404 }],
    [
      'waha',
      {
        message:
          "We didn't find a session with name 'default'.\nPlease start it first by using POST /api/sessions/default/start request",
        error: 'Not Found',
        statusCode: 404,
      },
    ],
    ['rocketchat', { success: false, error: 'Session not found' }],
  ] as const) {
    test(`${name}: a 404 about the session says that it could not be found: ${JSON.stringify(body)}`, async (t) => {
      const { code, message } = await fault((await logOutOf(t, name, json(404, body))).done);
      assert.equal(code, 'session_not_found');
      assert.match(message, /could not be found\.$/);
    });
  }

  test('N7.3: WAHA: a session name that would change the path is refused before anything is sent', async (t) => {
    for (const wahaSession of ['.', '..']) {
      const { code, message } = await fault(logOutOf(t, 'waha', json(200, {}), { wahaSession }));
      assert.deepEqual(
        [code, message],
        [
          'invalid_parameter',
          `“Session Name” is ${JSON.stringify(wahaSession)}, which cannot be part of a request’s path.`,
        ],
      );
    }
    for (const [wahaSession, path] of [
      ['...', '...'],
      ['%2e%2e', '%252e%252e'],
      ['a/../b', 'a%2F..%2Fb'],
    ]) {
      const { seen, done } = await logOutOf(t, 'waha', json(200, {}), { wahaSession });
      await done;
      assert.deepEqual(
        seen.map((one) => one.path),
        [`/api/sessions/${path}/logout`],
      );
    }
  });

  test('Altogic: the credential’s own session is signed out only if that is chosen, never because a token is missing', async (t) => {
    for (const altogicSessionToken of ['', ' ', null, undefined]) {
      const { code } = await fault(logOutOf(t, 'altogic', json(200, {}), { altogicSessionToken }));
      assert.equal(code, 'missing_parameter', String(altogicSessionToken));
    }
    const bodies: string[] = [];
    const { done } = await logOutOf(
      t,
      'altogic',
      async (request, response) => {
        for await (const chunk of request) bodies.push(String(chunk));
        response.end();
      },
      { altogicBy: 'own', altogicSessionToken: '' },
    );
    assert.equal((await done).success, true);
    assert.deepEqual(bodies, ['{}']);
  });

  test('Directus: an access token in the field is reported as such before anything is sent', async (t) => {
    const jwt = `eyJhbGciOiJIUzI1NiJ9.e30.x`;
    const { code, message } = await fault(logOutOf(t, 'directus', json(200, {}), { directusRefreshToken: jwt }));
    assert.equal(code, 'invalid_parameter');
    assert.match(message, /this is an access token; log out takes the refresh token/);
    const missing = await fault(logOutOf(t, 'directus', json(200, {}), { directusRefreshToken: '' }));
    assert.match(missing.message, /^Missing required property: Refresh Token/);
  });

  test('Directus: a logout whose connection is cut is sent once more: nobody else knows its token', async (t) => {
    let cut = false;
    const { seen, done } = await logOutOf(t, 'directus', (request, response) => {
      if (request.url === '/auth/refresh') return json(200, { data: { refresh_token: 'next' } })(request, response);
      if (cut) return response.writeHead(204).end();
      cut = true;
      return request.socket.destroy();
    });
    assert.equal((await done).success, true);
    assert.deepEqual(
      seen.map(({ path }) => path),
      ['/auth/refresh', '/auth/logout', '/auth/logout'],
    );
  });

  for (const [status, headers, pause] of [
    [408, {}, 1000],
    [429, { 'retry-after': '3' }, 3000],
    [429, { 'retry-after': '3600' }, 10_000],
    [503, {}, 1000],
  ] as const) {
    const told = JSON.stringify(headers);
    test(`Directus: after the check, a logout that is answered ${status} ${told} is repeated: only it has the valid token`, async (t) => {
      let logouts = 0;
      const { seen, pauses, done } = await logOutOf(t, 'directus', (request, response) => {
        if (request.url === '/auth/refresh') return json(200, { data: { refresh_token: 'next' } })(request, response);
        logouts += 1;
        if (logouts === 2) return response.writeHead(204).end();
        return json(status, { errors: [{ message: 'Not now' }] }, headers)(request, response);
      });
      assert.equal((await done).success, true);
      assert.deepEqual(
        seen.map(({ path }) => path),
        ['/auth/refresh', '/auth/logout', '/auth/logout'],
      );
      assert.deepEqual(pauses, [pause]);
    });
  }

  test('Directus: if the logout fails for good after the check, the error says that the session is open and the token used up', async (t) => {
    for (const [status, logouts] of [
      [408, 4],
      [429, 4],
      [503, 4],
      [403, 1],
      [undefined, 4],
    ] as const) {
      const { seen, done } = await logOutOf(t, 'directus', (request, response) => {
        if (request.url === '/auth/refresh') return json(200, { data: { refresh_token: 'next' } })(request, response);
        if (status === undefined) return request.socket.destroy();
        return json(status, { errors: [{ message: 'Not now' }] })(request, response);
      });
      const error = await fault(done);
      assert.deepEqual([error.code, error.status], ['session_still_open', status]);
      assert.match(
        error.whole,
        /^(Directus: Not now|fetch failed).* the session is still open, and the check has used up the given token/,
      );
      assert.equal(seen.length, 1 + logouts);
    }
  });

  for (const directusCheck of [true, false]) {
    test(`Directus: a retry logs out the session that the first attempt left open, with the check: ${directusCheck}`, async (t) => {
      const bodies: string[] = [];
      const { seen, done, again } = await logOutOf(t, 'directus', async (request, response) => {
        let body = '';
        for await (const chunk of request) body += String(chunk);
        bodies.push(JSON.parse(body).refresh_token);
        if (request.url === '/auth/refresh') return json(200, { data: { refresh_token: 'next' } })(request, response);
        if (bodies.length >= 6) return response.writeHead(204).end();
        return json(503, { errors: [{ message: 'Not now' }] })(request, response);
      });
      const error = await fault(done);
      assert.deepEqual([error.code, error.origin], ['session_still_open', 'server']);
      assert.match(error.remedy, /^Repeat this with the same token/);
      assert.equal((await again({ directusCheck })).success, true);
      assert.deepEqual(
        seen.map(({ path }) => path),
        ['/auth/refresh', ...Array(5).fill('/auth/logout')],
      );
      assert.deepEqual(bodies, ['r'.repeat(64), ...Array(5).fill('next')]);
      await again({ directusCheck });
      assert.equal(seen.at(-1)?.path, '/auth/logout');
      assert.equal(seen.length, directusCheck ? 8 : 7, 'afterwards the token is like any other');
    });
  }

  for (const [how, lose] of [
    ['is cut', (request, _) => request.socket.destroy()],
    ['is a proxy’s 502', (_, response) => response.writeHead(502).end('<html>Bad gateway</html>')],
    ['is a 503', json(503, { errors: [{ message: 'Not now' }] })],
  ] satisfies [string, RequestListener][]) {
    /** The first request is answered so; later, the token is accepted if it is not yet used up. */
    const losing = (t: Closer, isUsedUp: boolean) => {
      let refreshes = 0;
      return logOutOf(t, 'directus', (request, response) => {
        if (request.url !== '/auth/refresh') return response.writeHead(204).end();
        refreshes += 1;
        if (refreshes === 1) return lose(request, response);
        if (!isUsedUp) return json(200, { data: { refresh_token: 'next' } })(request, response);
        const extensions = { code: 'INVALID_CREDENTIALS' };
        return json(401, { errors: [{ message: 'Invalid user credentials.', extensions }] })(request, response);
      });
    };

    test(`Directus: if the answer to the check ${how}, the error says that the token may be used up and the session open`, async (t) => {
      const { seen, done, again } = await losing(t, true);
      const { origin, whole } = await fault(done);
      assert.equal(origin, 'server');
      assert.match(
        whole,
        /Directus may have used up the token all the same, and the session may still be open: try again .* Suspend the user/,
      );
      for (const directusCheck of [true, false]) {
        const refused = await fault(again({ directusCheck }));
        assert.equal(refused.code, 'session_still_open');
        assert.equal(
          refused.whole,
          'Invalid refresh token. Directus: Invalid user credentials. An earlier check of the token had no answer: as far as is known, that check has used it up, and the session is still open. Suspend the user in Directus, which ends all sessions of that user, or wait until the session expires.',
        );
      }
      assert.deepEqual(
        seen.map(({ path }) => path),
        Array(3).fill('/auth/refresh'),
      );
    });

    test(`Directus: if the answer to the check ${how}, but the token is still valid, a retry logs out its session`, async (t) => {
      const { seen, done, again } = await losing(t, false);
      await fault(done);
      assert.equal((await again()).success, true);
      assert.deepEqual(
        seen.map(({ path }) => path),
        ['/auth/refresh', '/auth/refresh', '/auth/logout'],
      );
    });
  }

  test('Directus: if there is no connection for the check, the token is as good as before, and the error does not doubt that', async () => {
    const { fields, values } = example['directus']!;
    const connection = connected('directus', 'token', { url: 'http://nobody.invalid', ...fields });
    const error = await fault(services.find(({ name }) => name === 'directus')!.logOut(connection, values));
    assert.doesNotMatch(error.whole, /used up/);
  });

  for (const [what, answer] of [
    ['an empty 204', (_, response) => response.writeHead(204).end()],
    ['an empty 200', (_, response) => response.writeHead(200).end()],
    ['JSON', json(200, {})],
  ] satisfies [string, RequestListener][]) {
    test(`Directus: ${what} confirms a logout, with and without the check`, async (t) => {
      for (const directusCheck of [true, false]) {
        const { done } = await logOutOf(
          t,
          'directus',
          (request, response) =>
            request.url === '/auth/refresh'
              ? json(200, { data: { refresh_token: 'next' } })(request, response)
              : answer(request, response),
          { directusCheck },
        );
        assert.equal((await done).success, true, String(directusCheck));
      }
    });
  }

  test('Directus: a page for people confirms no logout, neither without the check nor after it', async (t) => {
    let isPage = true;
    const listener: RequestListener = (request, response) => {
      if (request.url === '/auth/refresh') return json(200, { data: { refresh_token: 'next' } })(request, response);
      if (!isPage) return response.writeHead(204).end();
      return response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Welcome</html>');
    };
    const without = await fault((await logOutOf(t, 'directus', listener, { directusCheck: false })).done);
    assert.equal(without.code, 'unexpected_answer');
    const { seen, done, again } = await logOutOf(t, 'directus', listener);
    assert.equal((await fault(done)).code, 'session_still_open');
    isPage = false;
    assert.equal((await again()).success, true);
    assert.deepEqual(
      seen.map(({ path }) => path),
      ['/auth/refresh', '/auth/logout', '/auth/logout'],
      'the token that the check gave is kept',
    );
  });

  test('Directus: a static token that was revoked does not prevent a logout, because it is not sent with one', async (t) => {
    const { url, seen } = await answering(t, (request, response) => {
      if (request.headers.authorization !== undefined) {
        const extensions = { code: 'INVALID_CREDENTIALS' };
        return json(401, { errors: [{ message: 'Invalid user credentials.', extensions }] })(request, response);
      }
      if (request.url === '/auth/refresh') return json(200, { data: { refresh_token: 'next' } })(request, response);
      return response.writeHead(204).end();
    });
    const service = services.find(({ name }) => name === 'directus')!;
    const connection = connected('directus', 'token', { url, token: 'revoked' });
    const { values } = example['directus']!;
    for (const directusCheck of [true, false]) {
      assert.equal((await service.logOut(connection, { ...values, directusCheck })).success, true);
    }
    assert.equal((await fault(testCredential(connection))).code, 'credential_refused');
    assert.deepEqual(
      seen.map(({ path }) => path),
      ['/auth/refresh', '/auth/logout', '/auth/logout', '/users/me'],
    );
  });

  test('Directus: if the user is suspended, the error says that the session has ended', async (t) => {
    const extensions = { code: 'USER_SUSPENDED' };
    const { seen, done } = await logOutOf(
      t,
      'directus',
      json(401, { errors: [{ message: 'User suspended.', extensions }] }),
    );
    const { code, whole } = await fault(done);
    assert.equal(code, 'USER_SUSPENDED');
    assert.match(whole, /^Directus: User suspended\. Nothing is left to do: the session has ended/);
    assert.deepEqual(
      seen.map(({ path }) => path),
      ['/auth/refresh'],
    );
  });

  test('Directus: without the check the token goes to the logout unchanged', async (t) => {
    const { seen, done } = await logOutOf(t, 'directus', (_, response) => response.writeHead(204).end(), {
      directusCheck: false,
    });
    assert.deepEqual([(await done).response, seen.map(({ path }) => path)], [null, ['/auth/logout']]);
  });

  test('Rocket.Chat: a sign-in sends the next code after a refused one, and says that the secret is missing', async (t) => {
    /** As Rocket.Chat's login refuses a code; its other calls have the code of the error in `errorType`. */
    const refused = (error: string, message: string) =>
      json(401, { success: false, status: 'error', error, message, details: { method: 'totp' } });
    const codes: unknown[] = [];
    const { url } = await answering(t, (request, response) => {
      const code = request.headers['x-2fa-code'];
      codes.push(code);
      if (code === undefined) return refused('totp-required', 'TOTP Required')(request, response);
      if (codes.length === 1) return refused('totp-invalid', 'TOTP Invalid')(request, response);
      return json(200, { status: 'success', data: { userId: 'u', authToken: 't' } })(request, response);
    });
    const credential = services.find(({ name }) => name === 'rocketchat')!.credentials.find((one) => one.signIn)!;
    const open = (totpSecret?: string) => {
      const given = { url, username: 'admin', password: adminPassword, totpSecret };
      return credential.signIn!.open(readCredential(credential, given), send, Date.now());
    };
    assert.deepEqual(await open('JBSWY3DPEHPK3PXP'), { userId: 'u', authToken: 't' });
    assert.equal(codes.length, 2);
    const { code, whole } = await fault(open());
    assert.equal(code, 'totp-required');
    assert.equal(
      whole,
      'Rocket.Chat: TOTP Required. Put the TOTP secret into the credential, or a code into “Two-Factor Code”.',
    );
  });

  /** A Rocket.Chat that accepts every sign-in, and answers each logout as given; `logins` counts the sign-ins. */
  async function rocketChat(t: Closer, ...answers: RequestListener[]) {
    const { url, seen } = await answering(t, (request, response) => {
      if (request.url !== '/api/v1/login') return (answers.shift() ?? json(500, {}))(request, response);
      return json(200, { status: 'success', data: { userId: 'u', authToken: 't' } })(request, response);
    });
    const service = services.find(({ name }) => name === 'rocketchat')!;
    const connection = connected('rocketchat', 'signIn', { url, username: 'admin', password: 'p' });
    const logOut = () => service.logOut(connection, { rocketchatSessionId: 's' });
    return { logOut, logins: () => seen.filter(({ path }) => path === '/api/v1/login').length };
  }

  for (const [status, body] of [
    [401, { success: false, error: 'unauthorized' }],
    [401, { status: 'error', message: 'unauthorized' }],
    [403, { success: false, error: 'forbidden' }],
    ...[400, 403].map(
      (status) =>
        [
          status,
          {
            success: false,
            error: 'This is an enterprise feature [error-action-not-allowed]',
            errorType: 'error-action-not-allowed',
          },
        ] as const,
    ),
  ] as const) {
    test(`Rocket.Chat: without the licence for device management the error names it, and no item signs in again: ${status} ${JSON.stringify(body)}`, async (t) => {
      const { logOut, logins } = await rocketChat(t, json(status, body), json(status, body));
      for (let i = 0; i < 2; i++) {
        const error = await fault(logOut());
        assert.equal(error.status, status);
        assert.match(error.remedy, /has no licence with the module device-management/);
      }
      assert.equal(logins(), 1);
    });
  }

  test('Rocket.Chat: a session that is refused is replaced by a new sign-in', async (t) => {
    const text = 'You must be logged in to do this.';
    for (const body of [
      { success: false, status: 'error', error: text, message: text },
      { status: 'error', message: text },
    ]) {
      const { logOut, logins } = await rocketChat(t, json(401, body), json(200, { success: true, sessionId: 's' }));
      assert.equal((await logOut()).sessionId, 's');
      assert.equal(logins(), 2);
    }
  });

  test('OAuth: the client’s secret goes into the body if so configured, and a refusal keeps its text', async (t) => {
    const server = await oauthServer(t);
    const service = services.find(({ name }) => name === 'oauth')!;
    const given = { url: server.url, clientId: server.client.id, clientAuthentication: 'body' };
    const call = (secret: string, values: Record<string, unknown>) =>
      service.logOut(connected('oauth', 'token', { ...given, clientSecret: secret }), values);
    server.live.add('a');
    await call(server.client.secret, { oauthToken: 'a' });
    assert.equal(server.live.has('a'), false);
    assert.equal((await fault(call('wrong', { oauthToken: 'a' }))).code, 'invalid_client');
    const unsupported = call(server.client.secret, { oauthToken: 'unrevokable', oauthHint: 'refresh_token' });
    assert.match((await fault(unsupported)).whole, /unsupported_token_type.*Revoke the other token/);
  });
});

describe('credentials', () => {
  test('each is accepted or refused by its own test request', async (t) => {
    const server = await TestServer.start();
    t.after(() => server.close());
    const { id } = (await server.login()).body.account;
    const { secret, backupCodes } = await server
      .enrol(id)
      .then((one) => ({ secret: one.secret, backupCodes: one.backupCodes }));
    const person = { username: 'admin', password: adminPassword, totpSecret: secret };
    const signIn = { user: 'admin', password: adminPassword, code: backupCodes[0] };
    const rocket = (await server.call('POST', '/api/v1/login', signIn, { as: '' })).body.data;
    const { token } = (await server.login('admin', adminPassword, backupCodes[1])).body;
    const oauth = await oauthServer(t);
    const at = (path: string) => server.url + path;
    const client = { url: oauth.url, clientId: oauth.client.id, clientAuthentication: 'basic' };
    const cases: [
      name: string,
      way: 'token' | 'signIn',
      good: Record<string, unknown>,
      wrong: Record<string, unknown>,
    ][] = [
      ['curfew', 'token', { url: server.url, apiKey: server.key }, { apiKey: 'cfk_wrong' }],
      ['curfew', 'signIn', { url: server.url, ...person }, { password: 'wrong' }],
      ['waha', 'token', { url: at('/waha'), apiKey: server.key }, { apiKey: 'wrong' }],
      ['directus', 'token', { url: at('/directus'), token }, { token: 'wrong' }],
      ['rocketchat', 'token', { url: at('/rocketchat'), ...rocket }, { authToken: 'wrong' }],
      ['rocketchat', 'signIn', { url: at('/rocketchat'), ...person }, { password: 'wrong' }],
      [
        'altogic',
        'token',
        { url: at('/altogic'), clientKey: 'c', sessionToken: token, apiKey: server.key },
        { sessionToken: 'wrong' },
      ],
      ['oauth', 'token', { ...client, clientSecret: oauth.client.secret }, { clientSecret: 'wrong' }],
    ];
    for (const [name, way, good, wrong] of cases) {
      await testCredential(connected(name, way, good)).catch((error: NodeFault) =>
        assert.fail(`${name} ${way}: ${error.whole}`),
      );
      await fault(testCredential(connected(name, way, { ...good, ...wrong })));
    }
    assert.equal(cases.length, services.flatMap(({ credentials }) => credentials).length, 'every credential is here');
  });

  test('N7.11: a page at the URL, or another program, is not accepted as the service, whatever its status of success', async (t) => {
    const fields = { apiKey: 'k', token: 't', userId: 'u', authToken: 't', clientKey: 'c', sessionToken: 's' };
    const others = { username: 'ada', password: 'p', clientId: 'c', clientSecret: 's' };
    const page = (body: string, type: string, status = 200) =>
      answering(t, (_, response) => response.writeHead(status, { 'content-type': type }).end(body));
    const signIn = await page('<!doctype html><form>Sign in</form>', 'text/html; charset=utf-8');
    // An OAuth server may answer with any JSON, or with nothing: RFC 7009 gives its answer no content.
    const programs = [
      await page('{"status":"ok","data":{},"kind":"none"}', 'application/json'),
      await page('"pong"', 'application/json'),
      await page('', 'text/plain', 204),
    ];
    for (const { name, credentials } of services) {
      for (const { way } of credentials) {
        for (const { url } of name === 'oauth' ? [signIn] : [signIn, ...programs]) {
          const { code, whole } = await fault(testCredential(connected(name, way, { url, ...fields, ...others })));
          assert.equal(code, 'unexpected_answer', `${name} ${way}`);
          assert.match(whole, /not as .* does\. Check .*URL/);
        }
      }
    }
    // Without a token, Directus is asked whether it is there.
    const { code } = await fault(testCredential(connected('directus', 'token', { url: signIn.url })));
    assert.equal(code, 'unexpected_answer');
  });

  test('in a credential, passwords and client secrets keep the spaces at their ends; pasted tokens and keys lose them', async (t) => {
    const server = await TestServer.start();
    t.after(() => server.close());
    const person = { username: 'spaced', password: ' a long password ' };
    await server.call('POST', '/v1/accounts', { ...person, roles: ['admin'] });
    await testCredential(connected('curfew', 'signIn', { url: server.url, ...person }));
    const ofRocket = { url: `${server.url}/rocketchat`, ...person };
    await testCredential(connected('rocketchat', 'signIn', ofRocket));
    const client = { url: 'https://a.example', clientId: ' flows ', clientAuthentication: 'body', clientSecret: ' s ' };
    const { clientId, clientSecret } = connected('oauth', 'token', client).fields;
    assert.deepEqual([clientId, clientSecret], ['flows', ' s ']);
    await testCredential(connected('curfew', 'token', { url: server.url, apiKey: ` ${server.key}\n` }));
  });

  test('the sessions of a user end, not those of a user whose id differs in the spaces at its ends', async (t) => {
    const server = await TestServer.start();
    t.after(() => server.close());
    const [meant, other] = [await server.createSession('bob '), await server.createSession('bob')];
    const operation = operations.find(({ name }) => name === 'deleteUserSessions')!;
    const values = readParameters(operation.parameters, ({ name }) => (name === 'userId' ? 'bob ' : absent));
    await operation.run(connected('curfew', 'token', { url: server.url, apiKey: server.key }), values);
    const active = async (token: string) => (await server.verify(token)).active;
    assert.deepEqual([await active(meant.token), await active(other.token)], [false, true]);
  });

  for (const [name, path] of [
    ['curfew', ''],
    ['rocketchat', '/rocketchat'],
  ] as const) {
    test(`N7.8: ${name}: ten calls at once sign in once, and send one code although each requires one`, async (t) => {
      const clock = manualClock(Date.UTC(2026, 5, 1));
      const server = await TestServer.start({}, clock);
      t.after(() => server.close());
      const { id } = (await server.login()).body.account;
      const { secret } = await server.enrol(id);
      await server.call('DELETE', `/v1/users/${id}/sessions`);
      const opened = await Promise.all(Array.from({ length: 20 }, () => server.createSession('ada')));
      const service = services.find((one) => one.name === name)!;
      const person = { url: server.url + path, username: 'admin', password: adminPassword, totpSecret: secret };
      const connection = connected(name, 'signIn', person, () => clock.now());
      const logOut = (some: typeof opened) =>
        Promise.all(
          some.map(({ session }) =>
            service.logOut(connection, {
              curfewBy: 'id',
              curfewSessionId: session.id,
              rocketchatSessionId: session.id,
            }),
          ),
        );
      await logOut(opened.slice(0, 10));
      assert.equal((await server.call('GET', `/v1/users/${id}/sessions`)).body.total, 1);
      // The code from the sign-in is no longer remembered.
      clock.advance(6 * 60_000);
      await logOut(opened.slice(10));
      assert.equal((await server.call('GET', '/v1/users/ada/sessions')).body.total, 0);
      const failed = (await server.call('GET', '/v1/events?type=second_factor.failed')).body.events;
      assert.deepEqual(failed, []);
    });
  }

  test('N7.9: the session of a sign-in is sent only to the URL where it was opened', async (t) => {
    const server = await TestServer.start();
    t.after(() => server.close());
    const stranger = await answering(t, json(401, {}));
    const credential = services.find(({ name }) => name === 'curfew')!.credentials.find(({ way }) => way === 'signIn')!;
    const typed = { url: server.url, username: 'admin', password: adminPassword };
    const fields = readCredential(credential, typed);
    const beside = keptBeside(fields, await credential.signIn!.open(fields, send, Date.now()));
    const kept = { ...typed, ...beside };
    const request = { method: 'GET', url: `${server.url}/v1/me`, headers: {}, body: undefined } as const;
    const shown = (given: object) => credential.authorize(readCredential(credential, { ...given }), request).headers;
    assert.equal((await send(credential.authorize(readCredential(credential, kept), request))).status, 200);
    assert.ok(shown({ ...kept, url: `${server.url}/` })['authorization'], 'a trailing slash makes no other URL');
    for (const url of [stranger.url, `${server.url}/other`, server.url.replace('127.0.0.1', 'localhost')]) {
      assert.equal(shown({ ...kept, url })['authorization'], undefined, url);
    }
  });

  test('N7.9: a credential is sent only to its own service, whatever address a request names', () => {
    const credential = services.find(({ name }) => name === 'curfew')!.credentials[0]!;
    const fields = readCredential(credential, { url: 'https://a.example/curfew', apiKey: 'cfk_x' });
    for (const to of ['https://a.example/curfew', 'https://a.example/curfew/v1/me?x=1']) {
      checkUrl(credential, fields, to);
    }
    for (const to of [
      'https://b.example/curfew/v1/me',
      'http://a.example/curfew/v1/me',
      'https://a.example:8443/curfew/v1/me',
      'https://a.example@b.example/curfew',
      'https://a.example/curfew/../other',
      'https://a.example/curfewer',
      'nonsense:',
      '/curfew/v1/me',
      undefined,
      ['https://a.example/curfew'],
    ]) {
      assert.throws(() => checkUrl(credential, fields, to), { code: 'other_url' }, String(to));
    }
  });

  test('a code of a second factor is generated only when it is required', async (t) => {
    const server = await TestServer.start();
    t.after(() => server.close());
    const { id } = (await server.login()).body.account;
    const authenticator = await server.enrol(id);
    const signIn = { user: 'admin', password: adminPassword, code: authenticator.backupCodes[0] };
    const { userId, authToken } = (await server.call('POST', '/api/v1/login', signIn, { as: '' })).body.data;
    // A token from a refresh, without a remembered factor.
    const login = (await server.login('admin', adminPassword, authenticator.backupCodes[1])).body;
    const { token } = (
      await server.call('POST', '/v1/sessions/refresh', { refreshToken: login.refreshToken }, { as: '' })
    ).body;
    assert.ok(authToken);
    const { session } = await server.createSession('ada');
    const service = services.find(({ name }) => name === 'rocketchat')!;
    const given = { url: `${server.url}/rocketchat`, userId, authToken: token };
    const without = await fault(
      service.logOut(connected('rocketchat', 'token', given), { rocketchatSessionId: session.id }),
    );
    assert.match(without.whole, /TOTP Required.*Put the TOTP secret into the credential/);
    const done = await service.logOut(
      connected('rocketchat', 'token', { ...given, totpSecret: authenticator.secret }),
      { rocketchatSessionId: session.id },
    );
    assert.equal(done.sessionId, session.id);
  });
});
