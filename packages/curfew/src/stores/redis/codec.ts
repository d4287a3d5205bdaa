import { randomBytes } from 'node:crypto';
import type { Account } from '../../domain/account.ts';
import { decodeAlias, encodeAlias } from '../../domain/alias.ts';
import type { KeyId, SessionId, SessionName, UserId } from '../../domain/brand.ts';
import type { NewEvent } from '../../domain/events.ts';
import { decodeFactorShown, encodeFactorShown } from '../../domain/factor-shown.ts';
import type { ApiKey } from '../../domain/key.ts';
import type { NamedSession } from '../../domain/named.ts';
import { bitsOfPermissions, permissionsOfBits } from '../../domain/permissions.ts';
import type { SequencedEnd } from '../../domain/reasons.ts';
import type { StoredSession } from '../../domain/session.ts';
import type { LogEntry, LogHead, LogScope, NodeRow } from '../contract.ts';
import type { StoreRecord } from '../records.ts';

/*
 * The format of the rows. A row is text: its cells, joined by the unit separator (U+001F). No id, name, group or
 * address contains a control character, and JSON escapes them, so no cell contains one. Scripts read cells by their
 * place, and so never parse JSON. An empty cell means absent. Format 3 has the fourth cell in the rows of the log,
 * format 4 the last one in those of sessions; older rows are read as they are. Format 5 has revocations of keys in the
 * log, the fingerprint of the secret key, more than the time in `factorShown`, and a separate scope for attaching a
 * verifier, which opening an older store gives to the keys that could attach. Format 6 has a sorted set of the sessions
 * that are in no list yet; opening an older store puts all of them into the lists. Format 7 has the aliases and
 * the data of a session in its last cells, and keys of their own for the aliases.
 */
export const format = 7;
export const formatsBefore: readonly string[] = ['2', '3', '4', '5', '6'];

export const separator = '\u001f';
/** Separates the access groups in their cell. */
export const groupSeparator = '\u001e';

/**
 * The cells of a session's row by their place, counted from 1 as in scripts. The mark records how far the epochs of its
 * group of slots had advanced when it was written: everyone's epoch, a dot, and how many users' epochs there had moved.
 * While it is the current mark, no epoch has ended the session; most reads find that and need nothing else.
 */
export const cell = {
  epochStamp: 1,
  user: 2,
  endAt: 3,
  userId: 4,
  endBy: 5,
  endReason: 6,
  endSequence: 7,
  version: 8,
  suspended: 9,
  lastSeenAt: 10,
  expiresAt: 11,
  idle: 12,
  name: 13,
  groups: 14,
  ip: 15,
  // Scripts read the cells from here on as one, except when they change them.
  tokenHash: 16,
  refreshHash: 17,
  previousHash: 18,
  rotatedAt: 19,
  rotations: 20,
  /** When a second factor was given, for what, and from where. */
  factorShown: 21,
  createdAt: 22,
  authenticatedAt: 23,
  /** JSON: the device, and the user agent that it was derived from. */
  device: 24,
  /** JSON. */
  metadata: 25,
  /** Permissions, as the number into which domain/permissions.ts encodes them. */
  openedWith: 26,
  /** As it is: it contains no control character. */
  data: 27,
  /** Each as one text, separated like groups. Scripts find them as the last cell. */
  aliases: 28,
} as const;

/** The mark of a group of slots in which no epoch has moved yet. */
export const firstEpochStamp = '0.0';

/** The cells before a session's last activity, without the mark: up to the reason of its end, and behind its sequence. */
function encodeHead({ epochs, end, userId, version, suspended }: StoredSession): [string, string] {
  const why = end
    ? `${end.at}${separator}${userId}${separator}${end.by}${separator}${end.reason}`
    : separator + userId + separator + separator;
  return [
    epochs.user + separator + why + separator,
    `${separator}${version}${separator}${suspended ? 1 : 0}${separator}`,
  ];
}

/** The cells behind the last activity. */
function encodeRest(session: StoredSession): string {
  const { refresh } = session;
  return [
    session.expiresAt,
    session.idle,
    session.name ?? '',
    session.accessGroups.join(groupSeparator),
    session.ip ?? '',
    encodeBytes(session.tokenHash),
    encodeBytes(refresh.hash),
    encodeBytes(refresh.previousHash),
    refresh.rotatedAt ?? '',
    refresh.rotations,
    session.factorShown ? encodeFactorShown(session.factorShown) : '',
    session.createdAt,
    session.authenticatedAt,
    JSON.stringify([session.device, session.userAgent ?? null]),
    JSON.stringify(session.metadata),
    session.openedWith ? bitsOfPermissions(session.openedWith) : '',
    session.data ?? '',
    session.aliases.map(encodeAlias).join(groupSeparator),
  ].join(separator);
}

/** A session's row behind its mark. */
export function encodeSession(session: StoredSession): string {
  const [before, after] = encodeHead(session);
  return before + (session.end?.sequence ?? '') + after + session.lastSeenAt + separator + encodeRest(session);
}

/** What follows the mark in the row of a session, as far as it shows which version that is; or also its last activity. */
export function encodeStanding(session: StoredSession, untouched: boolean): string {
  const [before, after] = encodeHead(session);
  const sequence = session.end?.sequence ?? '';
  if (untouched) return before + sequence + after + session.lastSeenAt + separator;
  // All but whether it is suspended, which the version tells.
  return before + sequence + after.slice(0, -2);
}

/**
 * The row that replaces that of `before`, in parts: what stands before the sequence of its end; the entry that gives it, if
 * one does, and what stands from there to the last activity; what follows that, or nothing if it stays.
 */
export function encodeChange(
  before: StoredSession,
  after: StoredSession,
  entry: number | undefined,
): [before: string, after: string, rest: string] {
  const [head, then] = encodeHead(after);
  const rest = isSameBehind(before, after) ? '' : separator + encodeRest(after);
  if (entry !== undefined) return [head, entry + 1 + then + after.lastSeenAt, rest];
  return [head + (after.end?.sequence ?? ''), then + after.lastSeenAt, rest];
}

/** Whether all cells after the last activity are the same, because what they are made of is. */
function isSameBehind(before: StoredSession, after: StoredSession): boolean {
  for (const key in after) {
    if (!ofHead.has(key) && after[key as keyof StoredSession] !== before[key as keyof StoredSession]) return false;
  }
  return true;
}

const ofHead: ReadonlySet<string> = new Set(['id', 'userId', 'epochs', 'end', 'version', 'suspended', 'lastSeenAt']);

/** The first of the cells that scripts read as one. */
export const tail: number = cell.tokenHash;

export function decodeSession(id: SessionId, row: string): StoredSession {
  const cells = row.split(separator);
  const at = (place: number) => cells[place - 1]!;
  const { device, userAgent } = decodeDevice(at(cell.device));
  return {
    id,
    userId: at(cell.userId) as UserId,
    name: (at(cell.name) || undefined) as SessionName | undefined,
    suspended: at(cell.suspended) === '1',
    accessGroups:
      at(cell.groups) === '' ? [] : (at(cell.groups).split(groupSeparator) as StoredSession['accessGroups'][number][]),
    device,
    userAgent,
    ip: at(cell.ip) || undefined,
    createdAt: Number(at(cell.createdAt)),
    authenticatedAt: Number(at(cell.authenticatedAt)),
    lastSeenAt: Number(at(cell.lastSeenAt)),
    expiresAt: Number(at(cell.expiresAt)),
    idle: Number(at(cell.idle)),
    metadata: JSON.parse(at(cell.metadata)) as StoredSession['metadata'],
    epochs: { user: Number(at(cell.user)), everyone: Number.parseInt(at(cell.epochStamp), 10) },
    tokenHash: decodeBytes(at(cell.tokenHash)),
    refresh: {
      hash: decodeBytes(at(cell.refreshHash)),
      previousHash: at(cell.previousHash) === '' ? undefined : decodeBytes(at(cell.previousHash)),
      rotatedAt: optionalNumber(at(cell.rotatedAt)),
      rotations: Number(at(cell.rotations)),
    },
    factorShown: decodeFactorShown(at(cell.factorShown)),
    openedWith: decodePermissions(cells[cell.openedWith - 1]),
    aliases: decodeAliases(cells[cell.aliases - 1]),
    data: cells[cell.data - 1] || undefined,
    end:
      at(cell.endAt) === ''
        ? undefined
        : decodeEnd([at(cell.endAt), at(cell.endBy), at(cell.endReason), at(cell.endSequence)]),
    version: Number(at(cell.version)),
  };
}

type DeviceCell = Pick<StoredSession, 'device' | 'userAgent'>;

const devicesKept = 1000;
const devices: Map<string, DeviceCell> = new Map();

/** The same few devices recur, and parsing one takes half as long as all the rest: see deviceOf. */
function decodeDevice(json: string): DeviceCell {
  const known = devices.get(json);
  if (known) return known;
  const [device, userAgent] = JSON.parse(json) as [StoredSession['device'], string | null];
  const read = { device, userAgent: userAgent ?? undefined };
  if (devices.size >= devicesKept) devices.delete(devices.keys().next().value!);
  devices.set(json, read);
  return read;
}

/** An end as scripts return it: when, by whom, why, its entry in the log. */
export type EndCells = readonly [at: string | number, by: string, reason: string, sequence: string | number];

export function decodeEnd([at, by, reason, sequence]: EndCells): SequencedEnd {
  return {
    at: Number(at),
    by: by as SequencedEnd['by'],
    reason: reason as SequencedEnd['reason'],
    sequence: Number(sequence),
  };
}

export function encodeEvent({ type, at, by, userId, sessionId, reason, details }: NewEvent): string {
  const json = details === undefined ? '' : JSON.stringify(details);
  return [type, at, by, userId ?? '', sessionId ?? '', reason ?? '', json].join(separator);
}

export function decodeEvent(row: string): NewEvent {
  const [type, at, by, userId, sessionId, reason, details] = row.split(separator) as [string, ...string[]];
  const event: NewEvent = { type: type as NewEvent['type'], at: Number(at), by: by as NewEvent['by'] };
  if (userId) event.userId = userId as UserId;
  if (sessionId) event.sessionId = sessionId as SessionId;
  if (reason) event.reason = reason as NonNullable<NewEvent['reason']>;
  if (details) event.details = JSON.parse(details) as NonNullable<NewEvent['details']>;
  return event;
}

/** An entry of the log: its time, `s` (a session), `u` (a user), `k` (an API key) or `a` (all), and the id. */
export type LogRecord = Extract<StoreRecord, { kind: 'log' }>['entry'];

/**
 * The row of an entry is its mark. Its last cell is the microsecond of its script by the clock of Redis: another
 * history would need the same change in the same microsecond.
 */
export function decodeLog(sequence: number, row: string): LogEntry {
  const [time, kind, subject] = row.split(separator);
  const position = { sequence, mark: row, at: Number(time) };
  if (kind === 's') return { ...position, sessionId: subject as SessionId };
  if (kind === 'u') return { ...position, userId: subject as UserId };
  return kind === 'k' ? { ...position, keyId: subject as KeyId } : { ...position, all: true };
}

/** The row of an entry without its last cell. */
export function encodeScope(at: number, scope: LogScope): string {
  if ('sessionId' in scope) return [at, 's', scope.sessionId].join(separator);
  if ('userId' in scope) return [at, 'u', scope.userId].join(separator);
  return ('keyId' in scope ? [at, 'k', scope.keyId] : [at, 'a', '']).join(separator);
}

/** A row of an entry that was made elsewhere. Here it is another entry, so its last cell is generated anew. */
export function encodeLog(entry: LogRecord): string {
  return encodeScope(entry.at, entry) + separator + randomBytes(9).toString('base64url');
}

/** Results of scripts about the log: the newest entry, the incarnation, and the time of Redis. */
export type HeadCells = [sequence: number, mark: string, incarnation: string, now: number];

export function decodeHead([sequence, mark, incarnation, now]: HeadCells): LogHead {
  return { sequence, mark, incarnation, now };
}

/** A node's row: the mark comes last, because it contains separators. Format 2 had no tail. */
export function decodeNode(id: string, row: string): NodeRow {
  const [counter, applied, sequence = '0', ...mark] = row.split(separator);
  const tail = { sequence: Number(sequence), mark: mark.join(separator) };
  return { id, counter: Number(counter), applied: Number(applied), tail };
}

/** A revision has 12 digits of base 16: see scripts/commit.ts. */
export const encodeRevision = (revision: number): string => revision.toString(16).padStart(12, '0');
export const decodeRevision = (text: string): number => Number.parseInt(text, 16);

/** An account's row: its version and its unique names, then all of it as JSON. */
export function encodeAccount(account: Account): string {
  const { factor } = account;
  const json = { ...account, factor: factor && { ...factor, sealedSecret: encodeBytes(factor.sealedSecret) } };
  return [account.version, account.username, account.email ?? '', JSON.stringify(json)].join(separator);
}

export function decodeAccount(row: string): Account {
  const read = JSON.parse(row.split(separator)[3]!) as Account & { factor?: { sealedSecret: string } };
  const { factor } = read;
  return {
    ...read,
    email: read.email,
    pendingEmail: read.pendingEmail,
    name: read.name,
    lastLoginAt: read.lastLoginAt,
    factor: factor && {
      ...factor,
      sealedSecret: decodeBytes(factor.sealedSecret),
      confirmedAt: factor.confirmedAt,
    },
  };
}

export function encodeKey(key: ApiKey): string {
  return JSON.stringify({ ...key, hash: encodeBytes(key.hash) });
}

export function decodeKey(text: string): ApiKey {
  const read = JSON.parse(text) as Omit<ApiKey, 'hash'> & { hash: string };
  return { ...read, hash: decodeBytes(read.hash), revokedAt: read.revokedAt };
}

/** The cells of a slot's row by their place, counted from 1. */
export const slotCell = {
  version: 1,
  started: 2,
  kept: 3,
  sessionId: 4,
  createdAt: 5,
  updatedAt: 6,
  config: 7,
} as const;

export function encodeSlot(slot: NamedSession): string {
  return encodeSlotStanding(slot) + [slot.createdAt, slot.updatedAt, JSON.stringify(slot.config)].join(separator);
}

/** The cells of a slot that show which version it is, and which session is in it. */
export function encodeSlotStanding({ version, started, kept, sessionId }: NamedSession): string {
  return [version, started ? 1 : 0, kept ? 1 : 0, sessionId ?? '', ''].join(separator);
}

export function decodeSlot(name: SessionName, row: string): NamedSession {
  const [version, started, kept, sessionId, createdAt, updatedAt, config] = row.split(separator) as [
    string,
    ...string[],
  ];
  return {
    name,
    config: JSON.parse(config!) as NamedSession['config'],
    started: started === '1',
    sessionId: (sessionId || undefined) as SessionId | undefined,
    kept: kept === '1',
    createdAt: Number(createdAt),
    updatedAt: Number(updatedAt),
    version: Number(version),
  };
}

/** Bytes as text: base 64 without padding, as in a URL. */
function encodeBytes(bytes: Uint8Array | undefined): string {
  if (bytes === undefined) return '';
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url');
}

function decodeBytes(text: string): Uint8Array {
  return Buffer.from(text, 'base64url');
}

/** Format 3 had no such cell. */
function decodePermissions(text = ''): StoredSession['openedWith'] {
  return text === '' ? undefined : permissionsOfBits(Number(text));
}

/** Format 6 had no such cell. */
function decodeAliases(text = ''): StoredSession['aliases'] {
  return text === '' ? [] : text.split(groupSeparator).map(decodeAlias);
}

function optionalNumber(text: string): number | undefined {
  return text === '' ? undefined : Number(text);
}
