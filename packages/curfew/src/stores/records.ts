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
 * One thing that a store keeps, as it is handed from one store to another. They come in the order in which they stand
 * here: the numbers first, then the steps of epochs, and all else after what it refers to.
 */
export type StoreRecord =
  /** The newest numbers, and the latest moment. */
  | { kind: 'counters'; head: number; lastEvent: number; time: number }
  /** A step of a user's epoch, or (`null`) of everyone's, lowest first. */
  | { kind: 'epoch'; userId: UserId | null; number: number; end: SequencedEnd; settled: boolean }
  | { kind: 'account'; account: Account }
  | { kind: 'key'; key: ApiKey }
  /** `writtenAt`: when the end was written down. */
  | { kind: 'session'; session: StoredSession; writtenAt: number | undefined }
  | { kind: 'slot'; slot: NamedSession }
  /** Without its mark: that says which store's log it stands in. */
  | { kind: 'log'; entry: WithoutMark<LogEntry> }
  | { kind: 'event'; event: Event };

type WithoutMark<Entry> = Entry extends unknown ? Omit<Entry, 'mark'> : never;

export type RecordKind = StoreRecord['kind'];

const order: readonly RecordKind[] = ['counters', 'epoch', 'account', 'key', 'session', 'slot', 'log', 'event'];

/** A record as a line of JSON: bytes as base64. */
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

/** Where in the order a record stands: a stream goes on from there, and never back. */
export function rankOf(record: StoreRecord): number {
  return order.indexOf(record.kind);
}

type Convert = (value: Uint8Array) => Uint8Array;

/** The few parts of records that are bytes; text on its way through JSON, and typed as what they stand for. */
function withBytes(record: StoreRecord, convert: Convert): StoreRecord {
  switch (record.kind) {
    case 'session': {
      const { tokenHash, refresh } = record.session;
      const { hash, previousHash } = refresh;
      const converted = { ...refresh, hash: convert(hash), previousHash: previousHash && convert(previousHash) };
      return { ...record, session: { ...record.session, tokenHash: convert(tokenHash), refresh: converted } };
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
 * Refuses a store that is not as good as new: one that holds anything, or knows another secret key than the one that the
 * records need.
 * @throws `store_not_empty`
 */
export function refuseUsed(used: boolean, kept: string | undefined, fingerprint: string | undefined): void {
  if (used) throw new CurfewError('store_not_empty');
  if (kept === undefined || fingerprint === undefined || kept === fingerprint) return;
  throw new CurfewError('store_not_empty', {
    detail: `It was used with the secret key ${kept}, and what is imported needs ${fingerprint} (these are fingerprints).`,
  });
}
