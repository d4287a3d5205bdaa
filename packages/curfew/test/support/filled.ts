import assert from 'node:assert/strict';
import type { KeyId } from '../../src/domain/brand.ts';
import { newId } from '../../src/domain/ids.ts';
import {
  allOfUser,
  everyone,
  group,
  hour,
  logout,
  note,
  random,
  StoreFixture,
  start,
  user,
} from '../../src/stores/conformance/harness.ts';
import type { Store } from '../../src/stores/contract.ts';
import { openLmdbStore } from '../../src/stores/lmdb/index.ts';
import { decodeRecord, encodeRecord, type StoreRecord } from '../../src/stores/records.ts';

export const later: number = start + 2 * hour;

/** A store in a folder with that many events of a kilobyte each. */
export async function fillWithEvents(path: string, count: number, text: string = 'x'.repeat(1000)): Promise<void> {
  const store = await openLmdbStore(path);
  const event = { type: 'sessions.imported', at: 1, by: 'library', details: { text } } as const;
  await Promise.all(Array.from({ length: count }, () => store.appendEvent(event)));
  await store.close();
}

/** Something of everything that a store can hold, made in every way in which it can be made. */
export async function fill(store: Store): Promise<StoreFixture> {
  const fixture = new StoreFixture({ store, dispose: async () => {} });
  const account = {
    ...fixture.account('ada', 'ada@example.com'),
    factor: { sealedSecret: random(60), confirmedAt: start, lastStep: 7, backupCodes: ['a', 'b'] },
  };
  await store.createAccount(account, note('account.created'));
  await store.createAccount({ ...fixture.account('bob'), name: 'B\u0000b' }, note('account.created'));
  for (const revokedAt of [undefined, start + 5]) {
    const id = newId('keys', start, random) as KeyId;
    const key = { id, name: 'k', hash: random(32), scopes: ['sessions.end' as const], createdAt: start };
    await store.createKey({ ...key, createdBy: 'user:root', revokedAt: undefined }, note('key.created'));
    if (revokedAt) await store.revokeKey(id, revokedAt, note('key.revoked'));
  }
  await store.createNamed(fixture.slot('kept'), note('named_session.created'));
  const sessions = await fixture.createMany(8, { userId: account.id, groups: ['a', 'b'], ip: '10.0.0.1' });
  await fixture.createMany(5, { userId: 'gone', userAgent: 'curl/8.5.0' });
  await fixture.createMany(5, { userId: 'idle', idle: hour });
  await fixture.create({ userId: 'named', name: 'kept' });
  await fixture.create({ userId: 'named', name: 'passing' });
  await store.endSession(sessions[0]!.id, logout(start + 20));
  const [, one, two, three] = sessions;
  await store.changeSession({ id: one!.id, version: 1, set: { suspended: true }, logged: true, now: start + 21 });
  const refresh = { ...two!.refresh, previousHash: random(32), rotatedAt: start + 22, rotations: 1 };
  const tokenHash = random(32);
  const set = { tokenHash, refresh, factorShown: { at: start + 22, area: 'keys', network: '' } as const };
  await store.changeSession({ id: two!.id, version: 1, set, logged: true, now: start + 22 });
  const change = { add: group('staff'), remove: group('a') };
  await store.changeGroups({ userId: account.id, change, only: three!.id, by: 'policy', now: start + 23 });
  await store.touchSessions([{ id: three!.id, at: start + 90_000 }]);
  await store.endSessionsOfUser(user('gone'), allOfUser(start + 24));
  await fixture.create({ userId: 'gone', at: start + 25 });
  // Half of the ends are recorded in the sessions, half are not.
  await fixture.sweep(later, 30 * 24 * hour);
  await fixture.createMany(3, { userId: 'everyone', at: later });
  await store.endSessionsOfUser(account.id, allOfUser(later + 1), { except: three!.id });
  await store.appendEvent({ ...note('login.failed', later + 1), details: { username: 'e\u0000ve' } });
  return fixture;
}

/** Everything that a store exports, sorted by kind. */
export async function contentsOf(store: Store): Promise<StoreRecord[]> {
  const lines: string[] = [];
  for await (const record of store.exportRecords()) lines.push(encodeRecord(record));
  return lines.map((line) => sorted(decodeRecord(line))).sort(byText);
}

/** Checks that two stores have the same content, and work in the same way. */
export async function assertSame(one: Store, other: Store): Promise<void> {
  assert.deepEqual(await contentsOf(other), await contentsOf(one));
  const fixtures = [one, other].map((store) => new StoreFixture({ store, dispose: async () => {} }));
  const seen = await Promise.all(
    fixtures.map(async (fixture) => ({
      sessions: await fixture.list({}, later + 2),
      active: await fixture.list({ status: 'active' }, later + 2),
      inGroup: await fixture.list({ accessGroup: group('staff')[0] }, later + 2),
      count: await fixture.store.countActive(later + 2),
      ofGone: await fixture.store.countActive(later + 2, user('gone')),
      head: await fixture.head(),
      time: await fixture.store.latestTime(),
      epochs: (await fixture.store.readUser(user('gone'))).epochs,
      ada: await fixture.store.findAccount({ email: 'ada@example.com' }),
    })),
  );
  assert.deepEqual(sorted(seen[1]), sorted(seen[0]));
  const next = await Promise.all(
    fixtures.map(async ({ store }) => ({
      everyone: await store.endEveryone(everyone(later + 3)),
      events: (await store.readEvents({ limit: 1 })).events[0]?.sequence,
      count: await store.countActive(later + 3),
    })),
  );
  assert.deepEqual(next[1], next[0]);
  for (const days of [40, 41]) for (const fixture of fixtures) await fixture.sweep(later + days * 24 * hour, hour);
  const left = await Promise.all(
    fixtures.map(({ store }) => store.listSessions({ filter: {}, limit: 9, now: later, budget: 1000 })),
  );
  assert.deepEqual(
    left.map(({ sessions }) => sessions.length),
    [0, 0],
  );
}

/** The same with its keys sorted, and without undefined properties. */
function sorted<T>(value: T): T {
  if (Array.isArray(value)) return value.map(sorted) as T;
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  const entries = Object.entries(value).filter(([, part]) => part !== undefined);
  return Object.fromEntries(
    entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, part]) => [key, sorted(part)]),
  ) as T;
}

function byText(a: StoreRecord, b: StoreRecord): number {
  const [x, y] = [JSON.stringify(a), JSON.stringify(b)];
  return x < y ? -1 : x > y ? 1 : 0;
}
