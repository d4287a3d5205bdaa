import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import type { SessionId } from '../../../src/domain/brand.ts';
import { newId } from '../../../src/domain/ids.ts';
import { day } from '../../../src/domain/limits.ts';
import type { StoredSession } from '../../../src/domain/session.ts';
import type { CurfewError } from '../../../src/errors.ts';
import { rulesOver } from '../../../src/rules/index.ts';
import { Groups } from '../../../src/stores/cluster/groups.ts';
import { HomeEngine } from '../../../src/stores/cluster/home-engine.ts';
import { Incarnations } from '../../../src/stores/cluster/incarnations.ts';
import { divided, openClusterStore, prefixOf } from '../../../src/stores/cluster/index.ts';
import { Outbox } from '../../../src/stores/cluster/outbox.ts';
import { endingBegins } from '../../../src/stores/cluster/scripts.ts';
import {
  allOfUser,
  forever,
  hour,
  logout,
  name,
  newAccount,
  newAlias,
  random,
  StoreFixture,
  start,
  user,
} from '../../../src/stores/conformance/harness.ts';
import { PartlySwept, PartlyTouched, type Store } from '../../../src/stores/contract.ts';
import type { StoreRecord } from '../../../src/stores/records.ts';
import { openRedisStore } from '../../../src/stores/redis/index.ts';
import { aliasKey } from '../../../src/stores/redis/keys.ts';
import { parseLocation } from '../../../src/stores/redis/location.ts';
import { awaitPart, openPart, type Part } from '../../../src/stores/redis/part.ts';
import { until } from '../../support/failover.ts';
import { followPrimaries } from '../../support/followers.ts';
import { recovers } from '../../support/recovers.ts';
import { RedisServer, redisInstalled } from '../../support/redis.ts';
import { RedisCluster, storePrefix } from '../../support/redis-cluster.ts';

const count = 4;
const timeout = 300_000;

describe('a store in groups', { skip: !redisInstalled }, () => {
  let server: RedisServer;
  before(async () => {
    server = await RedisServer.start();
  });
  after(() => server.remove());

  /** A store whose parts are on one Redis, with two connections, and the parts apart from it. */
  async function opened(t: TestContext): Promise<{ store: Store; fixture: StoreFixture; home: Part; parts: Part[] }> {
    await server.tell('FLUSHALL');
    const location = parseLocation(server.url);
    const part = (prefix: string, role: 'home' | 'group') =>
      openPart({ location: { ...location, prefix }, timeout: 5000 }, { role });
    const store = await divided({ location, timeout: 5000 }, count);
    const home = await part(location.prefix, 'home');
    const parts = await Promise.all(
      Array.from({ length: count }, (_, i) => part(prefixOf(location.prefix, i), 'group')),
    );
    t.after(() => Promise.all([store, home.store, ...parts.map((one) => one.store)].map((one) => one.close())));
    return { store, fixture: new StoreFixture({ store, dispose: store.close }), home, parts };
  }

  /** As a server has done that was killed before it went on: what it has begun, and how many milliseconds ago. */
  async function begun(home: Part, ending: { key: string; [more: string]: unknown }, ago = 60_000): Promise<void> {
    await home.link.run(endingBegins, [ending.key]);
    await server.tell('ZINCRBY', 'curfew:endings', String(-ago), ending.key);
    await server.tell('SET', `curfew:${ending.key}`, JSON.stringify(ending));
  }

  /** The part that has a user. */
  const partOf = (parts: readonly Part[], userId: string) => parts[new Groups(parts).ofUser(userId)]!;

  test('everything of a user is in one slot, and users are in all groups', async (t) => {
    const { fixture, parts } = await opened(t);
    const users = Array.from({ length: 40 }, (_, i) => `user ${i}`);
    for (const userId of users) await fixture.createMany(2, { userId, groups: ['staff'] });
    for (const userId of users) await fixture.store.endSessionsOfUser(user(userId), allOfUser());
    for (const [i, part] of parts.entries()) {
      const keys = (await server.tell('KEYS', `${part.link.key('')}*`)) as string[];
      assert.ok(
        keys.some((key) => /:s:/.test(key)),
        `nobody is in group ${i}`,
      );
    }
    const strays = (await server.tell('KEYS', 'curfew:*')) as string[];
    assert.deepEqual(
      strays.filter((key) => /:[suxe]:/.test(key)),
      [],
    );
  });

  test('what a server has told when it was killed, the next one to come by tells the fence', async (t) => {
    const { store, fixture, parts } = await opened(t);
    const { id, userId } = await fixture.create();
    const part = partOf(parts, userId);
    // As a server does that is killed before the home hears of it.
    await rulesOver(part.store.engine).endSession(id, logout());
    assert.equal(await fixture.head(), 0);
    const outcome = await store.endSession(id, logout(start + 1));
    assert.equal(outcome.kind, 'already');
    assert.ok(outcome.kind === 'already' && outcome.end.sequence === 1, 'a repeated end waits for the first one');
    const other = await fixture.create({ at: start + 2 });
    await rulesOver(part.store.engine).endSession(other.id, logout(start + 3));
    await fixture.sweep(start + 4);
    assert.deepEqual(
      (await fixture.log()).map((entry) => 'sessionId' in entry && entry.sessionId),
      [id, other.id],
    );
    assert.deepEqual(
      (await fixture.events()).map(({ type }) => type),
      ['session.created', 'session.ended', 'session.created', 'session.ended'],
    );
  });

  test('an event of long ago that a killed server has told is not forgotten before it is taken over', async (t) => {
    const { fixture, parts } = await opened(t);
    const { userId } = await fixture.create({ idle: hour });
    const now = start + 5 * hour;
    await fixture.sweep(start + 1);
    // As a server does that is killed before the home hears of it.
    const { sweep } = rulesOver(partOf(parts, userId).store.engine);
    assert.equal((await sweep({ now, keepEnded: forever, keepEvents: hour, batch: 100 })).expired, 1);
    await fixture.sweep(now);
    await fixture.sweep(now);
    assert.deepEqual(
      (await fixture.events()).map(({ type }) => type),
      ['session.created', 'session.ended'],
    );
  });

  test('a name and an alias that a killed server has reserved are free again, and its creation does not follow later', async (t) => {
    const { store, fixture, home } = await opened(t);
    const alias = newAlias();
    // As a creation does first, and then nothing more.
    const pending = {
      ...fixture.plan({ userId: 'bob', name: 'desk', aliases: [alias] }),
      id: newId('bob', start, random) as SessionId,
    };
    const slot = {
      name: name('desk'),
      config: {},
      started: true,
      sessionId: pending.id,
      kept: false,
      createdAt: start,
      updatedAt: start,
      version: 1,
    };
    await home.store.engine.commit({ at: start, rows: [{ table: 'slots', after: slot }] });
    await server.tell('SET', `curfew:${aliasKey(alias)}`, pending.id);
    assert.equal(await store.readNamedSession(name('desk')), undefined);
    assert.equal(await store.readSessionByAlias(alias), undefined);
    const made = await fixture.create({ name: 'desk', aliases: [alias], at: start + 1 });
    assert.equal((await store.readNamedSession(name('desk')))?.stored.id, made.id);
    assert.equal((await store.readSessionByAlias(alias))?.stored.id, made.id);
    // The server was only slow, and goes on where it stopped.
    const late = store.createSession({
      session: { ...pending, name: undefined, aliases: [newAlias()] },
      epochs: 'current',
      by: 'key:test',
      now: start,
    });
    await assert.rejects(late, { code: 'store_unavailable' });
    assert.equal(await store.readSession(pending.id), undefined);
  });

  test('the sessions of an account that a killed server has disabled end with the next sweep, with the event', async (t) => {
    const { store, fixture, home } = await opened(t);
    const { id } = await fixture.create();
    const ending = {
      key: 'ending:test',
      userId: 'ada',
      end: allOfUser(start + 1),
      events: [{ type: 'account.disabled', at: start + 1, by: 'user:root', userId: 'ada' }],
    };
    await begun(home, ending);
    await fixture.sweep(start + 2);
    assert.equal((await fixture.view(id, start + 2)).status, 'ended');
    assert.deepEqual(
      (await fixture.events()).map(({ type }) => type),
      ['session.created', 'user.sessions_ended', 'account.disabled'],
    );
    await fixture.sweep(start + 3);
    assert.equal((await store.readEvents({ after: 0, limit: 10 })).events.length, 3, 'it was done twice');
    assert.equal(await server.tell('EXISTS', `curfew:${ending.key}`, 'curfew:endings'), 0);
  });

  test('a repeated removal of an account that a killed server has removed completes the end of its sessions', async (t) => {
    const { store, fixture, home } = await opened(t);
    const [{ id }, other] = [await fixture.create(), await fixture.create({ userId: 'other' })];
    const event = { type: 'account.deleted', at: start + 1, by: 'user:root', userId: user('ada') } as const;
    // No sweep completes what is so new.
    const of = (userId: string) => ({ key: `ending:${userId}`, userId, end: allOfUser(start + 1), events: [event] });
    await begun(home, of('ada'), 0);
    await begun(home, of('other'), 0);
    const deletion = { id: user('ada'), version: 0, end: allOfUser(start + 2), event };
    assert.deepEqual(await store.deleteAccount(deletion), { kind: 'not_found', sequence: 1 });
    assert.equal((await fixture.snapshot(id)).epochEnd?.sequence, 1);
    assert.equal((await fixture.events()).at(-1)?.type, 'account.deleted');
    assert.equal((await fixture.view(other.id)).status, 'active');
    assert.deepEqual(await store.deleteAccount(deletion), { kind: 'not_found' });
  });

  test('however wrong the clock of a server is, it completes what others have left, and leaves what they have just begun', async (t) => {
    const { fixture, home } = await opened(t);
    const [left, other] = [await fixture.create({ userId: 'left' }), await fixture.create({ userId: 'begun' })];
    const of = (userId: string) => ({ key: `ending:${userId}`, userId, end: allOfUser(start + 1), events: [] });
    const present = Date.now();
    t.mock.timers.enable({ apis: ['Date'], now: present + day });
    await begun(home, of('begun'), 0);
    await fixture.sweep(start + 2);
    assert.equal((await fixture.view(other.id, start + 2)).status, 'active', 'it was not left to who has begun it');
    t.mock.timers.setTime(present - day);
    await begun(home, of('left'));
    await fixture.sweep(start + 3);
    assert.equal((await fixture.view(left.id, start + 3)).status, 'ended', 'it was left undone');
  });

  test('what is to be done in a group that is out of reach keeps nothing waiting that is to be done in another', async (t) => {
    const { fixture, home, parts } = await opened(t);
    const users = Array.from({ length: 300 }, (_, i) => `user ${i}`);
    const lost = partOf(parts, users[0]!);
    const away = users.filter((one) => partOf(parts, one) === lost).slice(0, 51);
    const there = users.find((one) => partOf(parts, one) !== lost)!;
    assert.equal(away.length, 51);
    const ids = new Map<string, SessionId>();
    for (const userId of [...away, there]) ids.set(userId, (await fixture.create({ userId })).id);
    // The one that can be done is the latest.
    for (const [i, userId] of [...away, there].entries()) {
      const ending = { key: `ending:${i}`, userId, end: allOfUser(start + 1), events: [] };
      await begun(home, ending, 60_000 - i);
    }
    const reachable = [home, ...parts].filter((part) => part !== lost).map(({ link }) => `~${link.key('*')}`);
    await server.tell('ACL', 'SETUSER', 'default', 'resetkeys', ...reachable);
    try {
      await assert.rejects(fixture.sweep(start + 2), { code: 'store_unavailable' });
      assert.equal((await fixture.view(ids.get(there)!, start + 2)).status, 'ended');
    } finally {
      await server.tell('ACL', 'SETUSER', 'default', 'allkeys');
    }
    await fixture.sweep(start + 3);
    for (const userId of away) assert.equal((await fixture.view(ids.get(userId)!, start + 3)).status, 'ended');
    assert.equal(await server.tell('EXISTS', 'curfew:endings'), 0);
  });

  test('while a group is out of reach, the others are swept to the end, and the activity there is written', async (t) => {
    const { store, fixture, home, parts } = await opened(t);
    const users = Array.from({ length: 300 }, (_, i) => `user ${i}`);
    const lost = partOf(parts, users[0]!);
    const there = users.find((one) => partOf(parts, one) !== lost)!;
    const away = await fixture.create({ userId: users[0]!, idle: hour });
    const used = await fixture.create({ userId: there });
    // More than one call handles.
    for (let i = 0; i < 30; i++) await fixture.create({ userId: there, idle: hour });
    const touch = () => store.touchSessions([away, used].map(({ id }) => ({ id, at: start + 1 })));
    const isOfLost = (id: SessionId) => new Groups(parts).ofSession(id) === parts.indexOf(lost);
    let [ended, more] = [0, true];
    const reachable = [home, ...parts].filter((part) => part !== lost).map(({ link }) => `~${link.key('*')}`);
    await server.tell('ACL', 'SETUSER', 'default', 'resetkeys', ...reachable);
    try {
      await assert.rejects(touch(), (fault) => {
        assert.ok(fault instanceof PartlyTouched && fault.code === 'store_unavailable');
        assert.deepEqual(
          [away, used].map(({ id }) => fault.lacks(id)),
          [away, used].map(({ id }) => isOfLost(id)),
        );
        return true;
      });
      assert.equal((await fixture.snapshot(used.id)).stored.lastSeenAt, start + 1);
      while (more) {
        const task = { now: start + 2 * hour, keepEnded: forever, keepEvents: forever, batch: 10 };
        const fault = await store.sweep(task).catch((error: unknown) => error);
        assert.ok(fault instanceof PartlySwept && fault.code === 'store_unavailable');
        ended += fault.outcome.expired;
        ({ more } = fault.outcome);
      }
    } finally {
      await server.tell('ACL', 'SETUSER', 'default', 'allkeys');
    }
    assert.equal(ended, 30);
    assert.equal((await fixture.snapshot(away.id)).stored.end, undefined);
    await fixture.sweep(start + 2 * hour);
    assert.equal((await fixture.snapshot(away.id)).stored.end?.reason, 'idle');
  });

  test('an end of everyone that a killed server has begun is completed where it is missing, and ends nobody a second time', async (t) => {
    const { fixture, home, parts } = await opened(t);
    const users = Array.from({ length: 20 }, (_, i) => `user ${i}`);
    const key = 'ending:everyone';
    const end = { at: start + 1, by: 'user:root', reason: 'everyone' };
    const ids = new Map<string, SessionId>();
    for (const userId of users) ids.set(userId, (await fixture.create({ userId })).id);
    // It was made in one group, whose users have signed in again since.
    const done = partOf(parts, users[0]!);
    await server.tell('SET', `${done.link.key('')}did:${key}`, '1');
    await begun(home, { key, end, events: [] });
    await fixture.sweep(start + 2);
    for (const [userId, id] of ids) {
      const expected = partOf(parts, userId) === done ? 'active' : 'ended';
      assert.equal((await fixture.view(id, start + 2)).status, expected, userId);
    }
    const [entry] = await fixture.log();
    assert.ok(entry && 'all' in entry);
    assert.equal((await fixture.events()).at(-1)?.type, 'everyone.ended');
    await fixture.sweep(start + 3);
    assert.equal(await fixture.head(), 1);
    for (const done of (await server.tell('KEYS', '*did:*')) as string[])
      assert.ok(Number(await server.tell('PTTL', done)) > 0);
  });

  test('who meets an end of everyone waits for its entry in the home, also if a server was killed before it knew which', async (t) => {
    const { store, fixture, home, parts } = await opened(t);
    const { id, userId } = await fixture.create();
    const end = { at: start + 1, by: 'user:root', reason: 'everyone' } as const;
    await rulesOver(partOf(parts, userId).store.engine).endEveryone(end);
    // What comes after it in its group is in the home before it.
    const later = await fixture.create({ at: start + 2 });
    await store.endSession(later.id, logout(start + 3));
    await home.store.engine.commit({ at: start + 4, urgent: true, log: [{ all: true }] });
    const head = await fixture.head();
    assert.equal(head, 2);
    const outcome = await store.endSession(id, logout(start + 5));
    assert.ok(outcome.kind === 'already' && outcome.end.sequence === head, 'it waits for an entry before that');
  });

  test('a slot that is stopped gets no session that was being created meanwhile', async (t) => {
    const { store, fixture, home, parts } = await opened(t);
    const slot = { name: name('desk'), config: {}, started: true, kept: true, createdAt: start, updatedAt: start };
    const pending = fixture.plan({ userId: 'bob', name: 'desk' });
    const held = { ...slot, sessionId: pending.id, version: 2 };
    await home.store.engine.commit({ at: start, rows: [{ table: 'slots', after: held }] });
    const stopped = { name: slot.name, version: 2, set: { started: false }, now: start + 1, event: undefined };
    assert.notEqual(await store.changeNamed(stopped), 'conflict');
    // What the creation does last.
    const never = `${partOf(parts, 'bob').link.key('')}*no:${pending.id}`;
    assert.equal(((await server.tell('KEYS', never)) as string[]).length, 1);
    assert.equal((await fixture.tryCreate(pending)).kind, 'name_stopped');
  });

  test('the head of a user has every change that a read has shown', async (t) => {
    const { store, fixture, parts } = await opened(t);
    const { id, userId } = await fixture.create();
    await rulesOver(partOf(parts, userId).store.engine).endSession(id, logout());
    assert.equal((await store.logHead(userId)).sequence, 1);
  });

  test('a slot that nobody keeps goes with its session, also if a server was killed between the two', async (t) => {
    const { store, fixture, parts } = await opened(t);
    const { id, userId } = await fixture.create({ name: 'desk' });
    // As a server does that is killed before it has removed the slot.
    await rulesOver(partOf(parts, userId).store.engine).endSession(id, logout(start + 1));
    assert.equal((await store.readNamed(name('desk')))?.sessionId, id);
    await fixture.sweep(start + 2);
    assert.equal(await store.readNamed(name('desk')), undefined);
  });

  test('a restart of a server that has several parts makes it one other store', async (t) => {
    const { store } = await opened(t);
    const seen: string[] = [];
    const look = async () => {
      // Several callers ask at the same time.
      const heads = await Promise.all([store.logHead(), store.logHead(), store.logHead()]);
      for (const { incarnation } of heads) if (incarnation !== seen.at(-1)) seen.push(incarnation);
    };
    await look();
    await server.down('SIGKILL');
    await server.up();
    await until(async () => {
      await look().catch(() => {});
      return seen.length > 1;
    });
    // The groups are asked again this long after that.
    for (const since = performance.now(); performance.now() - since < 1500; ) await look();
    assert.equal(seen.length, 2);
  });

  test('a group is not read while its primary lacks replicas, and may have been replaced; the home is, whose leases run out', async (t) => {
    const { store, fixture, parts } = await opened(t);
    const { id, userId } = await fixture.create({ name: 'desk' });
    await server.tell('CONFIG', 'SET', 'min-replicas-to-write', '1');
    try {
      const reads: (() => Promise<unknown>)[] = [
        () => store.readSession(id),
        () => store.readNamedSession(name('desk')),
        () => store.readUser(userId),
        () => store.countActive(start),
        () => store.listSessions({ filter: {}, limit: 10, now: start, budget: 1000 }),
        () => partOf(parts, userId).store.engine.readSessionsOf(userId, { limit: 1 }),
      ];
      for (const read of reads) {
        await assert.rejects(read(), ({ code, message }: CurfewError) => {
          assert.equal(code, 'store_unavailable');
          assert.match(message, /fewer replicas that keep up .*NOREPLICAS/);
          return true;
        });
      }
      assert.equal((await store.readNamed(name('desk')))?.sessionId, id);
    } finally {
      await server.tell('CONFIG', 'SET', 'min-replicas-to-write', '0');
    }
    assert.equal((await store.readSession(id))?.stored.id, id);
  });

  test('a server that no longer reaches a group does not replace what another one has seen of it later', async (t) => {
    const { home, parts } = await opened(t);
    const stale = new Incarnations(home, parts);
    await stale.begin();
    const seen = 'curfew:seen';
    const earlier = await server.tell('HGET', seen, '1');
    const reachable = [home, ...parts.slice(2)].map(({ link }) => `~${link.key('*')}`);
    await server.tell('ACL', 'SETUSER', 'default', 'resetkeys', ...reachable);
    try {
      // As another server does with the one group, and a failover of the home with the other.
      await server.tell('HSET', seen, '0', 'later');
      await server.tell('HDEL', seen, '1');
      await server.tell('CLIENT', 'KILL', 'TYPE', 'NORMAL');
      await until(async () => {
        await stale.logHead().catch(() => {});
        return (await server.tell('HGET', seen, '1')) === earlier;
      });
      assert.equal(await server.tell('HGET', seen, '0'), 'later');
    } finally {
      await server.tell('ACL', 'SETUSER', 'default', 'allkeys');
    }
  });

  test('a group whose log has lost entries makes everybody forget what they hold', async (t) => {
    const { store, fixture, parts } = await opened(t);
    const [kept, lost, ...later] = await fixture.createMany(6);
    assert.ok(kept && lost);
    await store.endSession(kept.id, logout());
    const part = partOf(parts, kept.userId);
    const keys = (await server.tell('KEYS', `${part.link.key('')}*`)) as string[];
    for (const key of keys) await server.tell('COPY', key, `kept:${key}`);
    await store.endSession(lost.id, logout(start + 1));
    assert.equal(await fixture.head(), 2);
    // As after a failover to a replica that lacks the last change.
    for (const key of keys) await server.tell('RENAME', `kept:${key}`, key);
    assert.equal((await fixture.view(lost.id)).status, 'active');
    // Several ends before anybody has noticed: their numbers were given before, or are new.
    const outcomes = await Promise.all(later.slice(0, 3).map(({ id }) => store.endSession(id, logout(start + 3))));
    const all = (await fixture.log()).find((entry) => 'all' in entry);
    assert.ok(all, 'nobody hears that the group is another one');
    for (const outcome of outcomes) {
      assert.ok(outcome.kind === 'ended' && outcome.end.sequence >= all.sequence, 'an end waits for an older entry');
    }
    const outcome = await store.endSession(later[3]!.id, logout(start + 4));
    assert.ok(outcome.kind === 'ended');
    const [entry] = await store.readLog(outcome.end.sequence, 1);
    assert.equal(entry && 'sessionId' in entry && entry.sessionId, later[3]!.id);
    assert.equal((await store.readSession(later[3]!.id))?.stored.end?.sequence, outcome.end.sequence);
  });

  test('what a home has lost that it had taken over is taken over again, although its group tells nothing new', async (t) => {
    const { store, fixture } = await opened(t);
    const [kept, lost] = await fixture.createMany(2);
    assert.ok(kept && lost);
    await store.endSession(kept.id, logout());
    await fixture.sweep(start + 1);
    const ofHome = async () => (await server.tell('KEYS', 'curfew:*')) as string[];
    for (const key of await ofHome()) await server.tell('COPY', key, `kept:${key}`);
    const outcome = await store.endSession(lost.id, logout(start + 2));
    assert.ok(outcome.kind === 'ended' && outcome.end.sequence === 2);
    const [log, events] = [await fixture.log(), await fixture.events()];
    // As after a failover to a replica that lacks the last change.
    await server.tell('DEL', ...(await ofHome()));
    for (const key of (await server.tell('KEYS', 'kept:*')) as string[])
      await server.tell('RENAME', key, key.slice('kept:'.length));
    assert.equal(await fixture.head(), 1);
    await server.tell('CLIENT', 'KILL', 'TYPE', 'NORMAL');
    await recovers(() => fixture.sweep(start + 3));
    assert.deepEqual(await fixture.events(), events);
    const scopes = (entries: typeof log) => entries.map((entry) => 'sessionId' in entry && entry.sessionId);
    assert.deepEqual(scopes(await fixture.log()), scopes(log));
    const again = await store.endSession(lost.id, logout(start + 4));
    assert.ok(again.kind === 'already' && again.end.sequence === 2);
  });

  test('a change of an account that a failover of the home has lost is not reported as made', async (t) => {
    const { store, home, parts } = await opened(t);
    const account = { ...newAccount({ id: user('ada'), username: 'ada', email: undefined }, start), version: 1 };
    const event = { type: 'account.deleted', at: start, by: 'user:root', userId: account.id } as const;
    const remove = async (meanwhile: (key: string) => Promise<unknown>) => {
      await store.createAccount(account, { ...event, type: 'account.created' });
      const { deleteAccount } = rulesOver(
        new HomeEngine(home, new Groups(parts), new Outbox(home, parts), {
          async user(key) {
            await meanwhile(key);
            return { kind: 'ended', sequence: 1, ended: 0 };
          },
          everyone: async () => [],
          forget: async () => {},
        }),
      );
      return deleteAccount({ id: account.id, version: 1, end: allOfUser(), event });
    };
    const forget = (key: string) => server.tell('DEL', `curfew:${key}`);
    assert.equal((await remove(forget)).kind, 'deleted', 'another server has completed it');
    const lost = remove(async (key) => {
      const { generation } = home.writes;
      await forget(key);
      await server.tell('CLIENT', 'KILL', 'TYPE', 'NORMAL');
      await until(async () => home.writes.generation > generation);
    });
    await assert.rejects(lost, { code: 'outcome_unknown' });
  });

  test('what is not complete in all groups is not exported', async (t) => {
    const { store, fixture, home } = await opened(t);
    await fixture.create();
    const end = { at: start, by: 'user:root', reason: 'everyone' };
    await begun(home, { key: 'ending:x', end, events: [] }, 0);
    const exported = async () => {
      for await (const _ of store.exportRecords());
    };
    await assert.rejects(exported(), { code: 'changed_meanwhile' });
  });

  test('an end of everyone is exported as settled only when it is in all groups', async (t) => {
    const { store, fixture, parts } = await opened(t);
    for (let i = 0; i < 40; i++) await fixture.create({ userId: `user ${i}` });
    await store.endEveryone({ at: start + 1, by: 'user:root', reason: 'everyone' });
    const settled = async () => {
      for await (const record of store.exportRecords()) if (record.kind === 'epoch') return record.settled;
      return assert.fail('it was not exported');
    };
    const task = { now: start + 2, keepEnded: forever, keepEvents: forever, batch: 100 };
    const [first, ...others] = parts.map(({ store: { engine } }) => rulesOver(engine));
    while ((await first!.sweep(task)).more);
    assert.equal(await settled(), false);
    for (const one of others) while ((await one.sweep(task)).more);
    assert.equal(await settled(), true);
  });

  test('an import into a store that is used changes nothing in any part', async (t) => {
    const { store, fixture } = await opened(t);
    await fixture.createKey();
    const keys = async () => ((await server.tell('KEYS', '*')) as string[]).sort();
    const before = await keys();
    async function* records(): AsyncGenerator<StoreRecord> {
      yield { kind: 'counters', head: 0, lastEvent: 0, time: start };
      for (let i = 0; i < 200; i++)
        yield { kind: 'session', session: fixture.plan({ userId: `user ${i}` }), writtenAt: undefined };
    }
    await assert.rejects(store.importRecords(records()), { code: 'store_not_empty' });
    assert.deepEqual(await keys(), before);
  });

  test('a list of all sessions has each once, in order, however small the pages, and counts them', async (t) => {
    const { store, fixture } = await opened(t);
    for (let i = 0; i < 60; i++) await fixture.create({ userId: `user ${i}`, at: start + i });
    for (const limit of [1, 7, 100]) {
      const listed = await fixture.list({}, start + 60, limit);
      assert.deepEqual(
        listed.map(({ userId }) => userId),
        Array.from({ length: 60 }, (_, i) => `user ${59 - i}`),
      );
    }
    assert.equal(await store.countActive(start + 60), 60);
  });

  test('a search without time says where it stopped, and finds each match once in the end', async (t) => {
    const { store, fixture } = await opened(t);
    const users = Array.from({ length: 400 }, (_, i) => `${i % 20 === 0 ? 'needle' : 'hay'} ${i}`);
    await Promise.all(users.map((userId, i) => fixture.create({ userId, at: start + i })));
    const seen: string[] = [];
    let stopped = 0;
    for (let after: SessionId | undefined; ; stopped++) {
      const page = await store.listSessions({
        filter: { text: 'needle' },
        after,
        limit: 100,
        now: start + 400,
        budget: 0,
      });
      assert.equal(page.partial, page.next !== undefined);
      seen.push(...page.sessions.map(({ stored }) => stored.userId));
      if (page.next === undefined) break;
      after = page.next;
    }
    assert.ok(stopped > 0, 'it has examined everything');
    assert.deepEqual(seen, users.filter((userId) => userId.startsWith('needle')).reverse());
  });
});

test('a part that was out of reach is checked when it is back, before anything is read', {
  skip: !redisInstalled,
  timeout,
}, async (t) => {
  const server = await RedisServer.start();
  t.after(() => server.remove());
  const options = { location: parseLocation(server.url), timeout: 5000 };
  const { store } = await openPart(options);
  const { id } = await new StoreFixture({
    store: Object.assign(store, rulesOver(store.engine)),
    dispose: store.close,
  }).create();
  await store.close();
  await server.tell('HSET', 'curfew:state', 'format', '99');
  await server.down();
  const part = awaitPart(options);
  t.after(part.store.close);
  await assert.rejects(part.store.readSession(id), { code: 'store_unavailable' });
  // What it has shown counts as written only when its server has been asked.
  await assert.rejects(part.store.engine.durable(), { code: 'store_unavailable' });
  await server.up();
  const isRefused = (fault: CurfewError) => (fault.cause as CurfewError | undefined)?.code === 'store_version';
  await until(() => part.store.readSession(id).then(() => assert.fail('it was read'), isRefused));
  await server.tell('HDEL', 'curfew:state', 'format');
  await recovers(() => part.store.readSession(id));
});

describe('a store in groups on a Redis Cluster', { skip: !redisInstalled }, () => {
  let cluster: RedisCluster;
  before(async () => {
    cluster = await RedisCluster.start();
  });
  after(() => cluster.remove());

  const urlOf = (prefix: string, groups?: number) =>
    `${cluster.url}?prefix=${prefix}${groups === undefined ? '' : `&groups=${groups}`}`;

  async function refusal(url: string): Promise<CurfewError> {
    const store = await openClusterStore(url).catch((error: CurfewError) => error);
    if (store instanceof Error) return store as CurfewError;
    await store.close();
    return assert.fail('it was opened');
  }

  test('is divided for good when it is first opened, and later found so without being told', { timeout }, async () => {
    const first = await openClusterStore(urlOf('one', 3));
    const session = await new StoreFixture({ store: first, dispose: first.close }).create();
    await first.close();
    const again = await openClusterStore(urlOf('one'));
    assert.equal((await again.describe()).facts['groups'], 3);
    assert.ok(await again.readSession(session.id));
    await again.close();
    const error = await refusal(urlOf('one', 4));
    assert.equal(error.code, 'config_invalid');
    assert.match(
      error.message,
      /has groups=4, but the store at .* is divided into 3 groups \(groups=3, or no groups\)/,
    );
  });

  test('one that is in one slot stays there, and says how to move it', { timeout }, async () => {
    const url = urlOf('two');
    const store = await openRedisStore(url);
    await store.renewNode({ id: 'n1', counter: 1, applied: 0, tail: { sequence: 0, mark: '' } });
    await store.close();
    const error = await refusal(urlOf('two', 4));
    assert.equal(error.code, 'config_invalid');
    assert.match(error.message, /is in one slot \(groups is for a new store: move this one there with curfew export/);
    const opened = await openClusterStore(url);
    assert.equal((await opened.describe()).facts['groups'], undefined);
    await opened.close();
  });

  test('a store is first opened when all groups can be written; later, a server starts without one, and sees the incarnation that all others see', {
    timeout,
  }, async (t) => {
    const url = urlOf('five', 8);
    const home = await cluster.owner('{five}:');
    const owners = await Promise.all(Array.from({ length: 8 }, (_, i) => cluster.owner(prefixOf('{five}:', i))));
    const refusing = owners.find((owner) => owner !== home)!;
    const connections = async () => {
      const lists = await Promise.all([home, refusing].map((one) => one.tell('CLIENT', 'LIST', 'TYPE', 'NORMAL')));
      return lists.map((list) => String(list).trim().split('\n').length);
    };
    const before = await connections();
    const refuse = (replicas: number) => refusing.tell('CONFIG', 'SET', 'min-replicas-to-write', String(replicas));
    let running: Store;
    await refuse(5);
    try {
      const error = await refusal(url);
      assert.equal(error.code, 'store_unavailable');
      assert.match(error.message, /min-replicas-to-write.*NOREPLICAS/);
      // Redis closes its side a moment later.
      await until(async () => String(await connections()) === String(before));
      await refuse(0);
      running = await openClusterStore(url);
      t.after(running.close);
      await refuse(5);
      const second = await openClusterStore(url);
      t.after(second.close);
      assert.equal((await second.logHead()).incarnation, (await running.logHead()).incarnation);
    } finally {
      await refuse(0);
    }
    const later = await openClusterStore(url);
    t.after(later.close);
    assert.equal((await later.logHead()).incarnation, (await running.logHead()).incarnation);
  });

  test('a store that is full can be opened, to make room', { timeout }, async (t) => {
    const url = urlOf('six', 4);
    const first = await openClusterStore(url);
    t.after(first.close);
    const { id } = await new StoreFixture({ store: first, dispose: first.close }).create();
    const owners = await Promise.all(['', '.0', '.1', '.2', '.3'].map((part) => cluster.owner(`{six${part}}:`)));
    const limit = (bytes: string) =>
      Promise.all([...new Set(owners)].map((owner) => owner.tell('CONFIG', 'SET', 'maxmemory', bytes)));
    await limit('1mb');
    try {
      const again = await openClusterStore(url);
      t.after(again.close);
      assert.ok(await again.readSession(id));
      await new StoreFixture({ store: again, dispose: again.close }).sweep(start + forever);
      assert.ok((await again.readSession(id))?.stored.end);
    } finally {
      await limit('0');
    }
  });

  test('a number of groups that cannot be is refused', async () => {
    for (const groups of ['0', '1', '257', 'x', '-2', '2.5']) {
      const error = await refusal(`${cluster.url}?groups=${groups}`);
      assert.equal(error.code, 'config_invalid');
      assert.match(error.message, /has groups=.*, which must be a number from 2 to 256/);
    }
    const error = await openRedisStore('redis://127.0.0.1:1?groups=2').catch((fault: CurfewError) => fault);
    assert.match((error as CurfewError).message, /groups/);
  });

  test('moves to another kind of store and back, with all that it has', { timeout }, async (t) => {
    const single = await RedisServer.start();
    t.after(() => single.remove());
    const from = await openClusterStore(urlOf('three', 4));
    t.after(from.close);
    const fixture = new StoreFixture({ store: from, dispose: from.close });
    const alias = newAlias();
    const sessions: StoredSession[] = [];
    for (let i = 0; i < 12; i++) sessions.push(await fixture.create({ userId: `user ${i}`, at: start + i }));
    sessions.push(await fixture.create({ userId: 'named', name: 'desk', aliases: [alias] }));
    await fixture.createKey();
    await from.createAccount(fixture.account('ada', 'ada@example.com'), {
      type: 'account.created',
      at: start,
      by: 'user:root',
    });
    await from.endSession(sessions[0]!.id, logout(start + 20));
    await from.endSessionsOfUser(user('user 1'), allOfUser(start + 21));
    await from.endEveryone({ at: start + 22, by: 'user:root', reason: 'everyone' });
    sessions.push(await fixture.create({ userId: 'later', at: start + 23 }));
    const to = await openRedisStore(single.url);
    t.after(to.close);
    await to.importRecords(from.exportRecords());
    const back = await openClusterStore(urlOf('four', 5));
    t.after(back.close);
    await back.importRecords(to.exportRecords());
    const told = async (store: Store) => ({
      sessions: await Promise.all(sessions.map(({ id }) => store.readSession(id))),
      alias: (await store.readSessionByAlias(alias))?.stored.id,
      named: (await store.readNamed(name('desk')))?.sessionId,
      keys: (await store.listKeys({ limit: 10 })).keys.length,
      account: (await store.findAccount({ email: 'ada@example.com' }))?.account.username,
      head: (await store.logHead()).sequence,
      events: (await store.readEvents({ after: 0, limit: 100 })).events,
      active: await store.countActive(start + 30),
    });
    const expected = await told(from);
    assert.deepEqual(await told(to), expected);
    assert.deepEqual(await told(back), expected);
    // And it goes on from there.
    const outcome = await back.endSession(sessions.at(-1)!.id, logout(start + 31));
    assert.ok(outcome.kind === 'ended');
    assert.equal(outcome.end.sequence, expected.head + 1);
  });

  test('without the node of a group its users wait, and all others go on; then it goes on by itself', {
    timeout,
  }, async (t) => {
    const own = await RedisCluster.start('--cluster-node-timeout', '3000', '--cluster-replica-no-failover', 'yes');
    t.after(() => own.remove());
    const store = await openClusterStore(`${own.url}?groups=8`);
    t.after(store.close);
    const fixture = new StoreFixture({ store, dispose: store.close });
    const home = await own.owner();
    const owners = await Promise.all(Array.from({ length: 8 }, (_, i) => own.owner(prefixOf(storePrefix, i))));
    const lost = owners.find((owner) => owner !== home)!;
    const groups = new Groups(Array.from({ length: 8 }) as never);
    const users = Array.from({ length: 40 }, (_, i) => `user ${i}`);
    const isLost = (userId: string) => owners[groups.ofUser(userId)] === lost;
    const there = users.filter((one) => !isLost(one));
    const away = users.filter(isLost);
    assert.ok(there.length > 0 && away.length > 0);
    const sessions = new Map<string, Awaited<ReturnType<typeof fixture.create>>>();
    for (const userId of users) sessions.set(userId, await fixture.create({ userId }));
    const account = newAccount({ id: user(away[0]!), username: 'ada', email: undefined }, start);
    await store.createAccount(account, { type: 'account.created', at: start, by: 'user:root' });
    const { incarnation } = await store.logHead();
    await lost.down('SIGKILL');
    await until(async () => /cluster_slots_fail:[1-9]/.test(String(await home.tell('CLUSTER', 'INFO'))));
    for (const userId of there) {
      const { id } = sessions.get(userId)!;
      assert.equal((await fixture.view(id)).status, 'active');
      assert.equal((await store.endSession(id, logout())).kind, 'ended');
      await fixture.create({ userId, at: start + 1 });
    }
    const { id } = sessions.get(away[0]!)!;
    // The first one may have been on its way.
    await store.readSession(id).catch(() => {});
    await assert.rejects(store.readSession(id), { code: 'store_unavailable' });
    await assert.rejects(store.endSession(id, logout()), { code: 'store_unavailable' });
    await assert.rejects(store.endEveryone({ at: start, by: 'user:root', reason: 'everyone' }), {
      code: 'outcome_unknown',
    });
    const [last] = (await fixture.log()).slice(-1);
    assert.ok(last && 'all' in last, 'nobody hears of those that have ended');
    // What is tried again under its name ends nobody who has signed in since.
    const again = () => store.endEveryone({ at: start, by: 'policy', reason: 'everyone' }, 'a name');
    await assert.rejects(again(), { code: 'outcome_unknown' });
    const meanwhile = await fixture.create({ userId: there[0]!, at: start + 1 });
    await assert.rejects(again(), { code: 'outcome_unknown' });
    assert.equal((await fixture.view(meanwhile.id)).status, 'active');
    const { sequence: before } = await store.logHead();
    // An account that is gone, and whose sessions cannot be ended yet: caches hear of it at once, and only once.
    const event = { type: 'account.deleted', at: start, by: 'user:root' } as const;
    await assert.rejects(store.deleteAccount({ id: account.id, version: 1, end: allOfUser(), event }), {
      code: 'outcome_unknown',
    });
    assert.equal((await store.readLog(before + 1, 10)).length, 1);
    for (const key of (await home.tell('ZRANGE', `${storePrefix}endings`, '0', '-1')) as string[])
      await home.tell('ZADD', `${storePrefix}endings`, '1', key);
    for (let i = 0; i < 2; i++) await assert.rejects(fixture.sweep(start), { code: 'store_unavailable' });
    const told = await store.readLog(before + 1, 10);
    assert.deepEqual(
      told.map((entry) => 'userId' in entry && entry.userId),
      [account.id],
    );
    assert.equal((await store.logHead()).incarnation, incarnation, 'the fence of all others starts over');
    // After a failover, the home may lack what was noted of the groups.
    await home.tell('DEL', `${storePrefix}seen`);
    await home.tell('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await until(async () => {
      await store.logHead().catch(() => {});
      return (await home.tell('HLEN', `${storePrefix}seen`)) === 8;
    });
    // A server that starts now serves all others too, and goes on with those users when their group is back.
    const second = await openClusterStore(own.url);
    t.after(second.close);
    assert.equal((await second.logHead()).incarnation, incarnation);
    assert.ok((await second.latestTime()) > 0);
    assert.match((await second.describe()).warnings.join(), /^\d of 8 groups cannot be reached, .*; bring back/);
    assert.equal((await second.readSession(sessions.get(there[0]!)!.id))?.stored.userId, there[0]);
    await assert.rejects(second.readSession(id), { code: 'store_unavailable' });
    // What is in the home goes on, and so does the audit trail.
    await fixture.createKey();
    assert.equal((await fixture.events()).at(-1)?.type, 'key.created');
    await lost.up();
    await until(() => store.readSession(id).then(Boolean, () => false));
    await until(() => second.readSession(id).then(Boolean, () => false));
    assert.notEqual((await store.logHead()).incarnation, incarnation);
    // Each of its groups has a connection of its own, which comes back when it does.
    await until(async () => (await second.logHead()).incarnation === (await store.logHead()).incarnation);
    await recovers(() => fixture.sweep(start + 2));
    assert.equal((await fixture.view(id, start + 2)).status, 'ended');
    // All were left to be done, and are done at the same time.
    const done = (await fixture.events()).slice(-4).map(({ type }) => type);
    assert.deepEqual(done.sort(), ['account.deleted', 'everyone.ended', 'everyone.ended', 'user.sessions_ended']);
    assert.equal((await fixture.view(meanwhile.id, start + 2)).status, 'active');
    assert.equal((await store.endSession(id, logout())).kind === 'not_found', false);
  });

  test('servers follow hand-overs, resharding and elections: nothing that ended is active, and sessions can still be ended', {
    timeout,
  }, async (t) => {
    await followPrimaries(t, cluster, `${cluster.url}?groups=4`);
  });
});
