import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { newId, shardTag } from '../../../src/domain/ids.ts';
import { limits } from '../../../src/domain/limits.ts';
import {
  allOfUser,
  everyone,
  forever,
  group,
  hour,
  ids,
  logout,
  newAlias,
  note,
  random,
  StoreFixture,
  start,
  user,
} from '../../../src/stores/conformance/harness.ts';
import { openRedisStore, parseLocation, type RedisStore } from '../../../src/stores/redis/index.ts';
import { Link } from '../../../src/stores/redis/link.ts';
import { scanLive, settleLive } from '../../../src/stores/redis/scripts/sweep.ts';
import { RedisServer, redisInstalled } from '../../support/redis.ts';

describe('the indexes on Redis', { skip: !redisInstalled }, () => {
  let server: RedisServer;
  let store: RedisStore;
  let fixture: StoreFixture;
  before(async () => {
    server = await RedisServer.start();
  });
  beforeEach(async () => {
    await server.tell('FLUSHALL');
    store = await openRedisStore(server.url);
    fixture = new StoreFixture({ store, dispose: async () => {} });
  });
  afterEach(() => store.close());
  after(() => server.remove());

  test('N10.7: a count examines a limited number of due sessions, whether they are placed yet or not', async () => {
    await fixture.createMany(limits.dueCounted + 700, { userId: 'ada', idle: hour });
    const later = await fixture.create({ userId: 'bob' });
    assert.equal(await store.countActive(start + 2 * hour), 701);
    assert.equal(await store.countActive(start + 2 * hour, later.userId), 1);
    await fixture.sweep(start + 2 * hour);
    assert.equal(await store.countActive(start + 2 * hour), 1);
  });

  test('the latest time is read in pieces, however far behind the sweep is', async () => {
    const told = Array.from({ length: 1200 }, (_, i) => note('login.failed', start + (i === 600 ? hour : i)));
    await Promise.all(told.map((event) => store.appendEvent(event)));
    await server.tell('CONFIG', 'RESETSTAT');
    assert.equal(await store.latestTime(), start + hour);
    const stats = String(await server.tell('INFO', 'commandstats'));
    // Each script reads both streams, and the last one only the rest.
    assert.equal(Number(/cmdstat_xrange:calls=(\d+)/.exec(stats)?.[1]), 6);
    await store.mendTime(start + 2 * hour);
    assert.equal(await store.latestTime(), start + hour);
    await store.mendTime(start + 10);
    assert.equal(await store.latestTime(), start + 10);
  });

  /** Sweeps until every key has been examined once more. */
  const mended = async (now: number) => {
    const keys = Number(await server.tell('DBSIZE'));
    for (let seen = 0; seen <= 2 * keys + 200; seen += 100) await fixture.sweep(now);
  };

  test('an alias whose session a server of an earlier version has deleted is free; one that was lost is restored', async () => {
    const [stale, kept] = [newAlias(), newAlias('django')];
    const [gone, session] = [await fixture.create({ aliases: [stale] }), await fixture.create({ aliases: [kept] })];
    const keyOf = ({ kind, hash }: { kind: string; hash: string }) => `curfew:alias:${kind}:${hash}`;
    await server.tell('DEL', `curfew:{${gone.id.slice(8, 10)}}:s:${gone.id}`);
    assert.equal(await store.readSessionByAlias(stale), undefined);
    const next = await fixture.create({ userId: 'bob', aliases: [stale] });
    assert.equal((await store.readSessionByAlias(stale))?.stored.id, next.id);
    await server.tell('DEL', keyOf(kept));
    await mended(start);
    assert.equal((await store.readSessionByAlias(kept))?.stored.id, session.id);
    // The sweep forgets only an entry that leads to the session that it deletes.
    await store.endSession(session.id, logout());
    await server.tell('SET', keyOf(kept), next.id);
    await fixture.sweep(start + 2 * hour, hour);
    assert.equal(await server.tell('GET', keyOf(kept)), next.id);
  });

  test('everything of a user has one hash tag, the tag in the ids of the sessions', async () => {
    const session = await fixture.create({ userId: 'ada', groups: ['staff'], ip: '10.0.0.1', name: 'desk' });
    await store.endSessionsOfUser(user('ada'), allOfUser(start + 1));
    await fixture.sweep(start + 2);
    const tag = shardTag('ada');
    assert.equal(session.id.slice(8, 10), tag);
    const keys = (await server.tell('KEYS', '*')) as string[];
    const ofUser = keys.filter((key) => key.endsWith(':ada') || key.includes(`:s:${session.id}`));
    assert.ok(ofUser.length >= 3);
    for (const key of ofUser) assert.ok(key.startsWith(`curfew:{${tag}}:`), key);
  });

  test('the sweep rebuilds a lost index: live sessions, ended ones and due ones', async () => {
    const [one, two] = await fixture.createMany(4, { groups: ['staff'], ip: '10.0.0.1' });
    await store.endSession(two!.id, logout(start + 9));
    await fixture.sweep(start + 10);
    const lists = async () => [
      ids(await fixture.list({}, start + 10)),
      ids(await fixture.list({ accessGroup: group('staff')[0] }, start + 10)),
      ids(await fixture.list({ ip: '10.0.0.1', status: 'active' }, start + 10)),
      ids(await fixture.list({ userId: user('ada') }, start + 10)),
      ids(await fixture.list({ status: 'ended' }, start + 10)),
    ];
    const before = await lists();
    assert.deepEqual(
      before.map(({ length }) => length),
      [4, 4, 3, 4, 1],
    );
    const rows = ['state', 'active', 'log', 'events'].map((key) => `curfew:${key}`);
    const keys = (await server.tell('KEYS', '*')) as string[];
    const indexes = keys.filter((key) => !rows.includes(key) && !key.includes(':s:'));
    await server.tell('DEL', ...indexes);
    assert.notDeepEqual(await lists(), before);
    await mended(start + 10);
    assert.deepEqual(await lists(), before);
    await fixture.sweep(start + forever);
    await fixture.sweep(start + forever + 2 * hour, hour);
    assert.equal(await store.readSession(one!.id), undefined, 'repaired entries are never deleted');
  });

  for (const key of ['u:0.0:ada', 'x:ada', 'e:ada']) {
    test(`a damaged key of one user (${key}) prevents nobody else from signing in and out`, async () => {
      const damaged = await fixture.create({ userId: 'ada' });
      const others = await Promise.all(['ben', 'cleo', 'dora'].map((userId) => fixture.create({ userId })));
      await server.tell('SET', `curfew:{${shardTag('ada')}}:${key}`, 'something else');
      const outcomes = await Promise.allSettled([
        ...[others[0]!, damaged, others[1]!, others[2]!].map(({ id }) => store.endSession(id, logout())),
        ...['ben', 'ada', 'cleo'].map((userId) => fixture.create({ userId })),
      ]);
      const codes = outcomes.map((outcome) => (outcome.status === 'fulfilled' ? 'done' : outcome.reason.code));
      // Until an epoch has moved nobody reads e: to end a session, or x: to open one.
      const [ends, opens] = [!key.startsWith('e'), !key.startsWith('x')];
      assert.deepEqual(codes, [
        'done',
        ends ? 'store_damaged' : 'done',
        'done',
        'done',
        'done',
        opens ? 'store_damaged' : 'done',
        'done',
      ]);
      for (const { id } of others) assert.equal((await fixture.view(id)).status, 'ended');
      assert.equal((await fixture.view(damaged.id)).status, ends ? 'active' : 'ended');
      assert.equal((await store.logHead()).sequence, ends ? 3 : 4);
      assert.equal(await store.countActive(start), 2 + Number(ends) + Number(!opens));
    });
  }

  test('a change that conflicts and finds a damaged key was not made', async () => {
    const { id } = await fixture.create({ userId: 'ada' });
    const { stored: seen } = await fixture.snapshot(id);
    const change = { add: group('later'), remove: [] };
    await store.changeGroups({ userId: user('ada'), change, by: 'policy', now: start });
    await server.tell('SET', `curfew:{${shardTag('ada')}}:e:ada`, 'something else');
    await assert.rejects(store.endSession(id, logout(), { seen }), { code: 'store_damaged' });
    assert.equal((await fixture.view(id)).status, 'active');
  });

  test('something else under the key of an account is a fault, not an account that is not there', async () => {
    const account = fixture.account('grace');
    const { id } = account;
    await store.createAccount(account, note('account.created'));
    assert.deepEqual(await store.engine.readAccount(id), account);
    await server.tell('DEL', `curfew:{${shardTag(id)}}:a:${id}`);
    assert.equal(await store.engine.readAccount(id), undefined);
    await server.tell('RPUSH', `curfew:{${shardTag(id)}}:a:${id}`, 'something else');
    await assert.rejects(store.engine.readAccount(id), { code: 'store_damaged' });
  });

  for (const key of ['u:0.0:ada', 'x:ada', 'e:ada']) {
    test(`a damaged key of one user (${key}) does not stop the sweep for anybody else`, async () => {
      const [ada, ben, cleo] = await Promise.all(
        ['ada', 'ben', 'cleo'].map((userId) => fixture.create({ userId, idle: hour })),
      );
      const [dora, eve] = await Promise.all(['ada', 'eve'].map((userId) => fixture.create({ userId })));
      await fixture.sweep(start);
      for (const userId of ['ada', 'eve']) await store.endSessionsOfUser(user(userId), allOfUser(start + 1));
      await server.tell('SET', `curfew:{${shardTag('ada')}}:${key}`, 'something else');
      await mended(start + 2 * hour);
      for (const { id } of [ben!, cleo!]) assert.equal((await fixture.view(id, start + 2 * hour)).endReason, 'idle');
      assert.equal((await store.readSession(eve!.id))?.stored.end?.reason, 'all_of_user');
      assert.ok(ada && dora);
      await fixture.sweep(start + forever + 2 * hour, hour);
      assert.equal(await store.readSession(ben!.id), undefined, 'swept sessions are never deleted');
      const log = await fixture.log();
      assert.ok(log.length <= 5, `${log.length} entries for four ends`);
    });
  }

  for (const [what, damage] of Object.entries({
    'is no session': (key: string) => server.tell('SET', key, 'something else'),
    'is of another type': (key: string) => server.tell('DEL', key).then(() => server.tell('LPUSH', key, 'x')),
    'has damaged data': async (key: string) =>
      server.tell('SET', key, String(await server.tell('GET', key)).replace('{"shop"', '{"')),
  })) {
    test(`a row that ${what} does not stop the sweep for anybody else`, async () => {
      const [ada, ben] = ['ada', 'ben'].map((userId) => ({
        ...fixture.plan({ userId, idle: hour }),
        metadata: { shop: 'here' },
      }));
      for (const session of [ada!, ben!]) await fixture.tryCreate(session);
      await fixture.sweep(start);
      await damage(`curfew:{${shardTag('ada')}}:s:${ada!.id}`);
      await mended(start + 2 * hour);
      assert.equal((await store.readSession(ben!.id))?.stored.end?.reason, 'idle');
      await fixture.sweep(start + forever + 2 * hour, hour);
      assert.equal(await store.readSession(ben!.id), undefined, 'swept sessions are never deleted');
    });
  }

  test('spring-session 2230: an index entry without its session is removed when it is read', async () => {
    const [gone, kept] = await fixture.createMany(2, { groups: ['staff'] });
    await fixture.sweep(start + 5);
    await server.tell('DEL', `curfew:{${shardTag('ada')}}:s:${gone!.id}`);
    assert.deepEqual(ids(await fixture.list({ accessGroup: group('staff')[0] })), [kept!.id]);
    assert.equal(await server.tell('ZCARD', 'curfew:l:g:staff'), 1);
    assert.deepEqual(ids(await fixture.list({ userId: user('ada') })), [kept!.id]);
    assert.equal(await store.countActive(start, user('ada')), 1);
  });

  test('a session counts as ended by an epoch however often its neighbours’ epochs have moved', async () => {
    // Users whose keys are next to each other.
    const [one, two] = neighbours();
    const mine = await fixture.create({ userId: one });
    for (let i = 0; i < 3; i++) await store.endSessionsOfUser(user(two), allOfUser(start + i));
    assert.equal((await fixture.view(mine.id)).status, 'active');
    // With its activity a session records that none of those concerned it.
    await store.touchSessions([{ id: mine.id, at: start + 10 }]);
    assert.equal((await fixture.view(mine.id)).status, 'active');
    await store.endSessionsOfUser(user(two), allOfUser(start + 11));
    assert.equal((await fixture.view(mine.id)).status, 'active');
    await store.endSessionsOfUser(user(one), allOfUser(start + 12));
    await store.touchSessions([{ id: mine.id, at: start + 13 }]);
    const seen = await fixture.view(mine.id, start + 13);
    assert.deepEqual([seen.status, seen.endedAt, seen.lastSeenAt], ['ended', start + 12, start + 10]);
    const other = await fixture.create({ userId: one, at: start + 14 });
    await store.endEveryone(everyone(start + 15));
    assert.equal((await fixture.view(other.id, start + 15)).endReason, 'everyone');
  });

  test('sessions that are in no list yet when everyone’s are ended still get their ends recorded', async () => {
    const sessions = await fixture.createMany(20);
    await store.endEveryone(everyone(start + 50));
    const later = await fixture.create({ at: start + 51 });
    // Another node is at this part of its sweep before the sessions have been placed.
    const link = await Link.open({ location: parseLocation(server.url), timeout: 5000 });
    assert.deepEqual(await link.run(scanLive, ['100']), []);
    // A third one has walked under the epoch before.
    await link.run(settleLive, ['', '0', '']);
    await link.close();
    await fixture.sweep(start + 52);
    for (const { id } of sessions) assert.equal((await fixture.snapshot(id)).stored.end?.reason, 'everyone');
    assert.equal((await fixture.view(later.id)).status, 'active');
    assert.equal(await server.tell('HEXISTS', 'curfew:state', 'walk'), 0);
  });

  function neighbours(): [string, string] {
    const seen = new Map<string, string>();
    for (;;) {
      const name = newId('user', start, random);
      const other = seen.get(shardTag(name));
      if (other) return [other, name];
      seen.set(shardTag(name), name);
    }
  }
});
