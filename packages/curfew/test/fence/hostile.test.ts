import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { protocolVersion } from 'curfew-client/protocol';
import { createVerifier } from 'curfew-client/verifier';
import { WebSocket } from 'ws';
import { SilentStreams } from '../../src/http/fence.ts';
import { attachRaw, type RawVerifier, rawVerifier } from '../support/raw-verifier.ts';
import { type Json, TestServer } from '../support/server.ts';

/*
 * Verifiers that are broken, outdated, mute, greedy or numerous: a server answers them with a named error or a bounded
 * wait, never with unbounded memory.
 */
const lease = 2000;
/** A lease and its margin, with a tenth more for a busy machine. */
const longest = (lease * 1.2 + 50) * 1.1 + 100;

let server: TestServer;
before(async () => {
  server = await TestServer.start({ CURFEW_LEASE_MS: String(lease) });
});
after(() => server.close());

const raw = () => rawVerifier(server.url);
const attached = (name?: string) => attachRaw(server.url, server.key, { name });

let questions = 0;

/** The receipt of an end of a session that some verifiers know. */
async function end(...knowing: RawVerifier[]): Promise<Json> {
  const { session, token } = await server.createSession();
  for (const { say, hear } of knowing) {
    say({ type: 'ask', question: ++questions, token });
    assert.ok((await hear('answer')).answer.active);
  }
  return (await server.call('DELETE', `/v1/sessions/${session.id}`)).body.receipt;
}

test('an old version of the protocol is refused with its own error', async () => {
  const old = await raw();
  old.say({ type: 'hello', version: 0, key: server.key, holder: 'x' });
  const { trouble } = await old.hear('refused');
  assert.equal(trouble.code, 'fence_version');
  assert.match(trouble.detail, /version 0.* 1/);
  await once(old.socket, 'close');
});

for (const [what, say] of Object.entries({
  'text that is not JSON': '{',
  'a message of an unknown kind': { type: 'hullo' },
  'a question before its hello': { type: 'ask', question: 1, token: 'x' },
  'a sequence that is not a number': { type: 'ack', sequence: 'all' },
  null: 'null',
})) {
  test(`${what} is refused with an error, and the stream is closed`, async () => {
    const broken = await raw();
    broken.say(say);
    assert.equal((await broken.hear('refused')).trouble.code, 'fence_protocol');
    await once(broken.socket, 'close');
  });
}

test('a verifier that acknowledges what was never sent is disconnected, and counts as not having acknowledged', async () => {
  const liar = await attached('liar');
  const { session, token } = await server.createSession();
  liar.say({ type: 'ask', question: 1, token });
  await liar.hear('answer');
  liar.say({ type: 'renew', ask: 1, seen: [] });
  await liar.hear('grant');
  liar.say({ type: 'ack', sequence: 1_000_000 });
  assert.equal((await liar.hear('refused')).trouble.code, 'fence_protocol');
  const { receipt } = (await server.call('DELETE', `/v1/sessions/${session.id}`)).body;
  const verifiers = { acknowledged: 0, expired: 1, waitedFor: ['liar'] };
  assert.deepEqual([receipt.everywhere, receipt.verifiers], [true, verifiers]);
});

test('R22: an end does not wait for verifiers that never knew the session; a wider end waits for those that may know one', async () => {
  const mute = await attached('mute');
  mute.say({ type: 'renew', ask: 1, seen: [] });
  await mute.hear('grant');
  const receipt = await end();
  assert.deepEqual([receipt.by, receipt.verifiers], ['acks', { acknowledged: 0, expired: 0 }]);
  const { token } = await server.createSession('grace');
  mute.say({ type: 'ask', question: 1, token });
  await mute.hear('answer');
  mute.say({ type: 'renew', ask: 2, seen: [] });
  await mute.hear('grant');
  const { body: other } = await server.call('DELETE', '/v1/users/somebody/sessions');
  assert.equal(other.receipt.by, 'acks');
  const { body } = await server.call('DELETE', '/v1/users/grace/sessions');
  assert.deepEqual(body.receipt.verifiers, { acknowledged: 0, expired: 1, waitedFor: ['mute'] });
  mute.socket.terminate();
});

test('a verifier that makes ends wait for its lease gets shorter leases, and delays later ends less', async () => {
  const slow = await attached('slow');
  const { hear, say } = slow;
  const lengths: number[] = [];
  for (let ask = 1; ask <= 2; ask++) {
    say({ type: 'renew', ask, seen: [] });
    lengths.push((await hear('grant')).length);
    assert.deepEqual((await end(slow)).verifiers.waitedFor, ['slow']);
  }
  assert.ok(lengths[0]! > lease / 2 && lengths[1]! <= lease / 2, `they were ${lengths.join(', ')} ms`);
  slow.socket.terminate();
});

test('R9: a verifier that renews and never acknowledges delays an end no longer than a lease with its margin', async () => {
  const mute = await attached();
  let ask = 0;
  const renewing = setInterval(() => mute.say({ type: 'renew', ask: ++ask, seen: [] }), lease / 8);
  await mute.hear('grant');
  for (let i = 0; i < 3; i++) {
    const receipt = await end(mute);
    assert.ok(receipt.waitedMs <= longest, `it waited ${receipt.waitedMs} ms`);
    assert.deepEqual([receipt.everywhere, receipt.by], [true, 'timeout']);
  }
  clearInterval(renewing);
  mute.socket.terminate();
});

test('R8: an end waits for a verifier that vanished until its lease has run out, and no longer', async () => {
  const gone = await attached();
  gone.say({ type: 'renew', ask: 1, seen: [] });
  await gone.hear('grant');
  gone.socket.terminate();
  const receipt = await end();
  assert.ok(receipt.waitedMs <= longest);
  assert.equal((await end()).by, 'acks', 'the second end waited too');
});

test('R8: a hello that arrives late, on an abandoned stream, releases nothing', async () => {
  const holder = crypto.randomUUID();
  const hello = { type: 'hello', version: protocolVersion, key: server.key, holder };
  const [left, present] = [await raw(), await raw()];
  present.say(hello);
  await present.hear('welcome');
  present.say({ type: 'renew', ask: 1, seen: [] });
  await present.hear('grant');
  const closed = once(left.socket, 'close');
  left.say(hello);
  await closed;
  const receipt = await end(present);
  assert.deepEqual(receipt.verifiers, { acknowledged: 0, expired: 1, waitedFor: ['unnamed'] });
  assert.equal(receipt.by, 'timeout');
  assert.equal((await present.hear('changes')).changes.length, 1);
  present.socket.terminate();
});

test('in a storm of changes a verifier that does not read is disconnected, and one that does hears of every change', async () => {
  const deaf = await attached();
  deaf.socket.pause();
  const good = createVerifier({ url: server.url, key: server.key });
  const opened = await Promise.all(Array.from({ length: 300 }, (_, i) => server.createSession(`storm ${i}`)));
  for (const { token } of opened) assert.ok((await good.verify(token)).active);
  await Promise.all(opened.map(({ session }) => server.call('DELETE', `/v1/sessions/${session.id}`)));
  for (const { token } of opened) assert.equal(good.check(token), undefined);
  assert.equal(good.statistics().sessions, 0);
  good.close();
  deaf.socket.terminate();
});

test('N3.3: silent streams have few places, and keep out nobody who says hello', async (t) => {
  const speaks = await attached();
  const mute = await Promise.all(Array.from({ length: 100 }, () => raw()));
  t.after(() => {
    for (const { socket } of [speaks, ...mute]) socket.terminate();
  });
  const gone = once(mute[0]!.socket, 'close');
  const next = await attached();
  t.after(() => next.socket.terminate());
  await gone;
  assert.deepEqual(mute.filter(({ socket }) => socket.readyState !== WebSocket.OPEN).length, 1);
  assert.equal(speaks.socket.readyState, WebSocket.OPEN);
});

test('N3.3: the oldest silent stream is closed: of the address that has too many, or of all', () => {
  const silent = new SilentStreams({ ofAddress: 2, inAll: 3 });
  const gone: string[] = [];
  const add = (name: string, address: string) => silent.add(address, { terminate: () => gone.push(name) });
  const spoken = add('b1', 'b');
  add('a1', 'a');
  add('a2', 'a');
  add('a3', 'a');
  assert.deepEqual(gone, ['a1'], 'the oldest of its address');
  spoken();
  spoken();
  assert.equal(silent.size, 2);
  add('c1', 'c');
  add('d1', 'd');
  assert.deepEqual(gone, ['a1', 'a2'], 'the oldest of all');
  add('a4', 'a');
  assert.deepEqual(gone, ['a1', 'a2', 'a3']);
  assert.equal(silent.size, 3);
});

test('a verifier that has sent nothing for ten leases, and for half a minute at least, is disconnected', {
  timeout: 60_000,
}, async (t) => {
  for (const [ms, quiet] of [
    [lease, 30_000],
    [5000, 50_000],
  ] as const) {
    t.mock.timers.enable({ apis: ['setInterval'] });
    const there = await TestServer.start({ CURFEW_LEASE_MS: String(ms) });
    const attach = () => attachRaw(there.url, there.key);
    const [speaks, gone] = [await attach(), await attach()];
    t.after(async () => {
      speaks.say({ type: 'bye' });
      await there.close();
    });
    const closed = once(gone.socket, 'close');
    /** Time passes, and one of them renews its lease. */
    const pass = async (time: number) => {
      for (let passed = 0; passed < time; passed += 1000) {
        t.mock.timers.tick(1000);
        speaks.say({ type: 'renew', ask: passed, seen: [] });
        await speaks.hear('grant');
      }
    };
    await pass(quiet);
    assert.equal(gone.socket.readyState, WebSocket.OPEN);
    await pass(quiet / 10);
    await closed;
    assert.equal(speaks.socket.readyState, WebSocket.OPEN);
    t.mock.timers.reset();
  }
});

test('a thousand verifiers attach, and an end gets an answer from each', async (t) => {
  // With leases as short as in the other tests, a busy machine would only renew them.
  const large = await TestServer.start({ CURFEW_LEASE_MS: '2000' });
  const many = Array.from({ length: 1000 }, () => createVerifier({ url: large.url, key: large.key, timeout: 120_000 }));
  t.after(async () => {
    for (const verifier of many) verifier.close();
    await large.close();
  });
  const { session, token } = await large.createSession();
  for (const { active } of await Promise.all(many.map((verifier) => verifier.verify(token)))) assert.ok(active);
  const { receipt } = (await large.call('DELETE', `/v1/sessions/${session.id}`)).body;
  assert.equal(receipt.everywhere, true);
  assert.equal(receipt.verifiers.acknowledged + receipt.verifiers.expired, 1000);
});

test('other paths accept no WebSocket', async () => {
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/v1/other`);
  const [error] = (await once(socket, 'error')) as [Error];
  assert.match(error.message, /404/);
});
