import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../../../src/domain/limits.ts';
import { rulesOver } from '../../../src/rules/index.ts';
import type { Engine } from '../../../src/stores/commit.ts';
import { group, name, StoreFixture, start, user } from '../../../src/stores/conformance/harness.ts';
import { emptyStore } from '../harness.ts';

/** An engine of which some operations are watched. */
function watching(engine: Engine, watched: Partial<Engine>): Engine {
  return new Proxy<Engine>(engine, {
    get(whole, key: keyof Engine) {
      const own = whole[key];
      return watched[key] ?? (typeof own === 'function' ? own.bind(whole) : own);
    },
  });
}

test('N3.11: of one user’s very many sessions, few are read in one turn and few change in one step; a name requires none', async (t) => {
  const store = await emptyStore(t);
  const many = 1500;
  const fixture = new StoreFixture({ store, dispose: async () => {} });
  await fixture.createMany(many);
  let [asked, turns, pages, largest]: number[] = [0, 0, 0, 0];
  const watched: Partial<Engine> = {
    async readSessionsOf(...rest: Parameters<Engine['readSessionsOf']>) {
      const { after, limit } = rest[1];
      if (after !== undefined) assert.equal(turns, pages, 'a page was read before others had their turn');
      assert.ok(limit <= 250, `${limit} in one turn`);
      const read = await store.engine.readSessionsOf(...rest);
      assert.ok(read.sessions.length <= limit);
      asked = asked! + read.sessions.length;
      pages = pages! + 1;
      setImmediate(() => {
        turns = turns! + 1;
      });
      return read;
    },
    async commit(change: Parameters<Engine['commit']>[0]) {
      largest = Math.max(largest!, change.rows?.length ?? 0);
      return store.engine.commit(change);
    },
  };
  const rules = rulesOver(watching(store.engine, watched));
  const at = start + many;
  const create = (plan: object, limit?: { max: number; excess: 'replace' | 'refuse' }) =>
    rules.createSession({
      session: fixture.plan({ at, ...plan }),
      epochs: { user: 0, everyone: 0 },
      limit,
      by: 'policy',
      now: at,
    });
  /** Does one thing; returns how many sessions it read, and how many rows its largest change had. */
  const during = async (work: () => Promise<unknown>) => {
    await new Promise(setImmediate);
    [asked, turns, pages, largest] = [0, 0, 0, 0];
    await work();
    return [asked, largest];
  };
  assert.deepEqual(await during(() => create({ name: 'desk' })), [0, 2]);
  const groups = { change: { add: group('new'), remove: [] }, by: 'policy', now: at, userId: user('ada') } as const;
  const refused = () => assert.rejects(rules.changeGroups(groups), { code: 'too_many_to_change' });
  assert.deepEqual(await during(refused), [limits.changedAtOnce, 0]);
  const [read] = await during(() => create({}, { max: 5, excess: 'refuse' }));
  assert.ok(read! < many / 2, `${read} were read`);
  const [, step] = await during(() => create({}, { max: 5, excess: 'replace' }));
  assert.ok(step! <= 150, `${step} rows in one step`);
  assert.equal(await store.countActive(at, user('ada')), 5);
  assert.equal((await store.readNamed(name('desk')))?.started, true);
});

test('a sweep finds a hundred sessions at once, and records twenty ends at once: other changes wait for no more', async (t) => {
  const store = await emptyStore(t);
  const fixture = new StoreFixture({ store, dispose: async () => {} });
  await fixture.createMany(250);
  const end = { at: start + 1000, by: 'policy', reason: 'all_of_user' } as const;
  await store.endSessionsOfUser(user('ada'), end);
  let [running, most, found] = [0, 0, 0];
  const rules = rulesOver(
    watching(store.engine, {
      async scanPassed(asked) {
        const scan = await store.engine.scanPassed(asked);
        found = Math.max(found, scan.candidates.length);
        return scan;
      },
      async commit(change) {
        running += 1;
        most = Math.max(most, running);
        const outcome = await store.engine.commit(change);
        running -= 1;
        return outcome;
      },
    }),
  );
  let written = 0;
  for (let more = true; more; ) {
    const swept = await rules.sweep({ now: start + 1000, keepEnded: 1e6, keepEvents: 1e6, batch: 500 });
    written += swept.endsWritten;
    more = swept.more;
  }
  assert.equal(written, 250);
  assert.ok(found <= 100 && most <= 20, `${found} found at once, ${most} recorded at once`);
});
