import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { storeEvents } from '../../src/domain/events.ts';
import type { Change } from '../../src/stores/commit.ts';
import { changeOf, logout, name, StoreFixture, start, user } from '../../src/stores/conformance/harness.ts';
import { openLmdbStore } from '../../src/stores/lmdb/index.ts';
import { Revisions } from '../../src/stores/lmdb/revisions.ts';
import { noFaultyDisk, onFaultyDisk } from '../support/faulty-disk.ts';
import { emptyStore, temporaryFolder } from './harness.ts';

describe('the engine on LMDB', () => {
  test('N2.10: R23: nothing is answered before it is on disk; after a failed sync everything counts as unknown, and is in force', {
    timeout: 60_000,
  }, async (t) => {
    const folder = temporaryFolder();
    t.after(folder.remove);
    const printed = await onFaultyDisk(fileURLToPath(new URL('faulty-disk-program.ts', import.meta.url)), folder.path);
    if (printed === undefined) return t.skip(noFaultyDisk);
    const unknown = Array(3).fill('outcome_unknown');
    assert.deepEqual(JSON.parse(printed), {
      beforeSync: [],
      answered: ['already', 'ended'],
      failed: unknown,
      isEnded: true,
      isRevoked: true,
      // What the disk has not written it never will.
      afterwards: unknown,
      active: 0,
      log: 5,
      inLog: Array(5).fill(true),
      activeThen: 0,
      endThen: 'already',
    });
  });

  test('a change that was decided on an old picture writes nothing, and learns what is there', async (t) => {
    const store = await emptyStore(t);
    const fixture = new StoreFixture({ store, dispose: async () => {} });
    const { engine } = store;
    const session = await fixture.create({ name: 'bot', groups: ['a'] });
    const { on } = await engine.readSessionsOf(session.userId, { limit: 1 });
    const { slot } = await engine.readSlot(name('bot'));
    const ended = { ...session, suspended: true, version: session.version + 1 };
    const change = (part: Partial<Change>): Change => ({
      at: start,
      rows: [{ table: 'sessions', before: session, after: ended }],
      log: [{ sessionId: session.id }],
      events: [storeEvents.ended(session, logout())],
      ...part,
    });
    const [log, events] = [await fixture.log(), await fixture.events()];

    await store.touchSessions([{ id: session.id, at: start + 5 }]);
    const untouched = { table: 'sessions', before: session, after: ended, untouched: true } as const;
    const stolen = { table: 'slots', before: { ...slot!, sessionId: undefined } } as const;
    const old: Partial<Change>[] = [
      { rows: [{ table: 'sessions', before: { ...session, version: 7 }, after: ended }] },
      { rows: [{ table: 'sessions', after: session }] },
      { rows: [untouched] },
      { rows: [...change({}).rows!, stolen] },
      { on: { ...on, user: 1 } },
      { on: { ...on, everyone: 1 } },
      { on: { ...on, revision: on.revision! - 1 } },
    ];
    for (const part of old) {
      const outcome = await engine.commit(change(part));
      assert.ok(outcome.kind === 'conflict', JSON.stringify(part));
      assert.equal(outcome.found.sessions.get(session.id)?.stored.lastSeenAt, start + 5);
      if (part.on) assert.deepEqual(outcome.found.on, on);
      if (part.rows?.[1] === stolen) assert.deepEqual(outcome.found.slots.get(name('bot')), slot);
    }
    assert.deepEqual([await fixture.log(), await fixture.events()], [log, events]);

    // Activity has no version: a change that does not depend on it keeps it.
    const outcome = await engine.commit(change({ on }));
    assert.ok(outcome.kind === 'committed');
    assert.deepEqual((await fixture.log()).map(changeOf), [{ sequence: 1, at: start, sessionId: session.id }]);
    const { stored } = await fixture.snapshot(session.id);
    assert.deepEqual([stored.suspended, stored.lastSeenAt, stored.version], [true, start + 5, session.version + 1]);
  });

  test('of changes in one turn that were decided on the same picture, one is made', async (t) => {
    const store = await emptyStore(t);
    const fixture = new StoreFixture({ store, dispose: async () => {} });
    const { on } = await store.engine.readSessionsOf(user('ada'), { limit: 1 });
    const outcomes = await Promise.all(
      Array.from({ length: 5 }, () => {
        const session = fixture.plan();
        const rows = [{ table: 'sessions', after: session } as const];
        return store.engine.commit({
          at: start,
          on,
          rows,
          count: 1,
          events: [storeEvents.created(session, 'key:test')],
        });
      }),
    );
    assert.deepEqual(outcomes.map(({ kind }) => kind).toSorted(), ['committed', ...Array(4).fill('conflict')]);
    assert.equal(await store.countActive(start), 1);
  });

  test('a session whose creation no event tells, or that is suspended from the start, is in the lists after a restart', async (t) => {
    const folder = temporaryFolder();
    t.after(folder.remove);
    let store = await openLmdbStore(folder.path);
    const fixture = new StoreFixture({ store, dispose: async () => {} });
    const untold = fixture.plan({ userId: 'ada' });
    const suspended = { ...fixture.plan({ userId: 'bob' }), suspended: true };
    await store.engine.commit({ at: start, rows: [{ table: 'sessions', after: untold }] });
    const events = [storeEvents.created(suspended, 'key:test')];
    await store.engine.commit({ at: start, rows: [{ table: 'sessions', after: suspended }], events });
    await store.close();
    store = await openLmdbStore(folder.path);
    for (const { id, userId } of [untold, suspended]) {
      const page = await store.listSessions({ filter: { userId }, limit: 10, now: start, budget: 1000 });
      assert.deepEqual(
        page.sessions.map(({ stored }) => stored.id),
        [id],
      );
    }
    const outcome = await store.endSessionsOfUser(suspended.userId, logout());
    assert.ok(outcome.kind === 'ended');
    assert.equal(outcome.ended, 0);
    const page = await store.listSessions({ filter: { status: 'suspended' }, limit: 10, now: start, budget: 1000 });
    assert.deepEqual(page.sessions, []);
    await store.close();
  });

  test('a change that was decided on a revision from before very many others is decided again', () => {
    const revisions = new Revisions();
    const revise = (id: string) => revisions.set(user(id), revisions.next());
    revise('ada');
    const before = revisions.of(user('ada'));
    assert.notEqual(before, revisions.of(user('bob')));
    for (let i = 0; i < 25_000; i++) revise(`user ${i}`);
    assert.notEqual(revisions.of(user('ada')), before);
    const forgotten = revisions.of(user('bob'));
    for (const id of ['ada', 'bob']) {
      revise(id);
      assert.ok(revisions.of(user(id)) > forgotten);
    }
  });
});
