import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { type FromNode, type FromVerifier, protocolVersion } from 'curfew-client/protocol';
import fc from 'fast-check';
import { limits } from '../../src/domain/limits.ts';
import { createFence, type ProcessFence } from '../../src/fence/index.ts';
import type { FencePorts } from '../../src/fence/ports.ts';
import { Backlog } from '../../src/http/fence.ts';
import { oldSecret } from '../support/alias-tests.ts';
import { attachRaw } from '../support/raw-verifier.ts';
import { TestServer } from '../support/server.ts';
import { steps } from './steps.ts';

const settle = async () => {
  for (let i = 0; i < 5; i++) await new Promise(setImmediate);
};

/** The fence of a process, over a store whose log is empty. */
async function fence(t: TestContext, verifyFromStore?: FencePorts['verifyFromStore']): Promise<ProcessFence> {
  const head = { sequence: 0, mark: '', incarnation: 'one', now: 0 };
  const started = await createFence({
    store: {
      logHead: async () => head,
      readLog: async () => [],
      renewNode: async () => head,
      listNodes: async () => ({ nodes: [], follows: true, incarnation: 'one', confirmed: true }),
      removeNode: async () => {},
      confirmIncarnation: async () => {},
    },
    timing: steps().timing,
    newId: () => 'node',
    verifyFromStore: verifyFromStore ?? (async () => ({ active: false, reason: 'unknown' })),
    now: () => 0,
    lastSeen: () => 0,
    noteUse: () => {},
    admit: async (key) => ({ id: key, name: key }),
    lease: 1000,
    assumedLease: 1000,
    capacity: 10,
    onError: () => {},
  });
  t.after(() => started.node.abandon());
  return started;
}

/** A verifier's end of a stream. `queued`: what the network has not taken. */
class Peer {
  readonly heard: FromNode[] = [];
  readonly #handler: ReturnType<ProcessFence['attach']>;
  readonly network: string;
  queued = 0;
  isClosed = false;

  constructor(there: ProcessFence, network = '192.0.2.1') {
    this.network = network;
    this.#handler = there.attach(this);
  }

  send(message: FromNode): void {
    this.heard.push(message);
  }

  sendText(text: string): void {
    this.send(JSON.parse(text) as FromNode);
  }

  close(): void {
    this.isClosed = true;
  }

  say(message: FromVerifier): void {
    this.#handler.receive(JSON.stringify(message));
  }

  hello(key: string, holder: string = crypto.randomUUID()): this {
    this.say({ type: 'hello', version: protocolVersion, key, holder });
    return this;
  }

  leave(): void {
    this.isClosed = true;
    this.#handler.closed();
  }

  get last(): unknown {
    const message = this.heard.at(-1);
    return message?.type === 'refused' ? [message.trouble.code, message.trouble.detail] : message?.type;
  }
}

test('N3.13: one key has a limited number of places on a server; it keeps those that it has, and another key is served', async (t) => {
  const there = await fence(t);
  const ofKey = Array.from({ length: limits.verifiersOfKey }, (_, i) =>
    new Peer(there, `net ${i}`).hello('shop', `${i}`),
  );
  await settle();
  assert.ok(ofKey.every(({ last }) => last === 'welcome'));
  const excess = new Peer(there, 'another').hello('shop');
  await settle();
  const why = `The key named shop has ${limits.verifiersOfKey} verifiers attached to this server.`;
  assert.deepEqual([excess.isClosed, excess.last], [true, ['too_many_streams', why]]);
  // The same process, which has lost its stream and opens another.
  const again = new Peer(there, 'another').hello('shop', '7');
  const other = new Peer(there, 'another').hello('desk');
  await settle();
  assert.deepEqual([again.last, other.last, ofKey[7]!.isClosed], ['welcome', 'welcome', true]);
  ofKey[8]!.leave();
  const next = new Peer(there, 'another').hello('shop');
  await settle();
  assert.equal(next.last, 'welcome');
  assert.equal(there.node.verifiers, limits.verifiersOfKey + 1);
});

test('N3.13: one address has a limited number of places, with any keys, also before its keys have been checked', async (t) => {
  const there = await fence(t);
  const most = limits.verifiersOfAddress;
  const here = Array.from({ length: most }, (_, i) => new Peer(there).hello(`key ${i}`));
  await Promise.resolve();
  const excess = new Peer(there).hello('another');
  const elsewhere = new Peer(there, '192.0.2.2').hello('another');
  await settle();
  assert.ok(here.every(({ last }) => last === 'welcome'));
  const why = `The network 192.0.2.1 has ${most} verifiers attached to this server.`;
  assert.deepEqual([excess.isClosed, excess.last], [true, ['too_many_streams', why]]);
  assert.equal(elsewhere.last, 'welcome');
  here[0]!.leave();
  const next = new Peer(there).hello('another');
  await settle();
  assert.equal(next.last, 'welcome');
});

test('N3.13: the places are enough for large applications behind one address, and for several of them', () => {
  const processes = 200;
  assert.ok(limits.verifiersOfKey >= 2 * processes, 'all of them restart, and the old ones have not been missed yet');
  assert.ok(limits.verifiersOfAddress >= 2 * limits.verifiersOfKey);
  const page = readFileSync(new URL('../../../../docs/verifier.md', import.meta.url), 'utf8');
  for (const number of [limits.verifiersOfKey, limits.verifiersOfAddress])
    assert.match(page, new RegExp(`${number.toLocaleString('en')} verifiers`));
});

for (const [what, message] of Object.entries({
  'a lease': { type: 'renew', ask: 1, seen: [] },
  'an answer': { type: 'ask', question: 1, token: 'cfs_x' },
  'an error': { type: 'ask', question: 1, token: 'cfs_fails' },
} satisfies Record<string, FromVerifier>)) {
  test(`N3.13: a verifier that asks and does not read is cut off when ${what} would have to wait as well`, async (t) => {
    const there = await fence(t, async (token) => {
      if (token === 'cfs_fails') throw new Error('the store is down');
      return { active: false, reason: 'unknown' };
    });
    const reads = new Peer(there).hello('shop');
    const deaf = new Peer(there).hello('shop');
    await settle();
    deaf.queued = 4 * 1024 * 1024 + 1;
    for (const one of [reads, deaf]) one.say(message);
    await settle();
    assert.deepEqual([reads.isClosed, deaf.isClosed], [false, true]);
    assert.equal(there.statistics().dropped, 1);
  });
}

test('N3.13: what waits on all streams together is limited too: of those that wait, the stream with the most is cut off', () => {
  const operation = fc.record({ stream: fc.nat(4), bytes: fc.integer({ min: 1, max: 60 }), isTaken: fc.boolean() });
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
      const most = 100;
      const backlog = new Backlog(most);
      const streams = Array.from({ length: 5 }, () => ({
        waiting: [] as { bytes: number; taken: () => void }[],
        isClosed: false,
        terminate() {
          assert.ok(streams.every((other) => other.isClosed || backlog.of(other) <= sum(this)));
          this.isClosed = true;
        },
      }));
      const sum = ({ waiting }: (typeof streams)[number]) => waiting.reduce((all, { bytes }) => all + bytes, 0);
      for (const { stream: at, bytes, isTaken } of operations) {
        const stream = streams[at]!;
        if (isTaken) stream.waiting.shift()?.taken();
        else if (!stream.isClosed) {
          const entry = { bytes, taken: () => {} };
          stream.waiting.push(entry);
          entry.taken = backlog.add(stream, bytes);
        }
        const open = streams.filter(({ isClosed }) => !isClosed);
        for (const one of streams) assert.equal(backlog.of(one), one.isClosed ? 0 : sum(one));
        assert.ok(open.reduce((all, one) => all + sum(one), 0) <= most);
        // Nobody is cut off who has less than an equal part.
        for (const one of streams) if (one.isClosed) assert.ok(sum(one) + 60 * 5 > most / streams.length);
      }
    }),
  );
});

test('N3.13: a server closes the stream of a verifier that asks and never reads', { timeout: 120_000 }, async (t) => {
  const server = await TestServer.start();
  t.after(() => server.close());
  const { alias, hashed } = oldSecret();
  const data = JSON.stringify({ filling: 'x'.repeat(60_000) });
  await server.call('PUT', '/v1/sessions/data', { alias: hashed, userId: 'ada', data });
  const reads = await attachRaw(server.url, server.key);
  const deaf = await attachRaw(server.url, server.key);
  const dropped = async () =>
    Number(/^curfew_fence_dropped_total (\d+)$/m.exec((await server.call('GET', '/metrics')).body)?.[1]);
  const before = await dropped();
  deaf.socket.pause();
  for (let question = 1; question <= 800; question++) deaf.say({ type: 'ask', question, alias });
  while ((await dropped()) === before) await settle();
  reads.say({ type: 'ask', question: 1, alias });
  assert.ok((await reads.hear('answer')).answer.active);
  for (const { socket } of [deaf, reads]) socket.terminate();
});
