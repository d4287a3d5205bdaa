import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { browseSessions } from '../../src/authority/browse-sessions.ts';
import { budget } from '../../src/authority/match-sessions.ts';
import type { SessionQuery } from '../../src/stores/contract.ts';
import { TestServer } from '../support/server.ts';

/** The context of a server whose store delays each list, and a record of the queries. */
function slowly(server: TestServer, milliseconds: number) {
  const { store } = server.context;
  const asked: SessionQuery[] = [];
  const slow = Object.assign(Object.create(store), {
    async listSessions(query: SessionQuery) {
      asked.push(query);
      await pauseFully(milliseconds);
      return store.listSessions(query);
    },
    listAccounts: store.listAccounts,
    readUser: store.readUser,
    countActive: store.countActive,
  });
  return { context: { ...server.context, store: slow }, asked };
}

/** A timer counts whole milliseconds, and so may fire a little early: then a list would be asked for the rest. */
async function pauseFully(milliseconds: number): Promise<void> {
  const until = performance.now() + milliseconds;
  while (performance.now() < until) await pause(until - performance.now());
}

const query = { order: [], offset: 0, limit: 100 };

test('a search across users finds sessions that match and sessions of users with a matching name, each once', async (t) => {
  const server = await TestServer.start();
  t.after(() => server.close());
  const account = await server.createAccount('grace');
  const own = (await server.createSession(account.id, { userAgent: 'grace/1.0' })).session.id;
  const other = (await server.createSession('hopper', { accessGroups: ['graceful'] })).session.id;
  await server.createSession('nobody');
  const { sessions, total, partial } = await browseSessions(server.context, { ...query, filter: 'grace' });
  assert.deepEqual(sessions.map(({ session }) => session.id).sort(), [own, other].sort());
  assert.deepEqual([total, partial], [2, false]);
});

test('N3.5: a search across users takes the time of one scan, however many users have a matching name, and reports that it was cut short', async (t) => {
  const server = await TestServer.start();
  t.after(() => server.close());
  for (let i = 0; i < 30; i++) {
    const account = await server.createAccount(`grace-${i}`);
    await server.createSession(account.id);
  }
  const step = budget / 5;
  const { context, asked } = slowly(server, step);
  const { sessions, partial } = await browseSessions(context, { ...query, filter: 'grace' });
  assert.equal(partial, true);
  assert.ok(sessions.length > 0);
  assert.ok(asked.length <= 6, `it was given the time for 5 lists, and asked for ${asked.length}`);
  for (const { budget: left } of asked) assert.ok(left <= budget);
  assert.equal(asked.at(-1)?.filter.userId, undefined, 'all other sessions have time of their own');
});

test('N3.5: so does a search over HTTP, in any order, and it reports that it was cut short', async (t) => {
  const server = await TestServer.start();
  t.after(() => server.close());
  const { session } = await server.createSession('ada');
  const { store } = server.context;
  // There is always more to search; a scan that ignores its time would go on for fifty calls.
  const asked: number[] = [];
  const endless = async ({ budget: left }: SessionQuery) => {
    asked.push(left);
    await pauseFully(Math.min(budget / 5, left));
    return { sessions: [], next: asked.length < 50 ? session.id : undefined, partial: true };
  };
  server.context.store = Object.assign(Object.create(store), {
    listSessions: endless,
    describe: store.describe.bind(store),
  });
  t.after(() => {
    server.context.store = store;
  });
  for (const [sort, calls] of Object.entries({ '-createdAt': 1, createdAt: 6, lastSeenAt: 6, '-userId': 6 })) {
    asked.length = 0;
    const { status, body } = await server.call('GET', `/v1/sessions?filter=nobody&sort=${sort}`);
    assert.deepEqual([status, body.sessions, body.partial], [200, [], true], sort);
    assert.ok(asked.length > 0 && asked.length <= calls, `${sort}: it asked ${asked.length} times`);
    // Each is given what is left of the time, and no more.
    for (const [i, left] of asked.entries()) assert.ok(left >= 0 && left <= budget - i * (budget / 5), `${left}`);
  }
});
