import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../../../src/domain/limits.ts';
import { rulesOver } from '../../../src/rules/index.ts';
import type { Engine } from '../../../src/stores/commit.ts';
import { group, name, StoreFixture, start, user } from '../../../src/stores/conformance/harness.ts';
import { openLmdbStore } from '../../../src/stores/lmdb/index.ts';
import { temporaryFolder } from '../harness.ts';

test('N3.11: of one user’s very many sessions, few are read in one turn and few change in one step; a name requires none', async (t) => {
  const folder = temporaryFolder();
  const store = await openLmdbStore(folder.path);
  t.after(async () => {
    await store.close();
    folder.remove();
  });
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
  const engine = new Proxy<Engine>(store.engine, {
    get(whole, key: keyof Engine) {
      const own = whole[key];
      return watched[key] ?? (typeof own === 'function' ? own.bind(whole) : own);
    },
  });
  const rules = rulesOver(engine);
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
