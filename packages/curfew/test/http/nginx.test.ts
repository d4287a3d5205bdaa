import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setDefaultCACertificates } from 'node:tls';
import { createClient } from 'curfew-client';
import { fencePath } from 'curfew-client/protocol';
import { createVerifier } from 'curfew-client/verifier';
import { temporaryFolder } from '../stores/harness.ts';
import { makeCertificates } from '../support/certificates.ts';
import { Nginx, nginxIsInstalled } from '../support/nginx.ts';
import { examples, readPage } from '../support/pages.ts';
import { TestServer } from '../support/server.ts';

describe('behind nginx', { skip: !nginxIsInstalled, timeout: 900_000 }, () => {
  let server: TestServer;
  let nginx: Nginx;
  before(async () => {
    server = await TestServer.start({ CURFEW_TRUST_PROXY: 'loopback' });
    nginx = await Nginx.before(server.url);
  });
  after(async () => {
    await nginx.remove();
    await server.close();
  });

  const get = (path: string, headers: Record<string, string> = {}) =>
    fetch(nginx.url + path, { headers: { authorization: `Bearer ${server.key}`, ...headers } });

  test('N8.11: events arrive as they happen', { timeout: 20_000 }, async () => {
    const gone = new AbortController();
    const stream = await fetch(`${nginx.url}/v1/events`, {
      headers: { authorization: `Bearer ${server.key}`, accept: 'text/event-stream' },
      signal: gone.signal,
    });
    const reader = stream.body!.pipeThrough(new TextDecoderStream()).getReader();
    let told = '';
    while (!told.includes('events follow')) told += (await reader.read()).value;
    await server.createSession('watched');
    while (!told.includes('session.created')) told += (await reader.read()).value;
    gone.abort();
  });

  test('N8.14: the page that shows the API works under its own path, and calls the server there', async () => {
    for (const start of ['/curfew/docs', '/curfew/docs/']) {
      const page = await get(start);
      assert.equal(page.url, `${nginx.url}/curfew/docs/`, start);
      const links = [...(await page.text()).matchAll(/(?:href|src)="([^"]+)"/g)].map(
        ([, link]) => new URL(link!, page.url),
      );
      assert.ok(links.length > 5);
      for (const link of links) assert.equal((await fetch(link)).status, 200, String(link));
    }
    for (const path of ['/curfew/docs/json', '/curfew/openapi.json', '/docs/json', '/openapi.json']) {
      const answer = await get(path);
      const { servers } = (await answer.json()) as { servers: { url: string }[] };
      const base = path.startsWith('/curfew') ? `${nginx.url}/curfew/` : `${nginx.url}/`;
      assert.equal(new URL(servers[0]!.url, answer.url).href, base, path);
    }
  });

  test('the address of a client is the one that nginx saw', async () => {
    const body = JSON.stringify({ username: 'admin', password: 'correct horse battery' });
    const headers = { 'content-type': 'application/json', 'x-forwarded-for': '203.0.113.9' };
    const answer = await fetch(`${nginx.url}/v1/login`, { method: 'POST', headers, body });
    const { session } = (await answer.json()) as { session: { ip: string } };
    // nginx and the client both run on this machine, so both are trusted proxies, and the client may claim anything.
    assert.equal(session.ip, '203.0.113.9');
  });

  test('N8.13: an id with a slash works in a path that is passed on unchanged, and in the body if paths are decoded', async () => {
    const userId = 'team/a b%';
    const path = `/v1/users/${encodeURIComponent(userId)}/sessions`;
    const { session } = await server.createSession(userId);
    const found = (await (await get(path)).json()) as { sessions: { id: string }[] };
    assert.deepEqual(
      found.sessions.map(({ id }) => id),
      [session.id],
    );
    assert.equal((await get(`/curfew${path}`)).status, 404, 'nginx split one part into two');
    const listed = await get(`/curfew/v1/sessions?user=${encodeURIComponent(userId)}`);
    assert.equal(((await listed.json()) as { sessions: unknown[] }).sessions.length, 1);
    const ended = await fetch(`${nginx.url}/curfew/v1/sessions/end-user`, {
      method: 'POST',
      headers: { authorization: `Bearer ${server.key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ userId }),
    });
    assert.equal(((await ended.json()) as { ended: number }).ended, 1);
  });
});

describe('the nginx configuration in docs/operation.md', { skip: !nginxIsInstalled, timeout: 900_000 }, () => {
  const folder = temporaryFolder();
  const [example] = examples('nginx', readPage('docs/operation.md'));
  let server: TestServer;
  let other: TestServer;
  before(async () => {
    makeCertificates(folder.path);
    setDefaultCACertificates([readFileSync(join(folder.path, 'ca.crt'), 'utf8')]);
    server = await TestServer.start({ CURFEW_TRUST_PROXY: 'loopback' }, undefined, 'redis');
    other = await server.another({ CURFEW_TRUST_PROXY: 'loopback' });
  });
  after(async () => {
    folder.remove();
    await other.leave();
    await server.close();
  });

  /** With this machine's ports and files, and without the lines that match. */
  const start = (t: { after(done: () => Promise<void>): void }, without = /^#/) => {
    const starting = Nginx.start(
      (port) =>
        example!
          .split('\n')
          .filter((line) => !without.test(line))
          .join('\n')
          .replace('127.0.0.1:2873', new URL(server.url).host)
          .replace('127.0.0.1:2874', new URL(other.url).host)
          .replace('443', `127.0.0.1:${port}`)
          .replace('/etc/ssl/curfew.example.com.pem', join(folder.path, 'redis.crt'))
          .replace('/etc/ssl/curfew.example.com.key', join(folder.path, 'redis.key')),
      'https',
    );
    t.after(async () => (await starting).remove());
    return starting;
  };

  test('serves requests over TLS, and verifiers attach', async (t) => {
    const { url } = await start(t);
    const { token, session } = await server.createSession('ada');
    const verifier = createVerifier({ url, key: server.key });
    t.after(() => verifier.close());
    assert.equal((await verifier.verify(token)).active, true);
    const client = createClient({ url, token: server.key });
    assert.equal((await client.endSession({ id: session.id })).receipt.everywhere, true);
    assert.equal((await verifier.verify(token)).active, false);
  });

  test('without the header Upgrade, the error of a verifier and that of the server name it', async (t) => {
    const { url } = await start(t, /proxy_set_header (Upgrade|Connection)/);
    const verifier = createVerifier({ url, key: server.key, timeout: 500 });
    t.after(() => verifier.close());
    await assert.rejects(verifier.ready(), { code: 'unreachable', remedy: /`Upgrade`/ });
    const { code, detail } = (await (await fetch(`${url}${fencePath}`)).json()) as Record<string, string>;
    assert.deepEqual([code, detail?.includes('`Upgrade: websocket`')], ['route_not_found', true]);
  });
});
