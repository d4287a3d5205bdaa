import type { Account } from '../../domain/account.ts';
import type { AccountId, KeyId } from '../../domain/brand.ts';
import type { NewEvent } from '../../domain/events.ts';
import type { ApiKey } from '../../domain/key.ts';
import { accountMentions } from '../../domain/search.ts';
import type {
  AccountChange,
  AccountDeletion,
  AccountOutcome,
  AccountPage,
  AccountQuery,
  AccountWitness,
  DeletionOutcome,
} from '../contract.ts';
import type { Draft } from './commit.ts';
import { endUser } from './ends.ts';
import type { Tables } from './tables.ts';

/** The unique names of an account, as keys of the table `logins`. */
const loginKey = {
  username: (username: string) => `u${username}`,
  email: (email: string) => `e${email}`,
};

export function readAccount(tables: Tables, id: AccountId): Account | undefined {
  const account = tables.accounts.get(id) as Account | undefined;
  // Format 3 has no pending address.
  return account && { ...account, pendingEmail: account.pendingEmail };
}

export function findAccount(tables: Tables, by: { username: string } | { email: string }): Account | undefined {
  const id = tables.logins.get('username' in by ? loginKey.username(by.username) : loginKey.email(by.email));
  return id === undefined ? undefined : readAccount(tables, id as AccountId);
}

export function createAccount(
  draft: Draft,
  account: Account,
  event: NewEvent,
): 'created' | 'username_taken' | 'email_taken' {
  if (draft.tables.accounts.doesExist(account.id)) return 'created';
  const taken = takenName(draft.tables, account);
  if (taken) return taken;
  write(draft.tables, undefined, account);
  draft.event(event);
  return 'created';
}

export function changeAccount(
  draft: Draft,
  { id, version, set, event, end, except, witness }: AccountChange,
): AccountOutcome {
  const account = readAccount(draft.tables, id);
  if (!account) return { kind: 'not_found' };
  if (account.version !== version || !stands(draft.tables, witness)) return { kind: 'conflict' };
  const next: Account = { ...account, ...set, version: version + 1 };
  const taken = takenName(draft.tables, next);
  if (taken) return { kind: taken };
  const sequence = end && endUser(draft, id, end, except);
  write(draft.tables, account, next);
  if (event) draft.event(event);
  return { kind: 'changed', account: next, sequence };
}

export function deleteAccount(draft: Draft, { id, version, event, end, witness }: AccountDeletion): DeletionOutcome {
  const account = readAccount(draft.tables, id);
  if (!account) return { kind: 'not_found' };
  if (account.version !== version || !stands(draft.tables, witness)) return { kind: 'conflict' };
  const sequence = endUser(draft, id, end);
  write(draft.tables, account, undefined);
  draft.event(event);
  return { kind: 'deleted', sequence };
}

/** How many accounts are examined before others get their turn. */
const slice = 200;

export async function listAccounts(tables: Tables, query: AccountQuery): Promise<AccountPage> {
  const { after, limit, text, budget = Number.POSITIVE_INFINITY } = query;
  const began = performance.now();
  const accounts: Account[] = [];
  for (let position = after; ; ) {
    const start = loginKey.username(position ?? '');
    const range = { start, end: 'v', exclusiveStart: position !== undefined, limit: slice };
    let looked = 0;
    for (const { value: id } of tables.logins.getRange(range)) {
      looked += 1;
      const account = readAccount(tables, id as AccountId)!;
      position = account.username;
      if (text !== undefined && !accountMentions(account, text)) continue;
      if (accounts.length === limit) return { accounts, next: accounts.at(-1)!.username, partial: false };
      accounts.push(account);
    }
    if (looked < slice) return { accounts, next: undefined, partial: false };
    if (performance.now() - began >= budget) return { accounts, next: position, partial: true };
    await new Promise(setImmediate);
  }
}

export function createKey(draft: Draft, key: ApiKey, event: NewEvent): void {
  if (draft.tables.keys.doesExist(key.id)) return;
  draft.tables.keys.put(key.id, key);
  draft.event(event);
}

export function readKey(tables: Tables, id: KeyId): ApiKey | undefined {
  return tables.keys.get(id) as ApiKey | undefined;
}

export function revokeKey(
  draft: Draft,
  id: KeyId,
  at: number,
  event: NewEvent,
): { key: ApiKey; sequence: number } | undefined {
  const key = readKey(draft.tables, id);
  if (!key) return undefined;
  const revoked = { ...key, revokedAt: key.revokedAt ?? at };
  // Written even if it was already revoked: nobody knows whether the first write was synced.
  draft.tables.keys.put(id, revoked);
  if (key.revokedAt !== undefined) return { key, sequence: draft.head };
  draft.keyChanged(id);
  draft.event(event);
  return { key: revoked, sequence: draft.log({ keyId: id }, at) };
}

export function touchKeys(draft: Draft, uses: readonly { id: KeyId; at: number }[]): void {
  for (const { id, at } of uses) {
    const key = readKey(draft.tables, id);
    if (!key || at <= (key.lastUsedAt ?? 0)) continue;
    draft.tables.keys.put(id, { ...key, lastUsedAt: at });
    draft.keyChanged(id);
  }
}

export function listKeys(
  tables: Tables,
  { after, limit }: { after?: KeyId | undefined; limit: number },
): { keys: ApiKey[]; next: KeyId | undefined } {
  const from = after === undefined ? {} : { start: after, exclusiveStart: true };
  const found = [...tables.keys.getRange({ reverse: true, ...from, limit: limit + 1 })].map(
    ({ value }) => value as ApiKey,
  );
  return { keys: found.slice(0, limit), next: found.length > limit ? found[limit - 1]!.id : undefined };
}

function stands(tables: Tables, witness: AccountWitness | undefined): boolean {
  return witness === undefined || readAccount(tables, witness.id)?.version === witness.version;
}

function takenName(tables: Tables, account: Account): 'username_taken' | 'email_taken' | undefined {
  const heldByOther = (key: string) => (tables.logins.get(key) ?? account.id) !== account.id;
  if (heldByOther(loginKey.username(account.username))) return 'username_taken';
  if (account.email !== undefined && heldByOther(loginKey.email(account.email))) return 'email_taken';
  return undefined;
}

function write(tables: Tables, before: Account | undefined, after: Account | undefined): void {
  for (const key of namesOf(before)) tables.logins.remove(key);
  if (before && !after) tables.accounts.remove(before.id);
  if (!after) return;
  tables.accounts.put(after.id, after);
  for (const key of namesOf(after)) tables.logins.put(key, after.id);
}

/** The unique names of an account, as keys of `logins`. */
export function namesOf(account: Account | undefined): string[] {
  if (!account) return [];
  const { username, email } = account;
  return [loginKey.username(username), ...(email === undefined ? [] : [loginKey.email(email)])];
}
