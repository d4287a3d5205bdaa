import { randomBytes } from 'node:crypto';
import { decodeAlias, encodeAlias } from '../../domain/alias.ts';
import type { KeyId, SessionId, UserId } from '../../domain/brand.ts';
import type { Device } from '../../domain/device.ts';
import { eventTypes, type NewEvent } from '../../domain/events.ts';
import { decodeFactorShown, encodeFactorShown } from '../../domain/factor-shown.ts';
import { bitsOfPermissions, permissionsOfBits } from '../../domain/permissions.ts';
import type { SequencedEnd } from '../../domain/reasons.ts';
import type { StoredSession } from '../../domain/session.ts';
import type { LogEntry, LogScope } from '../contract.ts';

/*
 * The format of the rows: arrays by position, so that a row names no field, is small and reads fast.
 * Times close to the session's creation are kept as milliseconds since then: four bytes, not nine.
 * `null` means absent. Format 2 has marks in the rows of the log. Format 3 has the permissions of its creator in the
 * last cell of a session. Older rows lack both and are read as they are. Format 4 has revocations of keys in the log, a
 * separate scope for attaching, the fingerprint of the secret key, and what a second factor was given for as well as
 * when. Format 5 has the aliases and the data of a session in its last cells, and an index of
 * the aliases.
 */
export const format = 5;
/** Formats that are migrated. */
export const formatsBefore: readonly number[] = [1, 2, 3, 4];
/** The first format in which attaching a verifier requires a separate scope. */
export const attachScopeSince = 4;

type Cell = unknown;
export type Row = readonly Cell[];

/** A live session's row; `nextCheckAt` is its time in the index by deadline. */
export function encodeSession(stored: StoredSession, nextCheckAt: number): Row {
  const { createdAt, refresh, epochs, end } = stored;
  return [
    stored.userId,
    stored.name ?? null,
    stored.suspended,
    stored.accessGroups,
    encodeDevice(stored.device),
    stored.userAgent ?? null,
    stored.ip ?? null,
    createdAt,
    stored.authenticatedAt - createdAt,
    stored.lastSeenAt - createdAt,
    stored.expiresAt - createdAt,
    stored.idle,
    stored.metadata,
    epochs.user,
    epochs.everyone,
    stored.tokenHash,
    refresh.hash,
    refresh.previousHash ?? null,
    refresh.rotatedAt ?? null,
    refresh.rotations,
    stored.factorShown ? encodeFactorShown(stored.factorShown) : null,
    stored.version,
    nextCheckAt - createdAt,
    end ? encodeEnd(end) : null,
    stored.openedWith ? bitsOfPermissions(stored.openedWith) : null,
    stored.aliases.length > 0 ? stored.aliases.map(encodeAlias) : null,
    stored.data ?? null,
  ];
}

export function decodeSession(id: SessionId, row: Row): StoredSession {
  const [userId, name, suspended, accessGroups, device, userAgent, ip] = row as Cells;
  const createdAt = row[7] as number;
  return {
    id,
    userId: userId as UserId,
    name: (name as StoredSession['name']) ?? undefined,
    suspended: suspended as boolean,
    accessGroups: accessGroups as StoredSession['accessGroups'],
    device: decodeDevice(device as Cells),
    userAgent: (userAgent as string) ?? undefined,
    ip: (ip as string) ?? undefined,
    createdAt,
    authenticatedAt: createdAt + (row[8] as number),
    lastSeenAt: createdAt + (row[9] as number),
    expiresAt: createdAt + (row[10] as number),
    idle: row[11] as number,
    metadata: row[12] as StoredSession['metadata'],
    epochs: { user: row[13] as number, everyone: row[14] as number },
    tokenHash: row[15] as Uint8Array,
    refresh: {
      hash: row[16] as Uint8Array,
      previousHash: (row[17] as Uint8Array) ?? undefined,
      rotatedAt: (row[18] as number) ?? undefined,
      rotations: row[19] as number,
    },
    factorShown: decodeFactorShown(row[20]),
    openedWith: typeof row[24] === 'number' ? permissionsOfBits(row[24]) : undefined,
    data: (row[26] as string | null | undefined) ?? undefined,
    aliases: ((row[25] as string[] | null | undefined) ?? []).map(decodeAlias),
    end: row[23] ? decodeEnd(row[23] as Cells) : undefined,
    version: row[21] as number,
  };
}

/** The time of a live session in the index by deadline. */
export function nextCheckAtOf(row: Row): number {
  return (row[7] as number) + (row[22] as number);
}

export function versionOf(row: Row): number {
  return row[21] as number;
}

/** When the session of a row ends by itself if nothing else happens. */
export function deadlineOf(row: Row): number {
  const [lastSeen, idle] = [row[9] as number, row[11] as number];
  return (row[7] as number) + Math.min(row[10] as number, lastSeen + idle);
}

export function lastSeenOf(row: Row): number {
  return (row[7] as number) + (row[9] as number);
}

type Cells = unknown[];

function encodeDevice(device: Device): Row {
  return [device.type, device.name, device.longVersion, device.os?.name, device.os?.version, device.model].map(
    (part) => part ?? null,
  );
}

function decodeDevice([type, name, longVersion, osName, osVersion, model]: Cells): Device {
  const device: Device = { type: type as string };
  if (name) device.name = name as string;
  if (longVersion) {
    const text = longVersion as string;
    const dot = text.indexOf('.');
    device.version = dot < 0 ? text : text.slice(0, dot);
    device.longVersion = text;
  }
  if (osName) {
    device.os = osVersion ? { name: osName as string, version: osVersion as string } : { name: osName as string };
  }
  if (model) device.model = model as string;
  return device;
}

export function encodeEnd(end: SequencedEnd): Row {
  return [end.at, end.by, end.reason, end.sequence];
}

export function decodeEnd([at, by, reason, sequence]: Cells): SequencedEnd {
  return {
    at: at as number,
    by: by as SequencedEnd['by'],
    reason: reason as SequencedEnd['reason'],
    sequence: sequence as number,
  };
}

export function encodeLog(scope: LogScope, at: number): Row {
  const mark = randomBytes(9).toString('base64url');
  if ('sessionId' in scope) return [at, 's', scope.sessionId, mark];
  if ('userId' in scope) return [at, 'u', scope.userId, mark];
  return 'keyId' in scope ? [at, 'k', scope.keyId, mark] : [at, 'a', null, mark];
}

export function decodeLog(sequence: number, row: Row): LogEntry {
  const [at, kind, key] = row as [number, string, string];
  const position = { sequence, mark: markOf(row), at };
  if (kind === 's') return { ...position, sessionId: key as SessionId };
  if (kind === 'u') return { ...position, userId: key as UserId };
  return kind === 'k' ? { ...position, keyId: key as KeyId } : { ...position, all: true };
}

/** The entry's mark, which no other entry has at the same sequence. Format 1 had none, so its content serves as one. */
export function markOf(row: Row): string {
  return (row[3] as string | undefined) ?? row.join(' ');
}

/** The store's counters. They are in the last event of each batch, which is written anyway. */
export type Counters = { head: number; lastEvent: number; active: number; time: number };

const eventCells = 7;

export function encodeEvent(event: NewEvent, counters: Counters | undefined): Row {
  const { type, at, by, userId, sessionId, reason, details } = event;
  const row = [eventTypes.indexOf(type), at, by, userId, sessionId, reason, details].map((cell) => cell ?? null);
  if (counters) return [...row, counters.head, counters.active, counters.time];
  while (row.at(-1) === null) row.pop();
  return row;
}

export function countersOf(sequence: number, row: Row): Counters | undefined {
  if (row.length === eventCells) return undefined;
  const [head, active, time] = row.slice(eventCells) as [number, number, number];
  return head === undefined ? undefined : { head, lastEvent: sequence, active, time };
}

/** The session whose creation an event records, if any. */
export function createdIn(row: Row): SessionId | undefined {
  return typeOf(row[0]) === 'session.created' ? ((row[4] as SessionId | null) ?? undefined) : undefined;
}

/** Early versions of format 1 had types by name instead of by number. */
function typeOf(cell: Cell): NewEvent['type'] {
  return typeof cell === 'string' ? (cell as NewEvent['type']) : eventTypes[cell as number]!;
}

export function decodeEvent(row: Row): NewEvent {
  const [type, at, by, userId, sessionId, reason, details] = row as Cells;
  const event: NewEvent = { type: typeOf(type), at: at as number, by: by as NewEvent['by'] };
  if (userId) event.userId = userId as UserId;
  if (sessionId) event.sessionId = sessionId as SessionId;
  if (reason) event.reason = reason as NonNullable<NewEvent['reason']>;
  if (details) event.details = details as NonNullable<NewEvent['details']>;
  return event;
}
