import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Timing } from 'curfew-client/fence';
import { createFence, ProcessFence } from '../../src/fence/index.ts';
import { FenceNode } from '../../src/fence/node.ts';
import type { FencePorts, FenceStore } from '../../src/fence/ports.ts';
import type { LogEntry, LogHead } from '../../src/stores/contract.ts';
import { steps } from './steps.ts';

const lease = 1000;
const settle = async () => {
  for (let i = 0; i < 5; i++) await new Promise(setImmediate);
};

/** A store whose log has one entry, with answers given by hand, and what a node needs besides. */
function around(store: Partial<FenceStore>) {
  const { timing, move } = steps();
  const pending = new Set<object>();
  const counted: Timing = {
    ...timing,
    after(milliseconds, work) {
      const entry = {};
      pending.add(entry);
      const cancel = timing.after(milliseconds, () => {
        pending.delete(entry);
        work();
      });
      return () => {
        pending.delete(entry);
        cancel();
      };
    },
  };
  const log = { mark: 'first', incarnation: 'one' };
  const head = (): LogHead => ({ sequence: 1, mark: log.mark, incarnation: log.incarnation, now: 0 });
  const ids: string[] = [];
  const ports: FencePorts = {
    store: {
      logHead: async () => head(),
      readLog: async () => [{ sequence: 1, mark: log.mark, all: true } as unknown as LogEntry],
      renewNode: async () => head(),
      listNodes: async () => ({ nodes: [], follows: true, incarnation: log.incarnation, confirmed: true, now: 0 }),
      removeNode: async () => {},
      confirmIncarnation: async () => {},
      ...store,
    },
    timing: counted,
    newId() {
      ids.push(`node ${ids.length + 1}`);
      return ids.at(-1)!;
    },
    verifyFromStore: async () => ({ active: false, reason: 'unknown' }),
    now: () => 0,
    lastSeen: () => 0,
    noteUse: () => {},
    admit: async (token) => ({ id: token, name: token }),
    lease,
    assumedLease: lease,
    capacity: 10,
    onError: () => {},
  };
  return { ports, log, ids, pending, move, head };
}

test('a node that is lost during its first renewal leaves nothing behind that runs', async () => {
  const { ports, pending } = around({ renewNode: async () => ({ ...head(), incarnation: 'two' }) });
  const head = (): LogHead => ({ sequence: 1, mark: 'first', incarnation: 'one', now: 0 });
  const lost: string[] = [];
  const node = new FenceNode(ports, {
    onLowWatermark: () => {},
    onBegin: () => {},
    onEntries: () => {},
    onLapse: () => {},
    onLost: (reason) => lost.push(reason),
  });
  await node.start();
  assert.deepEqual(lost, ['store_incarnation']);
  assert.equal(pending.size, 0);
});

test('a first start that fails leaves nothing behind that runs, or that reads the log of a store that is closed', async () => {
  let reads = 0;
  const { ports, pending, move } = around({
    readLog: async () => {
      reads += 1;
      return [];
    },
    renewNode: () => Promise.reject(new Error('the connection was lost')),
  });
  await assert.rejects(createFence(ports), /the connection was lost/);
  await settle();
  const before = reads;
  for (let at = 100; at < 5000; at += 100) {
    move(at);
    await settle();
  }
  assert.deepEqual([pending.size, reads], [0, before]);
});

test('a first start that fails after another node took its place leaves that one behind neither', async () => {
  let fail = () => {};
  const { ports, log, ids, pending, move, head } = around({
    renewNode: ({ id }) =>
      id.startsWith('node 1')
        ? new Promise((_, reject) => {
            fail = () => reject(new Error('the connection was lost'));
          })
        : Promise.resolve(head()),
  });
  const started = createFence(ports);
  await settle();
  log.mark = 'second';
  for (let at = 100; ids.length < 2; at += 100) {
    move(at);
    await settle();
  }
  fail();
  await assert.rejects(started, /the connection was lost/);
  await settle();
  assert.deepEqual([ids.length, pending.size], [2, 0]);
});

test('a start that fails after another node took its place starts no third one', async () => {
  const failing: (() => void)[] = [];
  const { ports, log, ids, move, head } = around({
    renewNode: ({ id }) =>
      id.startsWith('node 2')
        ? new Promise((_, reject) => failing.push(() => reject(new Error('the connection was lost'))))
        : Promise.resolve(head()),
  });
  const fence = new ProcessFence(ports);
  await fence.start();
  await settle();
  log.mark = 'second';
  for (let at = 100; ids.length < 2; at += 100) {
    move(at);
    await settle();
  }
  assert.equal(failing.length, 1);
  log.mark = 'third';
  for (let at = 5000; ids.length < 3; at += 100) {
    move(at);
    await settle();
  }
  failing[0]!();
  for (let at = 10_000; at < 20_000; at += 100) {
    move(at);
    await settle();
  }
  assert.deepEqual(ids, ['node 1', 'node 2', 'node 3']);
  await fence.close();
});

test('N2.2: R23: what was read after a node ended and before the next one follows the log has to be read again', async () => {
  const held: (() => void)[] = [];
  let holding = false;
  const { ports, log, ids, move, head } = around({
    logHead: () => (holding ? new Promise((resolve) => held.push(() => resolve(head()))) : Promise.resolve(head())),
  });
  const fence = new ProcessFence(ports);
  await fence.start();
  await settle();
  holding = true;
  log.mark = 'second';
  for (let at = 100; ids.length < 2; at += 100) {
    move(at);
    await settle();
  }
  // The change of such a key may come before the place at which the next node begins.
  let told = 0;
  fence.watch({ keyId: 'k1' }, () => {
    told += 1;
  });
  assert.equal(told, 0);
  for (const go of held) go();
  await settle();
  assert.equal(told, 1);
  await fence.close();
});
