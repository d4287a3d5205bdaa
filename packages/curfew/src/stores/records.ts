import type { Account } from '../domain/account.ts';
import type { UserId } from '../domain/brand.ts';
import type { Event } from '../domain/events.ts';
import type { ApiKey } from '../domain/key.ts';
import type { NamedSession } from '../domain/named.ts';
import type { SequencedEnd } from '../domain/reasons.ts';
import type { StoredSession } from '../domain/session.ts';
import { CurfewError } from '../errors.ts';
import type { LogEntry } from './contract.ts';

/**
 * One record in a transfer from one store to another. Records come in the order in which they are listed here: the
 * counters first, then the steps of epochs, and everything else after what it refers to.
 */
export type StoreRecord =
  /** The newest sequences, and the latest time. */
  | { kind: 'counters'; head: number; lastEvent: number; time: number }
  /** A step of a user's epoch, or (`null`) of everyone's, lowest first. */
  | { kind: 'epoch'; userId: UserId | null; number: number; end: SequencedEnd; settled: boolean }
  | { kind: 'account'; account: Account }
  | { kind: 'key'; key: ApiKey }
  /** `writtenAt`: when the end was recorded. */
  | { kind: 'session'; session: StoredSession; writtenAt: number | undefined }
  | { kind: 'slot'; slot: NamedSession }
  /** Without its mark, which depends on the store's log. */
  | { kind: 'log'; entry: WithoutMark<LogEntry> }
  | { kind: 'event'; event: Event };

type WithoutMark<Entry> = Entry extends unknown ? Omit<Entry, 'mark'> : never;

export type RecordKind = StoreRecord['kind'];

const order: readonly RecordKind[] = ['counters', 'epoch', 'account', 'key', 'session', 'slot', 'log', 'event'];

/** A record as a line of JSON, with bytes as base64. */
export function encodeRecord(record: StoreRecord): string {
  return JSON.stringify(withBytes(record, toText));
}

/** @throws `export_damaged` when a line is not a record of an export */
export function decodeRecord(line: string): StoreRecord {
  let found: unknown;
  try {
    found = JSON.parse(line);
  } catch (error) {
    throw new CurfewError('export_damaged', { detail: 'A line is not JSON.' }, error);
  }
  const { kind } = (found ?? {}) as { kind?: unknown };
  if (!order.includes(kind as RecordKind)) {
    throw new CurfewError('export_damaged', { detail: `A line is of no known kind: ${JSON.stringify(kind)}.` });
  }
  try {
    return withBytes(found as StoreRecord, toBytes);
  } catch (error) {
    throw new CurfewError('export_damaged', { detail: `A line of kind ${kind} lacks what belongs in it.` }, error);
  }
}

/** The record's place in the order; a stream never goes back in it. */
export function rankOf(record: StoreRecord): number {
  return order.indexOf(record.kind);
}

type Convert = (value: Uint8Array) => Uint8Array;

/** Converts the few parts of records that are bytes. In JSON they are text, but they keep the type of bytes. */
function withBytes(record: StoreRecord, convert: Convert): StoreRecord {
  switch (record.kind) {
    case 'session': {
      const { tokenHash, refresh } = record.session;
      const { hash, previousHash } = refresh;
      const converted = { ...refresh, hash: convert(hash), previousHash: previousHash && convert(previousHash) };
      // Before format 4 of exports, sessions had no aliases.
      const { aliases = [] } = record.session as Partial<StoredSession>;
      return { ...record, session: { ...record.session, tokenHash: convert(tokenHash), refresh: converted, aliases } };
    }
    case 'account': {
      const { factor } = record.account;
      if (!factor) return record;
      const sealed = { ...factor, sealedSecret: convert(factor.sealedSecret) };
      return { ...record, account: { ...record.account, factor: sealed } };
    }
    case 'key':
      return { ...record, key: { ...record.key, hash: convert(record.key.hash) } };
    default:
      return record;
  }
}

const toText: Convert = (value) => Buffer.from(value).toString('base64') as unknown as Uint8Array;
const toBytes: Convert = (value) => Buffer.from(value as unknown as string, 'base64');

/**
 * Refuses a store that is not as good as new: one that contains anything, or that was used with another secret key than
 * the records need.
 * @throws `store_not_empty`
 */
export function refuseUsed(used: boolean, kept: string | undefined, fingerprint: string | undefined): void {
  if (used) throw new CurfewError('store_not_empty');
  if (kept === undefined || fingerprint === undefined || kept === fingerprint) return;
  throw new CurfewError('store_not_empty', {
    detail: `It was used with the secret key ${kept}, and what is imported needs ${fingerprint} (these are fingerprints).`,
  });
}
