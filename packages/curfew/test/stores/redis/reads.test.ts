import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { shardTag } from '../../../src/domain/ids.ts';
import { allOfUser, name, StoreFixture, start, user } from '../../../src/stores/conformance/harness.ts';
import { openRedisStore, type RedisStore } from '../../../src/stores/redis/index.ts';
import { RedisServer, redisInstalled } from '../../support/redis.ts';
import { commandsDuring } from '../../support/redis-monitor.ts';

describe('what is asked of Redis in one turn of the event loop', { skip: !redisInstalled }, () => {
  let server: RedisServer;
  let store: RedisStore;
  let fixture: StoreFixture;

  before(async () => {
    server = await RedisServer.start();
  });
  after(() => server.remove());
  beforeEach(async () => {
    store = await openRedisStore(server.url);
    fixture = new StoreFixture({ store, dispose: async () => {} });
  });
  afterEach(async () => {
    await store.close();
    await server.tell('FLUSHALL');
  });

  /** How many commands of a kind this work sends, from here or from a script. */
  async function commandsOf(command: string, work: () => Promise<unknown>): Promise<number> {
    await server.tell('CONFIG', 'RESETSTAT');
    await work();
    const told = String(await server.tell('INFO', 'commandstats'));
    return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(told)?.[1] ?? 0);
  }

  test('forty questions of a kind are few commands, and each caller gets their own answer', async () => {
    const names = Array.from({ length: 40 }, (_, i) => `user ${i}`);
    const sessions = await Promise.all(names.map((userId) => fixture.create({ userId, name: name(`of ${userId}`) })));
    const works: Record<
      string,
      [command: string, most: number, read: (i: number) => Promise<unknown>, wanted: unknown[]]
    > = {
      sessions: ['mget', 3, async (i) => (await store.readSession(sessions[i]!.id))?.stored.userId, names],
      users: ['evalsha', 3, async (i) => (await store.readUser(user(names[i]!))).epochs.user, names.map(() => 0)],
      'sessions of a user': [
        'evalsha',
        3,
        async (i) => (await store.engine.readSessionsOf(user(names[i]!), { limit: 9 })).sessions.map(({ id }) => id),
        sessions.map(({ id }) => [id]),
      ],
      names: [
        'evalsha',
        3,
        async (i) => (await store.engine.readSlot(name(`of ${names[i]}`))).held?.stored.id,
        sessions.map(({ id }) => id),
      ],
    };
    for (const [what, [command, most, read, wanted]] of Object.entries(works)) {
      await read(0);
      let found: unknown[] = [];
      const sent = await commandsOf(command, async () => {
        found = await Promise.all(names.map((_, i) => read(i)));
      });
      assert.deepEqual(found, wanted, what);
      assert.ok(sent > 0 && sent <= most, `${sent} commands for ${what}`);
    }
  });

  test('Redis is free for others between the sessions of users who have very many', async () => {
    const names = Array.from({ length: 8 }, (_, i) => `user ${i}`);
    await Promise.all(names.flatMap((userId) => Array.from({ length: 130 }, () => fixture.create({ userId }))));
    let found: number[] = [];
    const sent = await commandsOf('evalsha', async () => {
      const pages = names.map((userId) => store.engine.readSessionsOf(user(userId), { limit: 200 }));
      found = (await Promise.all(pages)).map(({ sessions }) => sessions.length);
    });
    assert.deepEqual(found, Array(8).fill(130));
    // A script reads two such users, or those who were asked for a second time wait for the next one.
    assert.ok(sent >= 4 && sent <= 8, `${sent} scripts`);
  });

  test('forty sessions are few commands also when their user’s group has had an end of all since', async () => {
    const sessions = await Promise.all(Array.from({ length: 40 }, () => fixture.create({ userId: 'ada' })));
    await store.endSessionsOfUser(user('ada'), allOfUser(start + 1));
    let found: unknown[] = [];
    const sent = await commandsOf('evalsha', async () => {
      found = await Promise.all(sessions.map(async ({ id }) => (await store.readSession(id))?.epochEnd?.reason));
    });
    assert.deepEqual(found, Array(40).fill('all_of_user'));
    assert.ok(sent > 0 && sent <= 3, `${sent} commands`);
  });

  test('reads come after a command that only a primary accepts', async () => {
    const { id } = await fixture.create();
    const sent = await commandsDuring(server, () => store.readSession(id));
    const names = sent.map(({ command }) => command[0]).filter((name) => name === 'GETEX' || name === 'MGET');
    assert.deepEqual(names, ['GETEX', 'MGET']);
  });

  test('a damaged key of one user fails that user’s question alone', async () => {
    const names = ['ben', 'ada', 'cleo'];
    for (const userId of names) await fixture.create({ userId });
    for (const key of ['a:ada', 'e:ada']) await server.tell('LPUSH', `curfew:{${shardTag(user('ada'))}}:${key}`, 'x');
    const codes = async (read: (userId: string) => Promise<unknown>) =>
      (await Promise.allSettled(names.map(read))).map((one) => (one.status === 'fulfilled' ? 'read' : one.reason.code));
    const wanted = ['read', 'store_damaged', 'read'];
    assert.deepEqual(await codes((userId) => store.readUser(user(userId))), wanted);
    assert.deepEqual(await codes((userId) => store.engine.readSessionsOf(user(userId), { limit: 9 })), wanted);
  });
});
