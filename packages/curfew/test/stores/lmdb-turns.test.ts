import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { day, hour, limits, minute } from '../../src/domain/limits.ts';
import { CurfewError } from '../../src/errors.ts';
import { sweep } from '../../src/rules/sweep.ts';
import type { Engine, Scan } from '../../src/stores/commit.ts';
import { everyone, forever, logout, StoreFixture, start, user } from '../../src/stores/conformance/harness.ts';
import type { SweepTask } from '../../src/stores/contract.ts';
import { Attempts } from '../../src/stores/lmdb/attempts.ts';
import { Committer, type Draft, loadState } from '../../src/stores/lmdb/commit.ts';
import { LmdbEngine } from '../../src/stores/lmdb/engine.ts';
import { FreshSessions, type Placement } from '../../src/stores/lmdb/fresh.ts';
import { openLmdbStore } from '../../src/stores/lmdb/index.ts';
import { countActive } from '../../src/stores/lmdb/lists.ts';
import { shared } from '../../src/stores/lmdb/pace.ts';
import { Reserve } from '../../src/stores/lmdb/reserve.ts';
import type { Source } from '../../src/stores/lmdb/sorted-ids.ts';
import { openTables, type Tables } from '../../src/stores/lmdb/tables.ts';
import { emptyStore, temporaryFolder } from './harness.ts';

/*
 * Each step here is one turn of the event loop. How long a turn takes depends on the machine, so the tests count its
 * work instead: rows that are read, put and removed while the clock says that the turn's time is over.
 */

/** Collects garbage. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

const full = () => new CurfewError('store_full');

/** A clock by which the time of every turn is over at once. */
function hurried(): () => number {
  let now = 0;
  return () => {
    now += 1000;
    return now;
  };
}

/** The tables, with counts of how often their rows are read or written. */
function counted(tables: Tables): { tables: Tables; take(): number } {
  let work = 0;
  const counting = new Set(['get', 'put', 'remove', 'doesExist']);
  const ranges = new Set(['getRange', 'getKeys', 'getValues']);
  const watch = <T extends object>(table: T): T =>
    new Proxy(table, {
      get(target, name: string) {
        const method = Reflect.get(target, name);
        if (typeof method !== 'function') return method;
        return (...args: unknown[]) => {
          if (counting.has(name)) work += 1;
          const answer = method.apply(target, args);
          if (!ranges.has(name)) return answer;
          return (function* () {
            for (const entry of answer as Iterable<unknown>) {
              work += 1;
              yield entry;
            }
          })();
        };
      },
    });
  const watched = Object.entries(tables).map(([name, table]) => [name, name === 'root' ? table : watch(table)]);
  return {
    tables: Object.fromEntries(watched) as Tables,
    take() {
      const taken = work;
      work = 0;
      return taken;
    },
  };
}

/** A closed store that `fill` has filled, and a manual sweep of it. */
async function filled(t: { after(done: () => Promise<void>): void }, fill: (fixture: StoreFixture) => Promise<void>) {
  const folder = temporaryFolder();
  const store = await openLmdbStore(folder.path);
  await fill(new StoreFixture({ store, dispose: async () => {} }));
  await store.close();
  const tables = openTables(folder.path);
  t.after(async () => {
    await tables.root.close();
    folder.remove();
  });
  const state = loadState(tables);
  return { folder: folder.path, tables, state };
}

/** A sweep of a closed store, by which the time of every turn is over at once; each of its turns adds its work. */
function hurriedSweep({ folder, tables, state }: Awaited<ReturnType<typeof filled>>) {
  const { tables: watched, take } = counted(tables);
  const turns: number[] = [];
  const root = new Proxy(tables.root, {
    get(target, name) {
      const value = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      if (name !== 'childTransaction') return value.bind(target);
      return (work: () => unknown) =>
        target.childTransaction(() => {
          take();
          const done = work();
          turns.push(take());
          return done;
        });
    },
  });
  const all = { ...watched, root };
  const committer = new Committer(all, state, folder, new Reserve(folder), { ...shared, clock: hurried() });
  const attempts = new Attempts(
    tables.attempts,
    (write) => committer.run(write),
    () => true,
    full,
  );
  const engine = new LmdbEngine(all, state, committer, attempts, { ...shared, clock: hurried() });
  const looking = (scan: () => Promise<Scan>) => {
    take();
    const looked = scan();
    turns.push(take());
    return looked;
  };
  const watchedEngine: Engine = Object.assign(Object.create(engine), {
    commit: engine.commit.bind(engine),
    forget: engine.forget.bind(engine),
    scanPassed: (most: number) => looking(() => engine.scanPassed(most)),
    scanDue: (now: number, most: number) => looking(() => engine.scanDue(now, most)),
    durable: () => engine.durable(),
  });
  return { turns, sweep: (task: SweepTask) => sweep(watchedEngine, task) };
}

/** Sweeps until there is nothing more to do; returns what each turn read and wrote, and how many sessions ended. */
async function pieces({ turns, sweep }: ReturnType<typeof hurriedSweep>, task: SweepTask) {
  turns.length = 0;
  const outcomes = { expired: 0, endsWritten: 0, forgotten: 0 };
  let count = 0;
  for (let more = true; more; count++) {
    const outcome = await sweep(task);
    ({ more } = outcome);
    for (const kind of ['expired', 'endsWritten', 'forgotten'] as const) outcomes[kind] += outcome[kind];
    assert.ok(count < 10_000, 'the sweep does not end');
  }
  return { most: Math.max(...turns), count, ...outcomes };
}

/** The cost of a few sessions when all of their entries are read and written. */
const workOfFew = 300;

describe('the embedded store and the turns of the event loop', () => {
  const task = (now: number, keepEnded = forever): SweepTask => ({
    now,
    keepEnded,
    keepEvents: keepEnded,
    batch: 100_000,
  });

  test('N10.7: a piece of the sweep handles only a few sessions once its time is over, for every kind of work', async (t) => {
    const many = 500;
    const store = await filled(t, async (fixture) => {
      for (let i = 0; i < many; i += 100) await fixture.createMany(100, { userId: `user ${i}`, idle: hour });
    });
    const { tables } = store;
    const sweeping = hurriedSweep(store);
    const placed = await pieces(sweeping, task(start + minute));
    const expired = await pieces(sweeping, task(start + 2 * hour));
    const forgotten = await pieces(sweeping, task(start + 9 * hour, hour));
    assert.equal(expired.expired, many);
    assert.equal(forgotten.forgotten, many);
    for (const { most } of [placed, expired, forgotten]) assert.ok(most <= workOfFew, `${most} rows in one turn`);
    // Log and events are cut as well.
    assert.ok(tables.log.getCount() <= 1 && tables.events.getCount() === 0);
  });

  test('N10.7: a piece that records ends by an epoch examines only a few sessions and users', async (t) => {
    const many = 300;
    const store = await filled(t, async (fixture) => {
      const users = Array.from({ length: many }, (_, i) => `user ${i}`);
      await Promise.all(users.map((userId) => fixture.create({ userId })));
      await fixture.sweep(start + minute);
      await Promise.all(users.map((id) => fixture.store.endSessionsOfUser(user(id), logout(start + minute))));
      await fixture.createMany(many, { userId: 'ada', at: start + minute });
      await fixture.store.endEveryone(everyone(start + 2 * minute));
    });
    const { most, endsWritten } = await pieces(hurriedSweep(store), task(start + hour));
    assert.equal(endsWritten, 2 * many);
    assert.ok(most <= workOfFew, `${most} rows in one turn`);
    assert.equal(store.state.epochs.unsettled.size, 0);
  });

  test('N10.7: epochs that live sessions need are checked once, however many there are, and deleted with the last of the sessions', async (t) => {
    const many = 200;
    const store = await filled(t, async (fixture) => {
      for (let i = 0; i < many; i++) {
        await fixture.store.endSessionsOfUser(user(`user ${i}`), logout(start));
        await fixture.create({ userId: `user ${i}`, idle: day, absolute: day });
      }
    });
    const { tables, state } = store;
    const sweeping = hurriedSweep(store);
    await pieces(sweeping, task(start + 2 * hour, hour));
    assert.equal([...state.epochs.users].length, many);
    const again = await pieces(sweeping, task(start + 3 * hour, hour));
    assert.ok(again.most < many, `${again.most} rows in one turn`);
    assert.ok(again.count <= 10, `${again.count} pieces`);
    await pieces(sweeping, task(start + 2 * day, hour));
    await pieces(sweeping, task(start + 2 * day + 2 * hour, hour));
    assert.equal([...state.epochs.users].length, 0);
    assert.equal(tables.epochs.getCount(), 0);
  });

  test('N10.7: a count of very many due sessions reads a few hundred in a turn, and counts none whose end was recorded meanwhile', async (t) => {
    const many = limits.dueCounted;
    const { folder, tables, state } = await filled(t, async (fixture) => {
      await fixture.createMany(many, { userId: 'ada', idle: hour });
      await fixture.create({ userId: 'bob', idle: day });
      await fixture.sweep(start + minute);
    });
    const { tables: watched, take } = counted(tables);
    const now = start + 2 * hour;
    let active: number | undefined;
    const counting = countActive(watched, state, now, undefined).then((count) => {
      active = count;
    });
    const turns: number[] = [];
    const record = () => {
      turns.push(take());
      if (active === undefined) setImmediate(record);
    };
    record();
    const committer = new Committer(tables, state, folder, new Reserve(folder));
    const attempts = new Attempts(
      tables.attempts,
      (write) => committer.run(write),
      () => true,
      full,
    );
    const engine = new LmdbEngine(tables, state, committer, attempts);
    // The sweep runs in between.
    while (active === undefined) await sweep(engine, { ...task(now), batch: 50 });
    await counting;
    assert.equal(active, 1);
    // The keys of due sessions are read first.
    assert.ok(turns[0]! <= many + 300, `${turns[0]} rows in the first turn`);
    assert.ok(Math.max(...turns.slice(1)) <= 500, `${turns.slice(1)} rows in a turn`);
  });

  test('N10.12: a start reads none of the sessions that are placed, nor of their events, however many there are', async (t) => {
    const { tables } = await filled(t, async (fixture) => {
      const [one] = await fixture.createMany(500, { userId: 'ada' });
      await fixture.store.endSession(one!.id, logout());
      await fixture.sweep(start + minute);
      await fixture.createMany(3, { userId: 'bob', at: start + minute });
    });
    const { tables: watched, take } = counted(tables);
    assert.equal(loadState(watched).fresh.size, 3);
    const reads = take();
    assert.ok(reads < 30, `${reads} rows`);
  });

  test('every kind of the sweep’s work has its turn, even if each call has a later time', async (t) => {
    const store = await filled(t, async (fixture) => {
      await fixture.createMany(40, { userId: 'bob', idle: minute });
      await fixture.createMany(1000, { userId: 'ada', idle: hour });
      await fixture.sweep(start + 30 * minute);
    });
    const sweeping = hurriedSweep(store);
    let forgotten = 0;
    for (let i = 0; i < 14; i++) forgotten += (await sweeping.sweep(task(start + 2 * hour + i, minute))).forgotten;
    assert.ok(forgotten > 0, 'nothing was deleted');
  });

  test('an epoch is kept for a session that is created in the transaction that would have deleted it', async (t) => {
    const store = await emptyStore(t);
    const fixture = new StoreFixture({ store, dispose: async () => {} });
    const ada = user('ada');
    await store.endSessionsOfUser(ada, logout(start));
    await fixture.sweep(start + minute);
    const later = start + 3 * hour;
    const [session] = await Promise.all([
      fixture.create({ userId: 'ada', at: later }),
      store.sweep({ now: later, keepEnded: hour, keepEvents: forever, batch: 100 }),
    ]);
    await fixture.sweep(later, hour);
    assert.equal(await store.countActive(later, ada), 1);
    await store.endSessionsOfUser(ada, logout(later + 1));
    assert.equal((await fixture.view(session.id, later + 2)).status, 'ended');
  });

  test('N10.7: waiting writes are split into as many transactions as their time requires', async (t) => {
    const { folder, tables, state } = await filled(t, async () => {});
    for (const [clock, transactions] of [
      [hurried(), 20],
      [() => 0, 1],
    ] as const) {
      const committer = new Committer(tables, state, folder, new Reserve(folder), { ...shared, clock });
      const drafts = new Set<Draft>();
      await Promise.all(Array.from({ length: 20 }, () => committer.run((draft) => drafts.add(draft))));
      assert.equal(drafts.size, transactions);
      await committer.close();
    }
  });

  test('N10.7: new sessions are sorted and indexed a few at a time', () => {
    const fresh = new FreshSessions();
    let looked = 0;
    const many = 5000;
    for (let i = 0; i < many; i++) {
      const turned = (i * 7919) % many;
      fresh.add({
        id: `id ${String(turned).padStart(6, '0')}` as never,
        userId: user(`user ${turned % 100}`),
        epochs: { user: 0, everyone: 0 },
        createdAt: start,
        due: start + turned,
        told: i + 1,
        key: `key ${turned % 100}`,
        get tags() {
          looked += 1;
          return [`tag ${turned % 10}`];
        },
      });
    }
    // A key of the index: sessions that are not indexed yet are examined, and few of them twice.
    const count = (sources: readonly Source[]) => sources.flatMap((source) => [...source.ascending(undefined)]).length;
    assert.equal(count(fresh.under('tag 3')), many / 10);
    assert.ok(looked <= many + 1000, `${looked} looks`);
    assert.equal(count(fresh.ofUser(user('user 3'))), many / 100);
    looked = 0;
    const placements: Placement[] = [];
    let most = 0;
    for (const placement of fresh.placements()) {
      most = Math.max(most, looked);
      looked = 0;
      if (placement) placements.push(placement);
    }
    assert.ok(most <= 500, `${most} in one step`);
    assert.equal(placements.length, 3 * many);
    const deadlines = placements.flatMap((placement) => ('deadline' in placement ? [placement.deadline] : []));
    const keys = placements.flatMap((placement) => ('key' in placement ? [placement] : []));
    const texts = keys.map(({ key, id, last }) => `${Number(last)} ${key} ${id}`);
    for (const list of [deadlines, texts]) assert.deepEqual(list, list.toSorted());
  });

  test('new sessions are not kept in memory once placed, even if nobody ever lists the sessions of a user', async () => {
    const fresh = new FreshSessions();
    const made: WeakRef<object>[] = [];
    for (let i = 0; i < 100; i++) {
      const session = { id: `id ${i}` as never, userId: user('ada'), epochs: { user: 0, everyone: 0 } };
      const whole = { ...session, createdAt: start, due: start, told: i, key: 'key', tags: [] };
      made.push(new WeakRef(whole));
      fresh.add(whole);
      if (i > 0) fresh.remove(`id ${i - 1}` as never);
    }
    await new Promise(setImmediate);
    collectGarbage();
    assert.equal(made.filter((ref) => ref.deref()).length, 1);
    assert.equal(fresh.size, 1);
  });

  test('N10.7: expired attempts are deleted a few at a time', async (t) => {
    const { tables } = await filled(t, async () => {});
    const write = (work: () => void) => tables.root.childTransaction(work);
    const attempts = new Attempts(tables.attempts, write, () => true, full);
    for (let i = 0; i < 1200; i++) attempts.take(`bucket ${i}`, { max: 5, window: minute }, start);
    await attempts.settled();
    const sizes = [attempts.size];
    for (let more = true; more; ) {
      ({ more } = await attempts.sweep(start + hour));
      sizes.push(attempts.size);
    }
    assert.deepEqual(sizes, [2400, 1400, 400, 0]);
  });
});
