import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { normalAddress } from '../../src/domain/address.ts';
import { temporaryFolder } from '../stores/harness.ts';
import { TestServer } from '../support/server.ts';

async function started(t: TestContext, env: Record<string, string> = {}): Promise<TestServer> {
  const server = await TestServer.start(env);
  t.after(() => server.close());
  return server;
}

/** The address of a session that is opened by a sign-in with this header. */
async function seen(server: TestServer, forwarded: string): Promise<string> {
  const body = { username: 'admin', password: 'correct horse battery' };
  const headers = { 'x-forwarded-for': forwarded };
  return (await server.call('POST', '/v1/login', body, { as: '', headers })).body.session.ip;
}

test('an address has one form, however it is written', () => {
  const forms: Record<string, string | undefined> = {
    '192.0.2.1': '192.0.2.1',
    '192.0.2.1:4711': '192.0.2.1',
    '::ffff:192.0.2.1': '192.0.2.1',
    '::FFFF:C000:201': '192.0.2.1',
    '[::ffff:192.0.2.1]:4711': '192.0.2.1',
    '2001:DB8:0:0::1': '2001:db8::1',
    '[2001:db8::1]': '2001:db8::1',
    '[2001:db8::1]:4711': '2001:db8::1',
    'fe80::1%eth0': 'fe80::1',
    unknown: undefined,
    '192.0.2.1:': undefined,
    '[192.0.2.1]:80': undefined,
    '192.0.2.1.5': undefined,
    '': undefined,
  };
  for (const [text, form] of Object.entries(forms)) assert.equal(normalAddress(text), form, text);
});

test('without trusted proxies the header is ignored; with one, the client is the address that it names, in one form', async (t) => {
  const none = await started(t);
  assert.equal(await seen(none, '203.0.113.9'), '127.0.0.1');
  const trusting = await started(t, { CURFEW_TRUST_PROXY: 'loopback,10.0.0.0/8' });
  assert.equal(await seen(trusting, '203.0.113.9'), '203.0.113.9');
  assert.equal(await seen(trusting, '203.0.113.9:4711, 10.0.0.1:80'), '203.0.113.9', 'a trusted address with a port');
  assert.equal(await seen(trusting, '203.0.113.9, ::ffff:10.0.0.1'), '203.0.113.9');
  assert.equal(
    await seen(trusting, '1.1.1.1, [2001:DB8::9]:4711'),
    '2001:db8::9',
    'anybody may have written what precedes it',
  );
  assert.equal(await seen(trusting, 'unknown, 10.0.0.1'), '10.0.0.1', 'the last valid address');
});

test('a number of proxies trusts that many, whatever their addresses', async (t) => {
  const server = await started(t, { CURFEW_TRUST_PROXY: '2' });
  assert.equal(await seen(server, '1.1.1.1, 203.0.113.9, 198.51.100.1'), '203.0.113.9');
});

test('N8.5: an address from an application is stored in its one form, and found in any form', async (t) => {
  const server = await started(t);
  const { session } = await server.createSession('ada', { ip: '[::ffff:192.0.2.7]:4711' });
  assert.equal(session.ip, '192.0.2.7');
  await server.createSession('ada', { ip: '2001:DB8:0:0::7' });
  const found = async (ip: string) => {
    const { body } = await server.call('GET', `/v1/sessions?ip=${encodeURIComponent(ip)}`);
    return body.sessions.map((one: { ip: string }) => one.ip);
  };
  for (const text of ['192.0.2.7', '192.0.2.7:80', '::ffff:192.0.2.7'])
    assert.deepEqual(await found(text), ['192.0.2.7']);
  for (const text of ['2001:db8::7', '[2001:0db8::0007]:80']) assert.deepEqual(await found(text), ['2001:db8::7']);
});

test('N8.5: attempts from one address count together, however it is written', async (t) => {
  const server = await started(t, { CURFEW_TRUST_PROXY: 'loopback', CURFEW_ADDRESS_ATTEMPTS: '3/15m' });
  const forms = ['203.0.113.9', '203.0.113.9:1', '::ffff:203.0.113.9', '[::ffff:203.0.113.9]:2'];
  const codes = [];
  for (const [i, form] of forms.entries()) {
    const options = { as: '', headers: { 'x-forwarded-for': form } };
    codes.push((await server.call('POST', '/v1/login', { username: `u${i}`, password: 'x' }, options)).status);
  }
  assert.deepEqual(codes, [401, 401, 401, 429]);
});

test('N8.12: one warning says that all clients seem to come from one proxy that is not trusted', async (t) => {
  const folder = temporaryFolder();
  t.after(() => folder.remove());
  const path = join(folder.path, 'log');
  const warned = () => readFileSync(path, 'utf8').match(/CURFEW_TRUST_PROXY: all clients[^"]*/g) ?? [];
  const server = await started(t, { CURFEW_LOG_FILE: path, CURFEW_LOG_LEVEL: 'warn' });
  const ask = (i: number) =>
    server.call('GET', '/healthz', undefined, { headers: { 'x-forwarded-for': `192.0.2.${i}` } });
  for (let i = 0; i < 19; i++) await ask(i);
  // A probe without a proxy changes nothing.
  await server.call('GET', '/healthz');
  assert.deepEqual(warned(), []);
  for (let i = 0; i < 30; i++) await ask(i);
  while (warned().length === 0) await setImmediate();
  assert.equal(warned().length, 1);
  assert.match(warned()[0]!, /come from 127\.0\.0\.1, .* set CURFEW_TRUST_PROXY=127\.0\.0\.1\.$/);
});
