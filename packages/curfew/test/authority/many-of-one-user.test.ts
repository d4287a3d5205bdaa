import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { browseSessions } from '../../src/authority/browse-sessions.ts';
import { listSessions } from '../../src/authority/list-sessions.ts';
import { piece, sortInPieces } from '../../src/authority/sort-in-pieces.ts';
import type { SessionQuery } from '../../src/stores/contract.ts';
import { TestServer } from '../support/server.ts';

/** Counts the turns of the event loop, until it is stopped. */
function countTurns() {
  const turns = { count: 0, stop: () => {} };
  let goesOn = true;
  const next = () => {
    turns.count += 1;
    if (goesOn) setImmediate(next);
  };
  setImmediate(next);
  turns.stop = () => {
    goesOn = false;
  };
  return turns;
}

test('N3.11: very many items are sorted in pieces, between which others have their turn', async () => {
  const order = (one: number[], other: number[]) => one[0]! - other[0]!;
  const items = fc.array(fc.tuple(fc.nat(20), fc.nat()), { maxLength: 9 });
  await fc.assert(
    fc.asyncProperty(items, fc.constantFrom(1, 100, 4000), async (some, times) => {
      const many = Array.from({ length: times }, () => some).flat();
      const turns = countTurns();
      let [compared, most, turn] = [0, 0, 0];
      const counted = (one: number[], other: number[]) => {
        if (turns.count !== turn) [turn, compared] = [turns.count, 0];
        compared += 1;
        most = Math.max(most, compared);
        return order(one, other);
      };
      const sorted = await sortInPieces(many, counted);
      turns.stop();
      assert.deepEqual(sorted, many.toSorted(order));
      assert.ok(most <= piece * (Math.log2(piece) + 2), `${most} in one turn`);
      // Each time that two runs become one, everything is merged once, a piece in each turn.
      const merges = Math.ceil(Math.log2(Math.max(1, many.length / piece)));
      const least = merges * Math.floor(many.length / piece);
      assert.ok(turns.count >= least, `${many.length} items in ${turns.count} turns`);
    }),
    { numRuns: 30 },
  );
});

test('N3.11: a sorted or filtered list of one user’s very many sessions lets others in between', async (t) => {
  const server = await TestServer.start();
  t.after(() => server.close());
  const { context } = server;
  const { session } = await server.createSession('ada', { userAgent: 'curl/8.0' });
  const snapshot = (await context.store.readSession(session.id))!;
  const many = 20_000;
  // A store that has everything at hand gives nobody a turn.
  let [left, turns, pages] = [0, 0, 0];
  const store = Object.assign(Object.create(context.store), {
    async listSessions({ limit }: SessionQuery) {
      assert.equal(turns, pages, 'a page was read before others had their turn');
      pages += 1;
      setImmediate(() => {
        turns += 1;
      });
      const count = Math.min(left, limit);
      left -= count;
      assert.ok(count <= 1000, `${count} at once`);
      return {
        sessions: Array.from({ length: count }, () => snapshot),
        next: left > 0 ? session.id : undefined,
        partial: false,
      };
    },
    countActive: async () => many,
    readUser: context.store.readUser.bind(context.store),
    readSession: context.store.readSession.bind(context.store),
  });
  const one = { ...context, store };
  const anew = async () => {
    await new Promise(setImmediate);
    [left, turns, pages] = [many, 0, 0];
  };
  for (const sort of ['ip', '-lastSeenAt', 'status'] as const) {
    await anew();
    const { sessions, total } = await listSessions(one, { user: 'ada', sort, filter: 'curl', limit: 10 });
    assert.deepEqual([sessions.length, total], [10, many]);
    assert.ok(pages >= 20, `${pages} pages`);
  }
  const newest = [{ key: 'createdAt', down: true }] as const;
  for (const order of [newest, [{ key: 'os', down: false }] as const]) {
    await anew();
    await browseSessions(one, { user: 'ada', order, offset: many - 100, limit: 100 });
    assert.ok(pages >= 20, `${pages} pages`);
  }
});
