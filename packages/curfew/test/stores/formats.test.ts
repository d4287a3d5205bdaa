import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NewEvent } from '../../src/domain/events.ts';
import type { FactorShown } from '../../src/domain/factor-shown.ts';
import type { Permission } from '../../src/domain/permissions.ts';
import { nextDeadline, type StoredSession } from '../../src/domain/session.ts';
import { newAlias, StoreFixture } from '../../src/stores/conformance/harness.ts';
import * as lmdb from '../../src/stores/lmdb/codec.ts';
import { openLmdbStore } from '../../src/stores/lmdb/index.ts';
import { openDatabase, openToRead, type TableName } from '../../src/stores/lmdb/tables.ts';
import * as postgres from '../../src/stores/postgres/codec.ts';
import { decodeRecord, encodeRecord } from '../../src/stores/records.ts';
import * as redis from '../../src/stores/redis/codec.ts';
import { layoutOf, writeOneOfEach } from '../support/layout.ts';
import { temporaryFolder } from './harness.ts';

/** How a session's row is written and read; `before` converts a row to the previous version's format. */
type Format = {
  through(session: StoredSession): StoredSession;
  before(session: StoredSession): StoredSession;
};

const redisRow = (session: StoredSession) =>
  [redis.firstEpochStamp, redis.encodeSession(session)].join(redis.separator);
/** As PostgreSQL returns it. */
const postgresRow = (session: StoredSession): postgres.Row => ({ end_at: null, ...postgres.encodeSession(session) });

const formats: Record<string, Format> = {
  lmdb: {
    through: (session) => lmdb.decodeSession(session.id, lmdb.encodeSession(session, nextDeadline(session))),
    before: (session) =>
      lmdb.decodeSession(session.id, lmdb.encodeSession(session, nextDeadline(session)).slice(0, 24)),
  },
  postgres: {
    through: (session) => postgres.decodeSession(postgresRow(session)),
    before(session) {
      const row = postgresRow(session);
      const data = (JSON.parse(row['data'] as string) as unknown[]).slice(0, 3);
      return postgres.decodeSession({ ...row, data: JSON.stringify(data) });
    },
  },
  redis: {
    through: (session) => redis.decodeSession(session.id, redisRow(session)),
    before(session) {
      const cells = redisRow(session).split(redis.separator);
      return redis.decodeSession(session.id, cells.slice(0, redis.cell.metadata).join(redis.separator));
    },
  },
};

const plan = () => StoreFixture.prototype.plan.call(undefined as never, { groups: ['a'], ip: '192.0.2.1' });

for (const [store, { through, before }] of Object.entries(formats)) {
  test(`N10.2: ${store}: a session keeps its creator's permissions; one of the previous format counts as its user's own sign-in`, () => {
    const openers: (readonly Permission[] | undefined)[] = [
      undefined,
      [],
      ['sessions.create'],
      ['keys.manage', 'events.read'],
    ];
    for (const openedWith of openers) {
      const session: StoredSession = { ...plan(), openedWith };
      assert.deepEqual(through(session).openedWith, openedWith);
      const old = before(session);
      assert.equal(old.openedWith, undefined);
      assert.deepEqual({ ...old, openedWith }, through(session));
    }
  });
}

test('every format keeps the aliases of a session, and a row from before has none', () => {
  for (const [store, { through, before }] of Object.entries(formats)) {
    const aliases = [newAlias('express'), { ...newAlias('a'.repeat(32)), spentAt: 1_780_000_000_000 }];
    assert.deepEqual(through({ ...plan(), aliases }).aliases, aliases, store);
    assert.deepEqual(through(plan()).aliases, [], store);
    assert.deepEqual(before({ ...plan(), aliases }).aliases, store === 'postgres' ? aliases : [], store);
    const line = encodeRecord({ kind: 'session', session: { ...plan(), aliases }, writtenAt: undefined });
    const read = (text: string) => (decodeRecord(text) as { session: StoredSession }).session.aliases;
    assert.deepEqual(read(line), aliases);
    assert.deepEqual(read(line.replace(/,"aliases":\[.*?\]/, '')), []);
  }
});

test('every format keeps the data of a session, and a row from before has none', () => {
  const data = JSON.stringify({ text: 'ü\u0000\u001f"\\' });
  for (const [store, { through, before }] of Object.entries(formats)) {
    assert.equal(through({ ...plan(), data }).data, data, store);
    assert.equal(through(plan()).data, undefined, store);
    assert.equal(before({ ...plan(), data }).data, store === 'postgres' ? data : undefined, store);
    const line = encodeRecord({ kind: 'session', session: { ...plan(), data }, writtenAt: undefined });
    assert.equal((decodeRecord(line) as { session: StoredSession }).session.data, data);
  }
});

const shown: readonly (FactorShown | undefined)[] = [
  undefined,
  { at: 1_780_000_000_000, area: 'sessions', network: '192.0.2.1' },
  { at: 1_780_000_000_000, area: 'any', network: '20010db800000000/64' },
  { at: 0, area: 'keys', network: '' },
];
/** Rows in which the previous version wrote only the time. */
const momentAlone: Record<string, (session: StoredSession, at: number) => StoredSession> = {
  lmdb(session, at) {
    const row = lmdb.encodeSession(session, nextDeadline(session));
    return lmdb.decodeSession(session.id, row.with(20, at));
  },
  postgres: (session, at) => postgres.decodeSession({ ...postgresRow(session), factor_at: at }),
  redis(session, at) {
    const cells = redisRow(session).split(redis.separator);
    return redis.decodeSession(session.id, cells.with(redis.cell.factorShown - 1, String(at)).join(redis.separator));
  },
};

for (const [store, { through }] of Object.entries(formats)) {
  test(`${store}: a session keeps what a second factor was given for; a time without that is no longer remembered`, () => {
    for (const factorShown of shown) {
      const session: StoredSession = { ...plan(), factorShown };
      assert.deepEqual(through(session).factorShown, factorShown);
    }
    const session: StoredSession = { ...plan(), factorShown: undefined };
    assert.deepEqual(momentAlone[store]!(session, 1_780_000_000_000), through(session));
  });
}

test('an export keeps it by name, and one of the previous format has none of it', () => {
  const session: StoredSession = { ...plan(), openedWith: ['sessions.create'] };
  const line = encodeRecord({ kind: 'session', session, writtenAt: undefined });
  assert.match(line, /"openedWith":\["sessions.create"\]/);
  const read = (text: string) => (decodeRecord(text) as { session: StoredSession }).session.openedWith;
  assert.deepEqual(read(line), ['sessions.create']);
  assert.equal(read(line.replace(',"openedWith":["sessions.create"]', '')), undefined);
});

test('N10.2: the shape of a row belongs to the number of its format: a change of one must raise the other', () => {
  const kindOf = (cell: unknown): string =>
    cell === null || cell === '' ? '-' : Array.isArray(cell) ? `(${cell.map(kindOf).join(' ')})` : typeof cell;
  const shape = (row: readonly unknown[]) => row.map(kindOf).join(' ');
  const session: StoredSession = { ...plan(), openedWith: ['sessions.create'], aliases: [newAlias()], data: '{}' };
  const event: NewEvent = { type: 'session.ended', at: 1, by: 'library', userId: session.userId, reason: 'logout' };
  const log = { sequence: 1, at: 1, sessionId: session.id };
  const cells = (row: string) => row.split(redis.separator);
  assert.deepEqual(
    {
      lmdb: lmdb.format,
      session: shape(lmdb.encodeSession(session, nextDeadline(session))),
      event: shape(lmdb.encodeEvent(event, { head: 1, lastEvent: 1, active: 1, time: 1 })),
      log: shape(lmdb.encodeLog(log, 1)),
    },
    {
      lmdb: 5,
      session:
        'string - boolean (string) (string - - - - -) - string number number number number number object number number object object - - number - number number - number (string) string',
      event: 'number number string string - string - number number number',
      log: 'number string string string',
    },
  );
  assert.deepEqual(
    {
      redis: redis.format,
      session: shape(cells(redisRow(session))),
      event: shape(cells(redis.encodeEvent(event))),
      log: shape(cells(redis.encodeLog(log))),
    },
    {
      redis: 7,
      session:
        'string string - string - - - string string string string string - string string string string - - string - string string string string string string string',
      event: 'string string string string - string -',
      log: 'string string string string',
    },
  );
});

test('N10.2: so do accounts, keys, named sessions and epochs of an embedded store', async (t) => {
  const folder = temporaryFolder();
  t.after(folder.remove);
  const store = await openLmdbStore(folder.path);
  await writeOneOfEach(store);
  await store.close();
  const root = openToRead(folder.path);
  t.after(() => root.close());
  const layoutsIn = (table: TableName) => [...openDatabase(root, table).getRange()].map(({ value }) => layoutOf(value));
  assert.deepEqual(
    {
      lmdb: lmdb.format,
      accounts: layoutsIn('accounts'),
      keys: layoutsIn('keys'),
      slots: layoutsIn('slots'),
      epochs: layoutsIn('epochs'),
    },
    {
      lmdb: 5,
      accounts: [
        '{id: string, username: string, email: string, pendingEmail: string, name: string, roles: [string], permissions: [string], disabled: boolean, createdAt: number, updatedAt: number, lastLoginAt: number, version: number, passwordHash: string, factor: {sealedSecret: bytes, confirmedAt: number, lastStep: number, backupCodes: [string]}}',
      ],
      keys: [
        '{id: string, name: string, hash: bytes, scopes: [string], createdAt: number, createdBy: string, revokedAt: number, lastUsedAt: number}',
      ],
      slots: [
        '{name: string, config: {}, started: boolean, sessionId: string, kept: boolean, createdAt: number, updatedAt: number, version: number}',
      ],
      // Of everyone, and of a user.
      epochs: [
        '[number boolean - [number string string number]]',
        '[number boolean string [number string string number]]',
      ],
    },
  );
});
