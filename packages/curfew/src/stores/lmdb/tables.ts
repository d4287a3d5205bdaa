import { type Database, open, type RootDatabase } from 'lmdb';
import type { SessionId } from '../../domain/brand.ts';
import type { Row } from './codec.ts';
import { refuseLinks } from './files.ts';

/*
 * One LMDB environment with these trees:
 *
 * sessions    id → row               live ones, and those that have just ended, by id: in order of time
 * ended       id → row               tombstones
 * live        key → ids (sorted)     indexes of `sessions`, and of a user's sessions in either: see keys.ts
 * past        key → ids (sorted)     indexes of `ended`
 * deadlines   time + id              when to check a live session again
 * graves      time + id              when a tombstone was made: what may be deleted by now
 * epochs      scope + number → end   the history of epochs whose sessions may not all be recorded yet
 * log         sequence → row         the change log
 * events      sequence → row         the audit trail
 * times       block → two times      the earliest and the latest time of each complete block of events
 * attempts    bucket → row, and the times at which they may be deleted
 * aliases     alias → id           of the sessions in either
 * accounts, logins (unique names → id), keys, slots, meta
 */
export const databases = [
  'sessions',
  'ended',
  'live',
  'past',
  'deadlines',
  'graves',
  'epochs',
  'log',
  'events',
  'times',
  'accounts',
  'logins',
  'aliases',
  'keys',
  'slots',
  'attempts',
  'meta',
] as const;

export type TableName = (typeof databases)[number];

/** Sorted values under one key: indexes. */
const indexes: readonly TableName[] = ['live', 'past'];
const numbered: readonly TableName[] = ['log', 'events', 'times'];

export type Tables = {
  root: RootDatabase;
  sessions: Database<Row, string>;
  ended: Database<Row, string>;
  live: Database<string, string>;
  past: Database<string, string>;
  deadlines: Database<true, string>;
  graves: Database<true, string>;
  epochs: Database<Row, string>;
  log: Database<Row, number>;
  events: Database<Row, number>;
  times: Database<[earliest: number, latest: number], number>;
  accounts: Database<unknown, string>;
  logins: Database<string, string>;
  aliases: Database<string, string>;
  keys: Database<unknown, string>;
  slots: Database<unknown, string>;
  attempts: Database<unknown, string>;
  meta: Database<unknown, string>;
};

export function openDatabase(root: RootDatabase, name: TableName): Database {
  if (indexes.includes(name)) return root.openDB({ name, dupSort: true, encoding: 'ordered-binary' });
  return root.openDB({ name, ...(numbered.includes(name) ? { keyEncoding: 'ordered-binary' } : {}) });
}

/** Opens a store beside a process that may have it open, and changes nothing. @throws `store_linked` */
export function openToRead(folder: string): RootDatabase {
  refuseLinks(folder);
  return open({
    path: folder,
    noSubdir: false,
    maxDbs: databases.length + 2,
    readOnly: true,
    overlappingSync: false,
  });
}

export function openTables(folder: string): Tables {
  const root = open({
    path: folder,
    noSubdir: false,
    maxDbs: databases.length + 2,
    // Batches are made here (commit.ts); lmdb's own would reject a promise that nobody handles when a commit fails.
    eventTurnBatching: false,
  });
  const opened = Object.fromEntries(databases.map((name) => [name, openDatabase(root, name)]));
  return { root, ...opened } as Tables;
}

/**
 * The ids under a key of an index, ascending. Inside a write this must be a range over the one key, because lmdb's own
 * `getValues` reads an uninitialized key there, and fails.
 */
export function idsUnder(index: Tables['live'], key: string, limit?: number): SessionId[] {
  const range = { start: key, end: key, inclusiveEnd: true, ...(limit === undefined ? {} : { limit }) };
  return [...index.getRange(range)].map(({ value }) => value as SessionId);
}

/** An entry of an index. */
export type Entry = { key: string; value: SessionId };

/**
 * Reads from the disk, in another thread, the pages on which entries of an index are or would be: the event loop would
 * stand still for each that it has to read itself.
 */
export function prefetchEntries(index: Tables['live'], entries: readonly Entry[]): Promise<void> {
  // The type declaration knows keys alone, of which all values would be read.
  return index.prefetch(entries as readonly unknown[] as string[]);
}

/** Puts rows with ascending keys. Keys beyond the last are appended, so that LMDB fills whole pages, not half. */
export function putInOrder<Value>(table: Database<Value, string>, rows: Iterable<readonly [string, Value]>): void {
  const put = puttingInOrder(table);
  for (const [key, value] of rows) put(key, value);
}

/** The same, one by one. */
export function puttingInOrder<Value>(table: Database<Value, string>): (key: string, value: Value) => void {
  let last: string | undefined;
  return (key, value) => {
    last ??= [...table.getKeys({ reverse: true, limit: 1 })][0] ?? '';
    if (key > last) {
      append(table, key, value);
      last = key;
    } else table.put(key, value);
  };
}

function append<Value>(table: Database<Value, string>, key: string, value: Value): void {
  // The type declaration lacks this option.
  const options: object = { append: true };
  (table.put as (key: string, value: Value, options: object) => unknown).call(table, key, value, options);
}
