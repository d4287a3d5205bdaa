import type { Account } from '../../domain/account.ts';
import type { AccountId, KeyId, SessionId, SessionName } from '../../domain/brand.ts';
import type { ApiKey } from '../../domain/key.ts';
import type { NamedSession } from '../../domain/named.ts';
import { CurfewError } from '../../errors.ts';
import type { AccountRow, Found, KeyRow, RowChange, SessionRow, SlotRow } from '../commit.ts';
import type { SessionSnapshot } from '../contract.ts';
import { namesOf, readAccount, readKey, writeAccount } from './accounts.ts';
import { decodeSession, lastSeenOf, type Row, versionOf } from './codec.ts';
import type { Draft } from './commit.ts';
import { readSlot } from './slots.ts';

/** Everything but sessions, whose rows are in several tables and indexes. */
type OtherRow = Exclude<RowChange, SessionRow>;

/** Whether what a change knows of a row is so. */
export function isThere(draft: Draft, row: OtherRow): boolean {
  switch (row.table) {
    case 'slots':
      return isSlot(draft, row);
    case 'accounts':
      return isAccount(draft, row);
    case 'keys':
      return isKey(draft, row);
  }
}

/** The same for a session, whose row is `found`. */
export function isSession(draft: Draft, { before, after, untouched }: SessionRow, found: Row | undefined): boolean {
  if ((found && versionOf(found)) !== before?.version) return false;
  if (!before) return after.aliases.every((alias) => draft.holderOf(alias) === undefined);
  return !untouched || lastSeenOf(found!) === before.lastSeenAt;
}

/** A name that was given up and taken again has an earlier version again, but another session. */
function isSlot(draft: Draft, { before, after }: SlotRow): boolean {
  const slot = readSlot(draft.tables, nameOf(before, after));
  return slot?.version === before?.version && slot?.sessionId === before?.sessionId;
}

function isAccount(draft: Draft, { before, after }: AccountRow): boolean {
  const { tables } = draft;
  if (readAccount(tables, idOf(before, after))?.version !== before?.version) return false;
  return newNames(before, after).every((name) => !tables.logins.doesExist(name));
}

function isKey(draft: Draft, { before, after }: KeyRow): boolean {
  const key = readKey(draft.tables, idOf(before, after));
  return (key === undefined) === (before === undefined) && key?.revokedAt === before?.revokedAt;
}

export function put(draft: Draft, row: OtherRow): void {
  const { tables } = draft;
  if (row.table === 'slots') {
    if (row.after) tables.slots.put(row.after.name, row.after);
    else tables.slots.remove(row.before!.name);
  } else if (row.table === 'accounts') {
    writeAccount(tables, row.before as Account | undefined, row.after as Account | undefined);
  } else if (row.after) {
    const { id, revokedAt } = row.after;
    // The use of a key is recorded apart from its changes.
    tables.keys.put(id, row.before ? { ...readKey(tables, id)!, revokedAt } : row.after);
    draft.keyChanged(id);
  }
}

/** What is there of the rows that a change names. */
export function rowsFound(draft: Draft, rows: readonly RowChange[]): Omit<Found, 'on'> {
  const { tables } = draft;
  const sessions = new Map<SessionId, SessionSnapshot>();
  const slots = new Map<SessionName, NamedSession>();
  const accounts = new Map<AccountId, Account>();
  const keys = new Map<KeyId, ApiKey>();
  for (const row of rows) {
    if (row.table === 'sessions') {
      const { id, aliases } = row.after;
      const holders = row.before ? [] : aliases.map((alias) => draft.holderOf(alias));
      for (const one of [id, ...holders]) {
        const found = one && draft.rowOf(one);
        const stored = found && decodeSession(one, found);
        // An alias without its session would be in the way for ever.
        if (one && one !== id && !stored) throw damaged(`It has an alias of the session ${one}, which does not exist.`);
        if (stored) sessions.set(one, { stored, epochEnd: stored.end ? undefined : draft.epochEnd(stored) });
      }
    } else if (row.table === 'slots') {
      const slot = readSlot(tables, nameOf(row.before, row.after));
      if (slot) slots.set(slot.name, slot);
    } else if (row.table === 'accounts') {
      const holders = newNames(row.before, row.after).map((name) => tables.logins.get(name) as AccountId | undefined);
      for (const id of [idOf(row.before, row.after), ...holders]) {
        const account = id && readAccount(tables, id);
        if (account) accounts.set(account.id, account);
      }
    } else {
      const key = readKey(tables, idOf(row.before, row.after));
      if (key) keys.set(key.id, key);
    }
  }
  return { sessions, slots, accounts, keys };
}

const damaged = (detail: string) => new CurfewError('store_damaged', { detail });

const nameOf = (before?: NamedSession, after?: NamedSession): SessionName => (before ?? after)!.name;

const idOf = <Id>(before?: { id: Id }, after?: { id: Id }): Id => (before ?? after)!.id;

/** The names that an account gets, as keys of `logins`. An account that is only depended on gets none. */
function newNames(before: AccountRow['before'], after: AccountRow['after']): string[] {
  if (before === after) return [];
  const had = namesOf(before as Account | undefined);
  return namesOf(after as Account | undefined).filter((name) => !had.includes(name));
}
