import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { CurfewApiError, createClient, pages } from '../src/index.ts';
import { createVerifier } from '../src/verifier.ts';

/** A server whose answers the test determines. */
async function answering(t: { after(done: () => void): void }, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0);
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
}

/** A client of a server that always answers the same, and the addresses that the client requests. */
async function noting(t: Parameters<typeof answering>[0], answer: string) {
  const seen: unknown[] = [];
  const url = await answering(t, (request, response) => {
    seen.push(request.url);
    response.setHeader('content-type', 'application/json').end(answer);
  });
  return { client: createClient({ url }), seen };
}

async function failure(call: Promise<unknown>): Promise<CurfewApiError> {
  try {
    await call;
  } catch (error) {
    assert.ok(error instanceof CurfewApiError, String(error));
    return error;
  }
  return assert.fail('the call did not fail');
}

describe('the client', () => {
  test('puts what it is given into path, query and body', async (t) => {
    const seen: string[] = [];
    const url = await answering(t, async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      seen.push(
        [request.method, request.url, request.headers.authorization, request.headers['x-2fa-code'], body].join(' '),
      );
      response.setHeader('content-type', 'application/json').end('{}');
    });
    const client = createClient({ url: `${url}/`, token: 'cfk_x' });
    await client.changeAccessGroups({ userId: 'a/b c', add: ['x'], wait: 'stored' });
    await client.endSession({ id: '../me' }, { code: '123456' });
    await client.listSessions({ user: 'ü&=', limit: 5 });
    await client.logout();
    assert.deepEqual(seen, [
      'POST /v1/users/a%2Fb%20c/access-groups?wait=stored Bearer cfk_x  {"add":["x"]}',
      'DELETE /v1/sessions/..%2Fme Bearer cfk_x 123456 ',
      'GET /v1/sessions?user=%C3%BC%26%3D&limit=5 Bearer cfk_x  ',
      'POST /v1/logout Bearer cfk_x  ',
    ]);
  });

  test('N7.3: a value that would change the path is refused before anything is sent', async (t) => {
    const { client, seen } = await noting(t, '{}');
    for (const userId of ['.', '..']) {
      assert.equal((await failure(client.listUserSessions({ userId }))).code, 'invalid_value');
      assert.equal((await failure(client.endUserSessions({ userId }))).code, 'invalid_value');
    }
    for (const id of ['', undefined, null, {}]) {
      const error = await failure(client.endSession({ id } as never));
      assert.deepEqual([error.code, error.message], ['missing_field', 'The field id is missing, or empty.']);
    }
    await client.listUserSessions({ userId: '...' });
    await client.listUserSessions({ userId: '%2e%2e' });
    assert.deepEqual(seen, ['/v1/users/.../sessions', '/v1/users/%252e%252e/sessions']);
  });

  test('N7.10: a number that is not exact names nobody: it is refused by its name before anything is sent', async (t) => {
    const { client, seen } = await noting(t, '{}');
    const calls = (id: unknown) =>
      [
        ['userId', () => client.endUserSessions({ userId: id } as never)],
        ['id', () => client.endSession({ id } as never)],
        ['user', () => client.listSessions({ user: id } as never)],
        ['except', () => client.endUserSessions({ userId: 'ada', except: id } as never)],
      ] as const;
    const wrong = fc.oneof(
      fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n }).map(Number),
      fc.integer().map((whole) => whole + 0.5),
      fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY),
    );
    await fc.assert(
      fc.asyncProperty(wrong, async (id) => {
        for (const [name, call] of calls(id)) {
          const error = await failure(call());
          assert.equal(error.code, 'invalid_value');
          assert.match(error.message, new RegExp(`\\(${name}\\)`));
          assert.equal(error.remedy, `Give ${name} as text: in JSON, in quotation marks.`);
        }
      }),
    );
    assert.deepEqual(seen, []);
    await client.endSession({ id: Number.MAX_SAFE_INTEGER } as never);
    await client.endSession({ id: String(2n ** 53n + 1n) });
    assert.deepEqual(seen, ['/v1/sessions/9007199254740991', '/v1/sessions/9007199254740993']);
  });

  for (const status of [301, 302, 303, 307, 308]) {
    test(`N7.1: a redirect (${status}) is not followed, and the error says where it leads`, async (t) => {
      const followed: unknown[] = [];
      const elsewhere = await answering(t, (request, response) => {
        followed.push(request.url);
        response.end();
      });
      const url = await answering(t, (_request, response) => {
        response.writeHead(status, { location: `${elsewhere}/v1/logout` }).end();
      });
      const error = await failure(createClient({ url, token: 'cfs_x' }).logout());
      assert.deepEqual([error.code, error.status], ['redirected', status]);
      assert.match(error.message, new RegExp(`${elsewhere}/v1/logout`));
      assert.match(error.remedy, /final URL/);
      assert.deepEqual(followed, []);
    });
  }

  test('without a limit of time, a call ends only with its own signal', async (t) => {
    const asked = Promise.withResolvers<void>();
    const url = await answering(t, () => asked.resolve());
    const own = new AbortController();
    const call = createClient({ url, timeout: Number.POSITIVE_INFINITY }).me({}, { signal: own.signal });
    await Promise.race([asked.promise, call]);
    own.abort();
    await assert.rejects(call, { name: 'AbortError' });
  });

  test('an error has the server’s code, remedy and time to wait', async (t) => {
    const problem = { code: 'too_many_attempts', title: 'Too many attempts', status: 429, remedy: 'Wait.' };
    const url = await answering(t, (_request, response) => {
      response.writeHead(429, { 'content-type': 'application/problem+json; charset=utf-8', 'retry-after': '7' });
      response.end(JSON.stringify(problem));
    });
    const error = await failure(createClient({ url }).me());
    assert.deepEqual(
      [error.code, error.status, error.remedy, error.retryAfter],
      ['too_many_attempts', 429, 'Wait.', 7],
    );
  });

  test('a server that is unreachable, slow, disconnected or another program each has its own error', async (t) => {
    assert.equal((await failure(createClient({ url: 'http://127.0.0.1:64999' }).me())).code, 'unreachable');
    const slow = await answering(t, () => {});
    const late = await failure(createClient({ url: slow, timeout: 50 }).me());
    assert.equal(late.code, 'timeout');
    assert.match(late.remedy, /raise the timeout/);
    const cut = await answering(t, (request) => request.socket.destroy());
    assert.equal((await failure(createClient({ url: cut }).me())).code, 'unreachable');
    for (const [type, text] of [
      ['text/html', '<h1>Welcome</h1>'],
      ['application/json', 'not json'],
    ] as const) {
      const other = await answering(t, (_request, response) => response.setHeader('content-type', type).end(text));
      assert.equal((await failure(createClient({ url: other }).me())).code, 'not_curfew');
    }
    const json = await answering(t, (_request, response) => {
      response.writeHead(500, { 'content-type': 'application/json' }).end('{"oops":true}');
    });
    assert.equal((await failure(createClient({ url: json }).me())).code, 'not_curfew');
    for (const url of ['nonsense', 'localhost:2873', '127.0.0.1:2873', 'ftp://example.org']) {
      const told = { code: 'invalid_url', remedy: /such as http:\/\/127\.0\.0\.1:2873/ };
      assert.throws(() => createClient({ url }), told, url);
      assert.throws(() => createVerifier({ url, key: 'any' }), told, url);
    }
  });

  test('input that cannot be sent is refused by its name, and not as a server that is unreachable', async (t) => {
    const url = await answering(t, () => assert.fail('it was sent'));
    const copied = createClient({ url, token: 'cfk_a…' });
    const own: { self?: object } = {};
    own.self = own;
    const client = createClient({ url });
    const calls: [Promise<unknown>, RegExp][] = [
      [copied.me(), /^The token contains a character that no token has\.$/],
      [client.me({}, { code: '12…' }), /^The code contains/],
      [client.createSession({ userId: 'ada', metadata: { big: 1n } as never }), /cannot be written as JSON: .*BigInt/],
      [client.createSession({ userId: 'ada', metadata: own as never }), /cannot be written as JSON: .*circular/],
    ];
    for (const [call, message] of calls) {
      const error = await failure(call);
      assert.equal(error.code, 'invalid_value');
      assert.match(error.message, message);
    }
  });

  test('a time-out that no timer can wait is refused', () => {
    for (const timeout of [0, -1, 0.5, Number.NaN, 2 ** 31]) {
      assert.throws(
        () => createClient({ url: 'http://127.0.0.1:1', timeout }),
        { name: 'RangeError' },
        String(timeout),
      );
    }
  });

  test('a caller can cancel a call', async (t) => {
    const url = await answering(t, () => {});
    const gone = new AbortController();
    const call = createClient({ url }).me({}, { signal: gone.signal });
    gone.abort();
    await assert.rejects(call, { name: 'AbortError' });
  });

  test('a call that was cancelled throws the reason of the caller as it is, and reports no fault of the server', async (t) => {
    const url = await answering(t, () => {});
    for (const reason of [new Error('navigated'), new DOMException('too late', 'TimeoutError'), null, 'closed']) {
      const gone = new AbortController();
      const call = createClient({ url }).me({}, { signal: gone.signal });
      gone.abort(reason);
      const thrown: unknown = await call.then(
        () => assert.fail('it was answered'),
        (error: unknown) => error,
      );
      assert.equal(thrown, reason);
    }
  });

  test('pages follow the cursor to the end', async () => {
    const asked: (string | undefined)[] = [];
    const list = async ({ cursor }: { cursor?: string | undefined }) => {
      asked.push(cursor);
      return { items: [asked.length], nextCursor: asked.length < 3 ? `c${asked.length}` : undefined };
    };
    const found: number[] = [];
    for await (const page of pages(list, {})) found.push(...page.items);
    assert.deepEqual(
      [found, asked],
      [
        [1, 2, 3],
        [undefined, 'c1', 'c2'],
      ],
    );
  });

  test('N7.4: pages accepts an operation of the client, with or without its parameters', async (t) => {
    const { client, seen } = await noting(t, '{"sessions":[]}');
    for await (const { sessions } of pages(client.listSessions, { status: 'active' })) assert.deepEqual(sessions, []);
    for await (const { sessions } of pages(client.listSessions)) assert.deepEqual(sessions, []);
    for await (const { sessions } of pages(client.listUserSessions, { userId: 'ada' })) assert.deepEqual(sessions, []);
    assert.deepEqual(seen, ['/v1/sessions?status=active', '/v1/sessions', '/v1/users/ada/sessions']);
  });

  test('it has no dependencies', () => {
    const { dependencies } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
    assert.equal(dependencies, undefined);
  });
});
