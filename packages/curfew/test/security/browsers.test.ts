import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { operations } from '../../src/http/routes/index.ts';
import { type Route, startRecorded } from '../support/routes.ts';
import { adminPassword, type TestServer } from '../support/server.ts';

/** What browsers send on their own, and what they let other sites do, for every route. */
describe('browsers', () => {
  let server: TestServer;
  let routes: Route[];
  let cookie: string;
  before(async () => {
    ({ server, routes } = await startRecorded({}));
    const body = { username: 'admin', password: adminPassword, cookie: true };
    const { headers } = await server.call('POST', '/v1/login', body, { as: '' });
    cookie = headers.get('set-cookie')!.split(';')[0]!;
  });
  after(() => server.close());

  /** Without `access-control-allow-credentials`, so never with a cookie. */
  const preflight = ['headers', 'methods', 'origin'].map((what) => `access-control-allow-${what}`);
  preflight.push('access-control-max-age');

  const pathOf = (url: string) => url.replace(/:\w+/g, 'x');

  test('CSRF: no operation that changes something accepts the cookie from another site', async () => {
    const changing = operations.filter(({ method }) => method !== 'GET');
    assert.ok(changing.length > 20);
    const before = await server.state();
    for (const { method, path, id } of changing) {
      const call = (headers: Record<string, string>) =>
        server.call(method, pathOf(path), method === 'DELETE' ? undefined : {}, {
          as: '',
          headers: { cookie, ...headers },
        });
      for (const headers of [{}, { 'sec-fetch-site': 'cross-site' }, { origin: 'https://evil.example' }]) {
        const { status, body } = await call(headers as Record<string, string>);
        assert.deepEqual([status, body.code], [403, 'cross_site_refused'], `${id} ${JSON.stringify(headers)}`);
      }
    }
    assert.deepEqual(await server.state(), before);
    const own = { cookie, 'sec-fetch-site': 'same-origin' };
    const { body } = await server.call('POST', '/v1/sessions', {}, { as: '', headers: own });
    assert.equal(body.code, 'missing_field', 'its own pages are allowed');
  });

  /** What every route answers to a script of another site, with or without a preflight request. */
  const answers = memoized(async () => {
    const found: { asked: string; url: string; headers: Headers }[] = [];
    for (const { method, url } of routes) {
      for (const asked of [method, 'OPTIONS']) {
        const { headers } = await server.call(asked, pathOf(url), undefined, {
          as: '',
          headers: {
            cookie,
            origin: 'https://evil.example',
            'access-control-request-method': method,
            'access-control-request-headers': 'authorization,x-auth-token,session',
          },
        });
        found.push({ asked, url, headers });
      }
    }
    return found;
  });

  test('CORS: no response can be read by scripts of another site, with or without a preflight request', async () => {
    for (const { asked, url, headers } of await answers()) {
      const open = [...headers.keys()].filter((name) => name.startsWith('access-control-'));
      // A page may ask whether it may send a widget token; it cannot read an answer without one of its origin.
      const mayAsk = asked === 'OPTIONS' && url.startsWith('/v1/widget/');
      assert.deepEqual(open, mayAsk ? preflight : [], `${asked} ${url}`);
    }
  });

  test('N6.6: no response of any route may be taken for another content type, nor a stream or an answer to a proxy', async () => {
    const isFixed = (headers: Headers, what: string) =>
      assert.equal(headers.get('x-content-type-options'), 'nosniff', what);
    const found = await answers();
    assert.ok(found.length > 150, `only ${found.length} answers`);
    for (const { asked, url, headers } of found) isFixed(headers, `${asked} ${url}`);
    const stream = await fetch(`${server.url}/v1/events`, {
      headers: { authorization: `Bearer ${server.key}`, accept: 'text/event-stream' },
    });
    await stream.body!.cancel();
    assert.match(stream.headers.get('content-type')!, /^text\/event-stream/);
    isFixed(stream.headers, 'a stream of events');
    const { token } = await server.createSession('ada');
    for (const [as, status] of [
      [token, 200],
      ['', 302],
    ] as const) {
      const options = { as, headers: { accept: 'text/html' } };
      const answer = await server.call('GET', '/v1/forward-auth?login=/login', undefined, options);
      assert.equal(answer.status, status);
      isFixed(answer.headers, `forward-auth: ${status}`);
    }
  });

  test('CSP: the page that shows the API allows its own scripts and nothing unsafe', async () => {
    const { status, headers } = await server.call('GET', '/docs/', undefined, { as: '' });
    const policy = headers.get('content-security-policy') ?? '';
    assert.equal(status, 200);
    assert.match(policy, /(^|; )default-src 'self'(;|$)/);
    assert.match(policy, /(^|; )object-src 'none'(;|$)/);
    assert.doesNotMatch(policy, /unsafe-|(script|default)-src[^;]* (https?:|data:|\*)/);
  });

  test('7.4.4: besides the console, on which one signs out from every screen, no page needs a sign-in', async () => {
    const pages = new Set<string>();
    const look = async (path: string): Promise<void> => {
      const { headers } = await server.call('GET', path, undefined, {
        as: '',
        headers: { cookie, accept: 'text/html' },
      });
      const location = headers.get('location');
      if (location) await look(new URL(location, server.url + path).pathname);
      if (/html/.test(headers.get('content-type') ?? '')) pages.add(path);
    };
    for (const { method, url } of routes) if (method === 'GET') await look(pathOf(url));
    // Without a build there is no console; its own tests sign out from it.
    pages.delete('/console/');
    assert.deepEqual([...pages], ['/docs/']);
    assert.equal((await server.call('GET', '/docs/', undefined, { as: '' })).status, 200, 'it needs no sign-in');
  });
});

function memoized<Result>(work: () => Promise<Result>): () => Promise<Result> {
  let result: Promise<Result> | undefined;
  return () => {
    result ??= work();
    return result;
  };
}
