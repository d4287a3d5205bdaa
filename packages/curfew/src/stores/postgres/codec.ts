import type { Account } from '../../domain/account.ts';
import { decodeAlias, encodeAlias } from '../../domain/alias.ts';
import type { KeyId, SessionId } from '../../domain/brand.ts';
import type { Event, NewEvent } from '../../domain/events.ts';
import { decodeFactorShown, encodeFactorShown } from '../../domain/factor-shown.ts';
import type { ApiKey } from '../../domain/key.ts';
import type { NamedSession } from '../../domain/named.ts';
import { bitsOfPermissions, permissionsOfBits } from '../../domain/permissions.ts';
import type { End, SequencedEnd } from '../../domain/reasons.ts';
import { nextDeadline, type StoredSession } from '../../domain/session.ts';
import type { LogEntry, LogHead, LogPosition, NodeList, SessionChange, SessionSnapshot } from '../contract.ts';

/*
 * Rows come in two forms: as PostgreSQL's driver returns them (`bytea` as a buffer), and as JSON from a function
 * (`bytea` as `\x…`). Values are sent as JSON, with the names of columns.
 */
export type Row = { [column: string]: unknown };

export function bytes(value: unknown): Uint8Array {
  return typeof value === 'string' ? Buffer.from(value.slice(2), 'hex') : (value as Buffer);
}

export function hex(value: Uint8Array): string {
  return `\\x${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')}`;
}

const maybe = <T>(value: unknown): T | undefined => (value ?? undefined) as T | undefined;

/** The row of a live session. */
export function encodeSession(stored: StoredSession): Row {
  const { refresh, end } = stored;
  return {
    id: stored.id,
    user_id: stored.userId,
    name: stored.name,
    suspended: stored.suspended,
    groups: stored.accessGroups,
    ip: stored.ip,
    created_at: stored.createdAt,
    authenticated_at: stored.authenticatedAt,
    last_seen_at: stored.lastSeenAt,
    expires_at: stored.expiresAt,
    idle: stored.idle,
    epoch_user: stored.epochs.user,
    epoch_everyone: stored.epochs.everyone,
    token_hash: hex(stored.tokenHash),
    refresh_hash: hex(refresh.hash),
    previous_hash: refresh.previousHash && hex(refresh.previousHash),
    rotated_at: refresh.rotatedAt,
    rotations: refresh.rotations,
    factor_shown: stored.factorShown && encodeFactorShown(stored.factorShown),
    version: stored.version,
    data: JSON.stringify([
      stored.device,
      stored.userAgent ?? null,
      stored.metadata,
      ...(stored.openedWith ? [bitsOfPermissions(stored.openedWith)] : []),
    ]),
    armed: nextDeadline(stored),
    content: stored.data,
    ...(stored.aliases.length > 0 && { aliases: stored.aliases.map(encodeAlias) }),
    ...(end && { end_at: end.at, end_by: end.by, end_reason: end.reason, end_sequence: end.sequence }),
  };
}

export function decodeSession(row: Row): StoredSession {
  // Before version 7 of the schema there was no fourth element.
  const [device, userAgent, metadata, openedWith] = JSON.parse(row['data'] as string) as [
    StoredSession['device'],
    string | null,
    StoredSession['metadata'],
    number?,
  ];
  return {
    id: row['id'] as SessionId,
    userId: row['user_id'] as StoredSession['userId'],
    name: maybe(row['name']),
    suspended: row['suspended'] as boolean,
    accessGroups: row['groups'] as StoredSession['accessGroups'],
    device,
    userAgent: userAgent ?? undefined,
    ip: maybe(row['ip']),
    createdAt: row['created_at'] as number,
    authenticatedAt: row['authenticated_at'] as number,
    lastSeenAt: row['last_seen_at'] as number,
    expiresAt: row['expires_at'] as number,
    idle: row['idle'] as number,
    metadata,
    epochs: { user: row['epoch_user'] as number, everyone: row['epoch_everyone'] as number },
    tokenHash: bytes(row['token_hash']),
    refresh: {
      hash: bytes(row['refresh_hash']),
      previousHash: row['previous_hash'] ? bytes(row['previous_hash']) : undefined,
      rotatedAt: maybe(row['rotated_at']),
      rotations: row['rotations'] as number,
    },
    factorShown: decodeFactorShown(row['factor_shown']),
    openedWith: openedWith === undefined ? undefined : permissionsOfBits(openedWith),
    data: maybe(row['content']),
    aliases: ((row['aliases'] as string[] | null | undefined) ?? []).map(decodeAlias),
    end: row['end_at'] === null ? undefined : decodeEnd(row, 'end_'),
    version: row['version'] as number,
  };
}

/** A session with the end that an epoch gave it, in columns that begin with `epoch_end_`. */
export function decodeSnapshot(row: Row): SessionSnapshot {
  const stored = decodeSession(row);
  const epochEnd = stored.end || row['epoch_end_at'] === null ? undefined : decodeEnd(row, 'epoch_end_');
  return { stored, epochEnd };
}

/** An end in separate columns. */
function decodeEnd(row: Row, prefix: 'end_' | 'epoch_end_'): SequencedEnd {
  return {
    at: row[`${prefix}at`] as number,
    by: row[`${prefix}by`] as SequencedEnd['by'],
    reason: row[`${prefix}reason`] as SequencedEnd['reason'],
    sequence: row[`${prefix}sequence`] as number,
  };
}

/** What a step of an epoch says of the ends that it gives; {@link decodeEnding} reads it. */
export function encodeEnding({ at, by, reason }: End): Row {
  return { at, actor: by, reason };
}

export function decodeEnding({ at, actor, reason, sequence }: Row): SequencedEnd {
  return { at, by: actor, reason, sequence } as SequencedEnd;
}

/** The columns that a change sets: an absent part stays, one that is `undefined` is removed. */
export function encodeChange(set: SessionChange['set']): Row {
  const { tokenHash, refresh, suspended, lastSeenAt } = set;
  return {
    ...(tokenHash && { token_hash: hex(tokenHash) }),
    ...(refresh && {
      refresh_hash: hex(refresh.hash),
      previous_hash: refresh.previousHash ? hex(refresh.previousHash) : null,
      rotated_at: refresh.rotatedAt ?? null,
      rotations: refresh.rotations,
    }),
    ...('factorShown' in set && { factor_shown: set.factorShown ? encodeFactorShown(set.factorShown) : null }),
    ...(suspended !== undefined && { suspended }),
    ...(lastSeenAt !== undefined && { last_seen_at: lastSeenAt }),
  };
}

export function encodeEvent(event: NewEvent): Row {
  const { type, at, userId, sessionId, by, reason, details } = event;
  return { type, at, user_id: userId, session_id: sessionId, data: JSON.stringify({ by, reason, details }) };
}

export function decodeEvent(row: Row): Event {
  const { by, reason, details } = JSON.parse(row['data'] as string) as Pick<NewEvent, 'by' | 'reason' | 'details'>;
  const event: Event = {
    sequence: row['sequence'] as number,
    type: row['type'] as Event['type'],
    at: row['at'] as number,
    by,
  };
  if (row['user_id'] !== null) event.userId = row['user_id'] as NonNullable<Event['userId']>;
  if (row['session_id'] !== null) event.sessionId = row['session_id'] as SessionId;
  if (reason) event.reason = reason;
  if (details) event.details = details;
  return event;
}

export function decodeLog(row: Row): LogEntry {
  const { sequence, mark, at } = row as LogPosition & { at: number };
  const place = { sequence, mark, at };
  if (row['session_id'] !== null) return { ...place, sessionId: row['session_id'] as SessionId };
  if (row['user_id'] !== null) return { ...place, userId: row['user_id'] as StoredSession['userId'] };
  return row['key_id'] === null ? { ...place, all: true } : { ...place, keyId: row['key_id'] as KeyId };
}

export function decodeHead({ sequence, mark, incarnation, now }: Row): LogHead {
  return { sequence, mark, incarnation, now } as LogHead;
}

export function decodeNode({ id, counter, applied, tail, tail_mark, current }: Row): NodeList['nodes'][number] {
  return { id, counter, applied, tail: { sequence: tail, mark: tail_mark }, current } as NodeList['nodes'][number];
}

/** An account with its sealed secret as text. */
export function encodeAccount(account: Account): Row {
  const { id, username, email, version, factor, ...rest } = account;
  const sealed = factor && { ...factor, sealedSecret: Buffer.from(factor.sealedSecret).toString('base64') };
  return { id, username, email, version, data: JSON.stringify({ ...rest, factor: sealed }) };
}

export function decodeAccount(row: Row): Account {
  const { factor, name, pendingEmail, lastLoginAt, ...rest } = JSON.parse(row['data'] as string) as Omit<
    Account,
    'factor'
  > & {
    factor?: Omit<NonNullable<Account['factor']>, 'sealedSecret'> & { sealedSecret: string };
  };
  return {
    ...rest,
    id: row['id'] as Account['id'],
    username: row['username'] as string,
    email: maybe(row['email']),
    version: row['version'] as number,
    name,
    pendingEmail,
    lastLoginAt,
    factor: factor && {
      sealedSecret: Buffer.from(factor.sealedSecret, 'base64'),
      confirmedAt: factor.confirmedAt,
      lastStep: factor.lastStep,
      backupCodes: factor.backupCodes,
    },
  };
}

export function encodeKey({ id, revokedAt, hash, ...rest }: ApiKey): Row {
  return { id, revoked_at: revokedAt, data: JSON.stringify({ ...rest, hash: Buffer.from(hash).toString('base64') }) };
}

export function decodeKey(row: Row): ApiKey {
  const { hash, ...rest } = JSON.parse(row['data'] as string) as Omit<ApiKey, 'hash'> & { hash: string };
  return {
    ...rest,
    id: row['id'] as ApiKey['id'],
    hash: Buffer.from(hash, 'base64'),
    revokedAt: maybe(row['revoked_at']),
  };
}

export function encodeSlot(slot: NamedSession): Row {
  return {
    name: slot.name,
    started: slot.started,
    kept: slot.kept,
    session_id: slot.sessionId,
    created_at: slot.createdAt,
    updated_at: slot.updatedAt,
    version: slot.version,
    config: JSON.stringify(slot.config),
  };
}

export function decodeSlot(row: Row): NamedSession {
  return {
    name: row['name'] as NamedSession['name'],
    config: JSON.parse(row['config'] as string) as NamedSession['config'],
    started: row['started'] as boolean,
    sessionId: maybe(row['session_id']),
    kept: row['kept'] as boolean,
    createdAt: row['created_at'] as number,
    updatedAt: row['updated_at'] as number,
    version: row['version'] as number,
  };
}
