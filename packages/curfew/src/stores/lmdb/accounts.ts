import type { Account } from '../../domain/account.ts';
import type { AccountId, KeyId } from '../../domain/brand.ts';
import type { ApiKey } from '../../domain/key.ts';
import type { AccountPage, AccountQuery } from '../contract.ts';
import { lookedAccount, searchPage } from '../search.ts';
import type { Draft } from './commit.ts';
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

/** How many accounts are examined before others get their turn. */
const slice = 200;

export async function listAccounts(tables: Tables, query: AccountQuery): Promise<AccountPage> {
  const { text } = query;
  const { page, ...rest } = await searchPage(query, async (after: string | undefined) => {
    const start = loginKey.username(after ?? '');
    const range = { start, end: 'v', exclusiveStart: after !== undefined, limit: slice };
    const ids = tables.logins.getRange(range);
    const piece = { more: false, looked: look() };
    function* look() {
      let looked = 0;
      for (const { value: id } of ids) {
        looked += 1;
        piece.more = looked === slice;
        yield lookedAccount(readAccount(tables, id as AccountId)!, text);
      }
    }
    return piece;
  });
  return { accounts: page, ...rest };
}

export function readKey(tables: Tables, id: KeyId): ApiKey | undefined {
  return tables.keys.get(id) as ApiKey | undefined;
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

export function writeAccount(tables: Tables, before: Account | undefined, after: Account | undefined): void {
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
