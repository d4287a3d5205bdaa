import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { brotliDecompressSync } from 'node:zlib';
import { TestServer } from '../support/server.ts';

const built = existsSync(fileURLToPath(new URL('../../dist/console/index.html', import.meta.url)));

describe('the console', { skip: built ? false : 'it has not been built' }, () => {
  let server: TestServer;
  before(async () => {
    server = await TestServer.start();
  });
  after(() => server.close());

  const get = (path: string, headers: Record<string, string> = {}) =>
    fetch(server.url + path, { redirect: 'manual', headers });
  const scriptOf = (page: string) => /<script[^>]* src="\.\/(assets\/[^"]+\.js)"/.exec(page)![1]!;

  test('is where a browser arrives, with relative redirects', async () => {
    for (const [path, to] of [
      ['/', 'console/'],
      ['/console', 'console/'],
    ] as const) {
      const { status, headers } = await get(path);
      assert.deepEqual([status, headers.get('location')], [302, to]);
    }
  });

  test('CSP: nothing is allowed but its own files and its own API, and no script writes one into the page', async () => {
    const { status, headers } = await get('/console/');
    assert.equal(status, 200);
    const policy = headers.get('content-security-policy') ?? '';
    assert.match(policy, /^default-src 'none'; /);
    assert.match(policy, /(^|; )require-trusted-types-for 'script'(;|$)/);
    assert.match(policy, /(^|; )trusted-types 'none'(;|$)/);
    assert.match(policy, /(^|; )frame-ancestors 'none'(;|$)/);
    assert.doesNotMatch(policy, /unsafe-|https?:|data:|blob:|\*/);
    assert.equal(headers.get('x-content-type-options'), 'nosniff');
    assert.equal(headers.get('referrer-policy'), 'no-referrer');
    assert.equal(headers.get('cross-origin-opener-policy'), 'same-origin');
  });

  test('the page has no inline script or style, and only relative links', async () => {
    const page = await (await get('/console/')).text();
    assert.doesNotMatch(page, /<style|style="| on\w+="|<script(?![^>]* src=)/);
    for (const [, link] of page.matchAll(/(?:src|href)="([^"]+)"/g)) assert.match(link!, /^\.\//);
  });

  test('the page is asked for again each time, its files never', async () => {
    const page = await get('/console/');
    assert.equal(page.headers.get('cache-control'), 'no-cache');
    const etag = page.headers.get('etag')!;
    assert.equal((await get('/console/', { 'if-none-match': etag })).status, 304);
    const script = await get(`/console/${scriptOf(await page.text())}`);
    assert.equal(script.headers.get('cache-control'), 'public, max-age=31536000, immutable');
    assert.match(script.headers.get('content-type')!, /^text\/javascript/);
  });

  test('files are sent compressed to whoever accepts that, with the same content', async () => {
    const path = `/console/${scriptOf(await (await get('/console/')).text())}`;
    const raw = (encoding: string) =>
      server.running.app.inject({ url: path, headers: { 'accept-encoding': encoding } });
    const plain = await raw('gzip, br;q=0');
    assert.equal(plain.headers['content-encoding'], undefined);
    const small = await raw('gzip, deflate, br');
    assert.deepEqual([small.headers['content-encoding'], small.headers['vary']], ['br', 'accept-encoding']);
    assert.ok(small.rawPayload.length < plain.rawPayload.length / 2);
    assert.deepEqual(brotliDecompressSync(small.rawPayload), plain.rawPayload);
  });

  test('only its own files can be read', async () => {
    for (const path of [
      '../index.js',
      '%2e%2e%2findex.js',
      '..%5cindex.js',
      'assets/',
      'assets/none.js',
      'index.html.br',
    ])
      assert.equal((await get(`/console/${path}`)).status, 404, path);
  });

  test('CURFEW_CONSOLE=off takes it away', async (t) => {
    const without = await TestServer.start({ CURFEW_CONSOLE: 'off' });
    t.after(() => without.close());
    assert.equal((await without.call('GET', '/console/')).status, 404);
    assert.equal((await without.call('GET', '/')).headers.get('location'), 'docs/');
  });
});
