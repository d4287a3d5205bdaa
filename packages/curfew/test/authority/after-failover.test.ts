import assert from 'node:assert/strict';
import { test } from 'node:test';
import { afterFailover } from '../../src/authority/after-failover.ts';
import { minute } from '../../src/domain/limits.ts';
import { CurfewError } from '../../src/errors.ts';
import { StoreFixture } from '../../src/stores/conformance/harness.ts';
import type { Store } from '../../src/stores/contract.ts';
import { emptyStore } from '../stores/harness.ts';
import { manualClock } from '../support/ports.ts';

type Context = Parameters<typeof emptyStore>[0];
type Calls = Parameters<typeof afterFailover>[1]['store'];

/** Nodes on one store that has been failed over, and what its audit trail has of that. */
async function failedOver(t: Context) {
  const store: Store = await emptyStore(t);
  const fixture = new StoreFixture({ store, dispose: async () => {} });
  const clock = manualClock();
  const errors: unknown[] = [];
  // The pauses of a node keep no process running.
  const running = setInterval(() => {}, minute);
  t.after(() => clearInterval(running));
  return {
    clock,
    errors,
    /** A node that notices the failover now. `faults`: calls to the store that do not do what they should. */
    node(
      faults: (store: Store) => Partial<Calls> = () => ({}),
      until = new AbortController().signal,
      endEveryone = true,
    ): Promise<void> {
      const calls: Calls = {
        takeAttempt: (...rest) => store.takeAttempt(...rest),
        readEvents: (...rest) => store.readEvents(...rest),
        endEveryone: (...rest) => store.endEveryone(...rest),
        appendEvent: (...rest) => store.appendEvent(...rest),
        ...faults(store),
      };
      const onError = (error: unknown) => errors.push(error);
      return afterFailover('b', { store: calls, now: () => clock.now(), endEveryone, onError, until });
    },
    async told() {
      const types = ['everyone.ended', 'store.failed_over'] as const;
      return (await store.readEvents({ after: 0, type: types, limit: 100 })).events.map(({ type }) => type);
    },
    async openSession() {
      const { id } = await fixture.create({ at: clock.now() });
      return async () => (await fixture.view(id, clock.now())).status;
    },
  };
}

/** A minute passes while a node asks whether it is its turn. */
const aMinutePasses =
  ({ advance }: Pick<ReturnType<typeof manualClock>, 'advance'>) =>
  ({ takeAttempt }: Store): Partial<Calls> => ({
    takeAttempt: async (...rest) => {
      const outcome = await takeAttempt(...rest);
      advance(minute);
      return outcome;
    },
  });

const failed = (code: 'store_full' | 'store_unavailable') => () => Promise.reject(new CurfewError(code));

test('if the node whose turn it is stops before it has ended everyone, another one does so', async (t) => {
  const { node, clock, told, openSession } = await failedOver(t);
  const status = await openSession();
  const stopping = new AbortController();
  const stopped = ({ takeAttempt }: Store): Partial<Calls> => ({
    takeAttempt: async (...rest) => {
      const outcome = await takeAttempt(...rest);
      stopping.abort();
      return outcome;
    },
    endEveryone: failed('store_unavailable'),
  });
  await node(stopped, stopping.signal);
  assert.deepEqual(await told(), []);
  await node(aMinutePasses(clock));
  assert.deepEqual(await told(), ['everyone.ended', 'store.failed_over']);
  assert.equal(await status(), 'ended');
});

test('a full disk, which refuses the event, does not keep everyone’s sessions active, nor end them again', async (t) => {
  const { node, clock, told, openSession, errors } = await failedOver(t);
  const status = await openSession();
  let later: typeof status | undefined;
  await node(({ appendEvent }) => ({
    async appendEvent(event) {
      if (later) return appendEvent(event);
      assert.equal(await status(), 'ended');
      // Its turn is over too, and it has to take another one.
      clock.advance(minute);
      later = await openSession();
      throw new CurfewError('store_full');
    },
  }));
  assert.deepEqual(await told(), ['everyone.ended', 'store.failed_over']);
  assert.equal(await later?.(), 'active');
  assert.equal(errors.length, 1);
});

test('of all nodes that notice a failover, together or later, one ends everyone, and one appends the event', async (t) => {
  const { node, clock, told, openSession } = await failedOver(t);
  await Promise.all([node(), node(), node()]);
  const since = await openSession();
  clock.advance(10 * minute);
  await node();
  assert.deepEqual(await told(), ['everyone.ended', 'store.failed_over']);
  assert.equal(await since(), 'active');
});

test('a failover that was recorded without ending everyone, by a node that is not to, ends everyone all the same', async (t) => {
  const { node, clock, told, openSession } = await failedOver(t);
  const status = await openSession();
  await node(undefined, undefined, false);
  assert.deepEqual([await told(), await status()], [['store.failed_over'], 'active']);
  clock.advance(minute);
  await Promise.all([node(), node()]);
  assert.deepEqual([await told(), await status()], [['store.failed_over', 'everyone.ended'], 'ended']);
  const later = await openSession();
  await Promise.all([node(), node()]);
  assert.deepEqual([(await told()).length, await later()], [2, 'active']);
});

test('sessions opened since everyone was ended are not ended, although the node that did it stopped before the event', async (t) => {
  const { node, clock, told, openSession } = await failedOver(t);
  const stopping = new AbortController();
  await node(({ endEveryone }) => {
    const end: Calls['endEveryone'] = async (how) => {
      const outcome = await endEveryone(how);
      stopping.abort();
      return outcome;
    };
    return { endEveryone: end, appendEvent: failed('store_unavailable') };
  }, stopping.signal);
  assert.deepEqual(await told(), ['everyone.ended']);
  clock.advance(1);
  const since = await openSession();
  await node(aMinutePasses(clock));
  assert.deepEqual(await told(), ['everyone.ended', 'store.failed_over']);
  assert.equal(await since(), 'active');
});
