import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { systemTiming } from 'curfew-client/fence';
import { type FromNode, type FromVerifier, protocolVersion } from 'curfew-client/protocol';
import type { KeyId, SessionId } from '../../src/domain/brand.ts';
import { CurfewError } from '../../src/errors.ts';
import { ProcessFence } from '../../src/fence/index.ts';
import type { Admitted } from '../../src/fence/ports.ts';
import { logout, note, StoreFixture, start } from '../../src/stores/conformance/harness.ts';
import { openLmdbStore } from '../../src/stores/lmdb/index.ts';
import { temporaryFolder } from '../stores/harness.ts';

/*
 * Which stream belongs to which key, and what happens to it when the key is revoked. The node and the store are real;
 * the test decides when the store's answer about a key arrives. This file finds the mutants in
 * `simulation/mutants.ts` that name it.
 */
const long = 30_000;
/** A lease that the test waits to run out; long enough for a busy machine to do a test's work in it. */
const short = 1500;

/** The other end of a stream. */
class Peer {
  readonly heard: FromNode[] = [];
  readonly #handler: { receive(text: string): void; closed(): void };
  #wake: () => void = () => {};
  closed = false;

  constructor(fence: ProcessFence) {
    const hear = (message: FromNode) => {
      this.heard.push(message);
      this.#wake();
    };
    this.#handler = fence.attach({
      send: hear,
      sendText: (text) => hear(JSON.parse(text) as FromNode),
      queued: 0,
      network: '192.0.2.1',
      close: () => {
        this.closed = true;
        this.#wake();
      },
    });
  }

  say(message: FromVerifier): void {
    this.#handler.receive(JSON.stringify(message));
  }

  async hear<Type extends FromNode['type']>(type: Type): Promise<Extract<FromNode, { type: Type }>> {
    for (;;) {
      const found = this.heard.find((message) => message.type === type);
      if (found) return this.heard.splice(this.heard.indexOf(found), 1)[0] as Extract<FromNode, { type: Type }>;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async leased(): Promise<void> {
    this.say({ type: 'renew', ask: 1, seen: [] });
    await this.hear('grant');
  }
}

async function fixture(t: TestContext, lease: number = long) {
  const folder = temporaryFolder();
  const store = await openLmdbStore(folder.path);
  const words = new StoreFixture({ store, dispose: async () => {} });
  // It is new: no leases from before exist.
  await store.confirmIncarnation((await store.logHead()).incarnation);
  const used: string[] = [];
  const admissions: { token: string; answer(admitted: Admitted | CurfewError): void }[] = [];
  let byHand = false;
  let asked: () => void = () => {};
  const fence = new ProcessFence({
    store,
    timing: systemTiming(),
    newId: () => crypto.randomUUID(),
    // In these tests a session's token is its id.
    async verifyFromStore(token) {
      const found = await store.readSession(String(token).slice(4, 26) as SessionId);
      if (!found || found.stored.end) return { active: false, reason: 'unknown' };
      return { active: true, stored: found.stored };
    },
    now: () => start,
    lastSeen: ({ lastSeenAt }) => lastSeenAt,
    noteUse: (id) => void used.push(id),
    admit(token) {
      if (!byHand) return Promise.resolve({ id: token, name: token });
      return new Promise((resolve, reject) => {
        const answer = (admitted: Admitted | CurfewError) =>
          admitted instanceof CurfewError ? reject(admitted) : resolve(admitted);
        admissions.push({ token, answer });
        asked();
      });
    },
    lease,
    assumedLease: lease,
    capacity: 100,
    onError: assert.fail,
  });
  const peers: Peer[] = [];
  t.after(async () => {
    // A closing node waits for what it has granted.
    for (const peer of peers) peer.say({ type: 'bye' });
    await fence.close();
    await store.close();
    folder.remove();
  });
  type More = { holder?: string; name?: string };
  const hello = (key: string, more: More = {}): Peer => {
    const peer = new Peer(fence);
    peers.push(peer);
    peer.say({ type: 'hello', version: protocolVersion, key, holder: crypto.randomUUID(), ...more });
    return peer;
  };
  return {
    fence,
    store,
    used,
    hello,
    admissions,
    words,
    byHand() {
      byHand = true;
    },
    /** Resolves when the store is asked about a key. */
    async admission() {
      while (admissions.length === 0) {
        await new Promise<void>((resolve) => {
          asked = resolve;
        });
      }
      return admissions.shift()!;
    },
    async attached(key: string, more: More = {}): Promise<Peer> {
      const peer = hello(key, more);
      await peer.hear('welcome');
      return peer;
    },
    /** A session that some of the verifiers know. */
    async session(...knowing: Peer[]) {
      const session = await words.create();
      for (const peer of knowing) {
        peer.say({ type: 'ask', question: 1, token: tokenOf(session.id) });
        await peer.hear('answer');
      }
      return session;
    },
    async end(id: SessionId) {
      const outcome = await store.endSession(id, logout());
      assert.ok(outcome.kind === 'ended');
      return fence.awaitEverywhere(outcome.end.sequence, 'everywhere');
    },
    async revoke(id: string) {
      const { sequence } = (await store.revokeKey(id as KeyId, start, note('key.revoked')))!;
      return { sequence, settled: fence.awaitEverywhere(sequence, 'everywhere') };
    },
  };
}

const tokenOf = (id: string) => `cfs_${id}${'0'.repeat(49)}`;

test('R5: the store is asked about a key only once the tail begins: no change would correct an earlier answer', async (t) => {
  const { fence, byHand, hello, admissions, admission } = await fixture(t);
  byHand();
  const peer = hello('k');
  await new Promise(setImmediate);
  assert.equal(admissions.length, 0);
  await fence.start();
  (await admission()).answer({ id: 'k', name: 'k' });
  await peer.hear('welcome');
});

test('N2.2: R23: if a key is revoked while the store is asked about it, the store is asked again', async (t) => {
  const { fence, byHand, hello, admission, words, revoke } = await fixture(t);
  await fence.start();
  byHand();
  const { id } = await words.createKey();
  const peer = hello(id);
  const first = await admission();
  const other = hello(id);
  const second = await admission();
  // Both answers were read before this.
  await (await revoke(id)).settled;
  for (const { answer } of [first, second]) answer({ id, name: 'k' });
  const letIn = Promise.race([peer.hear('welcome'), other.hear('welcome')]).then(() =>
    assert.fail('an earlier read let it in'),
  );
  for (const _ of [1, 2]) (await Promise.race([admission(), letIn])).answer(new CurfewError('key_revoked'));
  for (const one of [peer, other]) {
    assert.equal((await one.hear('refused')).trouble.code, 'key_revoked');
    assert.ok(one.closed);
  }
});

test('R23: a stream is told to drop everything when its key is revoked, and the revocation waits until it has', async (t) => {
  const { fence, words, attached, session, revoke } = await fixture(t);
  await fence.start();
  const [own, others] = [await words.createKey(), await words.createKey()];
  const [peer, other] = [await attached(own.id), await attached(others.id)];
  const { id } = await session(peer, other);
  for (const one of [peer, other]) await one.leased();
  let returned = false;
  const { sequence, settled } = await revoke(own.id);
  void settled.then(() => {
    returned = true;
  });
  assert.deepEqual((await peer.hear('changes')).changes, [{ sequence, all: true }]);
  assert.equal((await peer.hear('refused')).trouble.code, 'key_revoked');
  assert.ok(peer.closed);
  assert.equal(returned, false, 'it returned although the verifier could still answer from memory');
  // Nothing that it still sends is answered.
  peer.say({ type: 'ask', question: 2, token: tokenOf(id) });
  peer.say({ type: 'renew', ask: 2, seen: [] });
  peer.say({ type: 'ack', sequence });
  const { by, verifiers } = await settled;
  assert.deepEqual([by, verifiers], ['acks', { acknowledged: 1, expired: 0 }]);
  assert.deepEqual(peer.heard, []);
  assert.deepEqual([other.closed, other.heard], [false, []], 'another key was affected');
});

test('R23: an ack of an earlier change does not acknowledge the revocation, which waits for a silent stream', async (t) => {
  const { fence, store, words, attached, session, revoke } = await fixture(t, short);
  await fence.start();
  const { id: key } = await words.createKey();
  const peer = await attached(key, { name: 'mute' });
  const { id } = await session(peer);
  await peer.leased();
  const outcome = await store.endSession(id, logout());
  assert.ok(outcome.kind === 'ended');
  assert.equal((await peer.hear('changes')).changes[0]!.sequence, outcome.end.sequence);
  const { settled } = await revoke(key);
  await peer.hear('refused');
  // It was sent before the verifier heard of the revocation.
  peer.say({ type: 'ack', sequence: outcome.end.sequence });
  const { by, verifiers } = await settled;
  assert.deepEqual([by, verifiers], ['timeout', { acknowledged: 0, expired: 1, waitedFor: ['mute'] }]);
});

test('N2.7: R8: a hello with the same holder and another key releases nothing and disconnects nobody', async (t) => {
  const { fence, attached, session, end } = await fixture(t, short);
  await fence.start();
  const holder = crypto.randomUUID();
  const victim = await attached('one', { holder, name: 'shop' });
  const { id } = await session(victim);
  await victim.leased();
  const stranger = await attached('other', { holder });
  assert.equal(victim.closed, false);
  const ending = end(id);
  assert.equal((await victim.hear('changes')).changes.length, 1, 'it no longer hears of changes');
  assert.deepEqual((await ending).verifiers, { acknowledged: 0, expired: 1, waitedFor: ['shop'] });
  assert.equal(stranger.closed, false);
  const again = await attached('one', { holder });
  assert.equal(victim.closed, true, 'its own next hello replaces it');
  assert.equal(again.closed, false);
});

test("N2.7: a verifier's name belongs to the key that used it first, until that key is revoked", async (t) => {
  const { fence, words, attached, session, end, revoke } = await fixture(t, short);
  await fence.start();
  const [first, second] = [await words.createKey(), await words.createKey()];
  const waitedFor = async (peer: Peer) => {
    const { id } = await session(peer);
    await peer.leased();
    return (await end(id)).verifiers.waitedFor;
  };
  assert.deepEqual(await waitedFor(await attached(first.id, { name: 'shop' })), ['shop']);
  assert.deepEqual(await waitedFor(await attached(second.id, { name: 'shop' })), [`shop (key ${second.id})`]);
  assert.deepEqual(await waitedFor(await attached(first.id, { name: 'shop' })), ['shop']);
  await (await revoke(first.id)).settled;
  assert.deepEqual(await waitedFor(await attached(second.id, { name: 'shop' })), ['shop']);
});

test('N2.6: a stream can report activity only for sessions that it was told are active', async (t) => {
  const { fence, words, attached, session, used } = await fixture(t);
  await fence.start();
  const [peer, other] = [await attached('one'), await attached('one')];
  const own = await session(peer);
  const others = await session(other);
  const unknown = await words.create();
  // It asked about this one, which is not active.
  peer.say({ type: 'ask', question: 2, token: tokenOf('0'.repeat(22)) });
  assert.equal((await peer.hear('answer')).answer.active, false);
  const seen = [own.id, others.id, unknown.id, '0'.repeat(22)].map((id) => [id, start] as const);
  peer.say({ type: 'renew', ask: 1, seen });
  await peer.hear('grant');
  assert.deepEqual(used, [own.id]);
});
