import type { Database } from 'lmdb';
import { nameOfAlias } from '../../domain/alias.ts';
import type { AccountId } from '../../domain/brand.ts';
import { nextDeadline, type StoredSession } from '../../domain/session.ts';
import { refuseUsed, type StoreRecord } from '../records.ts';
import { namesOf } from './accounts.ts';
import { decodeEvent, decodeLog, decodeSession, encodeEvent, encodeLog, encodeSession, format } from './codec.ts';
import { completeLog, type State, setCounters } from './commit.ts';
import { loadEpochs, putStep } from './epochs.ts';
import { idOfTimeKey, stateKeys, tagKeys, timeKey, timeOfTimeKey } from './keys.ts';
import { recordedAt } from './sessions.ts';
import type { Tables } from './tables.ts';

/** How many records share a transaction. */
const piece = 2000;
/** The format during an import: a store whose import was interrupted does not open. */
export const halfImported = 'half imported';
/** The key of the secret key's fingerprint. */
export const fingerprintKey = 'secretKey';

/** Everything as of now: one process owns the folder, and an export does nothing else with it meanwhile. */
export async function* exportRecords(tables: Tables, state: State): AsyncGenerator<StoreRecord> {
  const { head, lastEvent, time } = state;
  yield { kind: 'counters', head, lastEvent, time };
  for (const step of state.epochs.everyone) yield { kind: 'epoch', userId: null, ...step };
  for (const userId of state.epochs.users) {
    for (const step of state.epochs.historyOf(userId)) yield { kind: 'epoch', userId, ...step };
  }
  for (const { value } of inPieces(tables.accounts)) yield { kind: 'account', account: value as never };
  for (const { value } of inPieces(tables.keys)) yield { kind: 'key', key: value as never };
  for (const { key, value } of inPieces(tables.sessions)) {
    const session = decodeSession(key as StoredSession['id'], value);
    yield { kind: 'session', session, writtenAt: session.end && recordedAt(tables, session.end) };
  }
  for (const { key } of inPieces(tables.graves)) {
    const id = idOfTimeKey(key);
    yield { kind: 'session', session: decodeSession(id, tables.ended.get(id)!), writtenAt: timeOfTimeKey(key) };
  }
  for (const { value } of inPieces(tables.slots)) yield { kind: 'slot', slot: value as never };
  for (const { key, value } of inPieces(tables.log)) {
    const { mark: _, ...entry } = decodeLog(key, value);
    yield { kind: 'log', entry };
  }
  for (const { key, value } of inPieces(tables.events)) {
    yield { kind: 'event', event: { sequence: key, ...decodeEvent(value) } };
  }
}

/** A table from its start to its end; no cursor stays open while the reader does something else. */
function* inPieces<Value, Key extends string | number>(
  table: Database<Value, Key>,
): Iterable<{ key: Key; value: Value }> {
  for (let rows: { key: Key; value: Value }[] = []; ; ) {
    const last = rows.at(-1);
    rows = [...table.getRange({ limit: piece, ...(last && { start: last.key, exclusiveStart: true }) })];
    yield* rows;
    if (rows.length < piece) return;
  }
}

/**
 * Writes records piece by piece; one final step records that the import is complete, and the key that it needs. `fault`:
 * the meaning of a failed write.
 */
export async function importRecords(
  tables: Tables,
  records: AsyncIterable<StoreRecord>,
  fingerprint: string | undefined,
  fault: (error: unknown) => Promise<Error>,
): Promise<void> {
  const failed = async (error: unknown) => {
    throw await fault(error);
  };
  const commit = (put: () => void) => tables.root.transaction(put).catch(failed);
  const used = [tables.sessions, tables.ended, tables.accounts, tables.keys, tables.slots, tables.events, tables.log];
  const isUsed = used.some((table) => [...table.getKeys({ limit: 1 })].length > 0);
  refuseUsed(isUsed, tables.meta.get(fingerprintKey) as string | undefined, fingerprint);
  await commit(() => void tables.meta.put('format', halfImported));
  let counters: Extract<StoreRecord, { kind: 'counters' }> | undefined;
  let active = 0;
  let waiting: StoreRecord[] = [];
  const write = async () => {
    const taken = waiting;
    waiting = [];
    await commit(() => {
      for (const record of taken) writeOne(tables, record);
    });
  };
  let epochs: ReturnType<typeof loadEpochs> | undefined;
  for await (const record of records) {
    if (record.kind === 'counters') counters = record;
    if (record.kind === 'session') {
      // All steps of epochs have come before this record.
      if (!epochs) {
        await write();
        epochs = loadEpochs(tables);
      }
      const { end, suspended, userId, epochs: stamped } = record.session;
      const present = epochs.of(userId);
      const current = stamped.everyone === present.everyone && stamped.user === present.user;
      if (!end && !suspended && current) active += 1;
    }
    waiting.push(record);
    if (waiting.length === piece) await write();
  }
  await write();
  const { head = 0, lastEvent = 0, time = 0 } = counters ?? {};
  await commit(() => {
    completeLog(tables, { head, time });
    setCounters(tables, { head, lastEvent, active, time }, { buried: head, placed: lastEvent, begun: lastEvent });
    tables.meta.put('format', format);
    if (fingerprint !== undefined) tables.meta.put(fingerprintKey, fingerprint);
  });
  tables.root.resetReadTxn();
}

function writeOne(tables: Tables, record: StoreRecord): void {
  switch (record.kind) {
    case 'counters':
      return;
    case 'epoch': {
      const { userId, number, end, settled } = record;
      putStep(tables, userId ?? undefined, { number, end, settled });
      return;
    }
    case 'account': {
      const { account } = record;
      tables.accounts.put(account.id, account);
      for (const name of namesOf(account)) tables.logins.put(name, account.id as AccountId);
      return;
    }
    case 'key':
      tables.keys.put(record.key.id, record.key);
      return;
    case 'session':
      writeSession(tables, record.session, record.writtenAt);
      return;
    case 'slot':
      tables.slots.put(record.slot.name, record.slot);
      return;
    case 'log': {
      const { sequence, at, ...scope } = record.entry;
      tables.log.put(sequence, encodeLog(scope, at));
      return;
    }
    case 'event': {
      const { sequence, ...event } = record.event;
      tables.events.put(sequence, encodeEvent(event, undefined));
    }
  }
}

/** Writes a session where it belongs: among the living, or among the past if its end is recorded. */
function writeSession(tables: Tables, stored: StoredSession, writtenAt: number | undefined): void {
  const { sessions, ended, live, past, deadlines, graves, aliases } = tables;
  const nextCheckAt = nextDeadline(stored);
  for (const alias of stored.aliases) aliases.put(nameOfAlias(alias), stored.id);
  for (const key of stateKeys(stored)) live.put(key, stored.id);
  for (const key of tagKeys(stored)) (stored.end ? past : live).put(key, stored.id);
  if (stored.end) {
    ended.put(stored.id, encodeSession(stored, nextCheckAt));
    graves.put(timeKey(writtenAt ?? stored.end.at, stored.id), true);
  } else {
    sessions.put(stored.id, encodeSession(stored, nextCheckAt));
    deadlines.put(timeKey(nextCheckAt, stored.id), true);
  }
}
