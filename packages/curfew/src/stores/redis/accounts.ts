import type { Account } from '../../domain/account.ts';
import type { KeyId } from '../../domain/brand.ts';
import { type ApiKey, withAttachScope } from '../../domain/key.ts';
import type { Epochs } from '../../domain/session.ts';
import type { AccountPage, AccountQuery, Store } from '../contract.ts';
import { lookedAccount, searchPage } from '../search.ts';
import { decodeAccount, decodeKey, encodeKey, format } from './codec.ts';
import { homeOf } from './keys.ts';
import type { Link } from './link.ts';
import { readerOf } from './reader.ts';
import * as scripts from './scripts/accounts.ts';
import type { Write } from './store.ts';

type Found = [row: string | null, everyone: number, user: number];

const accountsOfScan = 100;
const keysOfPage = 100;

/** Reads users, those of one turn of the event loop together. */
export function readerOfUsers(link: Link): Store['readUser'] {
  const read = readerOf(link, scripts.readUsers);
  return async (userId) => decodeFound((await read([homeOf(userId), userId])) as Found);
}

export async function findAccount(
  link: Link,
  by: { username: string } | { email: string },
): Promise<{ account: Account; epochs: Epochs } | undefined> {
  const name = 'username' in by ? `u${by.username}` : `e${by.email}`;
  const found = (await link.run(scripts.findAccount, [name])) as Found | null;
  const { account, epochs } = found ? decodeFound(found) : {};
  return account && epochs && { account, epochs };
}

export async function listAccounts(link: Link, query: AccountQuery): Promise<AccountPage> {
  const { text } = query;
  const { page, ...rest } = await searchPage(query, async (after: string | undefined) => {
    const reply = await link.run(scripts.listAccounts, [String(accountsOfScan), after ?? '']);
    const some = reply as [username: string, row: string | null][];
    const looked = some.map(([username, row]) =>
      row === null ? ([username, undefined] as const) : lookedAccount(decodeAccount(row), text),
    );
    return { looked, more: some.length === accountsOfScan };
  });
  return { accounts: page, ...rest };
}

export async function readKey(link: Link, id: KeyId): Promise<ApiKey | undefined> {
  const text = (await link.run(scripts.readKey, [id])) as string | null;
  return text === null ? undefined : decodeKey(text);
}

export async function touchKeys(link: Link, write: Write, uses: readonly { id: KeyId; at: number }[]): Promise<void> {
  for (const { id, at } of uses) {
    for (let done = false; !done; ) {
      const text = (await link.run(scripts.readKey, [id])) as string | null;
      const key = text === null ? undefined : decodeKey(text);
      if (!key || at <= (key.lastUsedAt ?? 0)) break;
      done = (await write(scripts.touchKey, [id, text!, encodeKey({ ...key, lastUsedAt: at })])) === 1;
    }
  }
}

/**
 * Gives the new scope to keys that could attach a verifier before it existed, which is up to format 4, and updates the
 * format.
 */
export async function carryOver(link: Link, written: string): Promise<void> {
  const changes: string[] = [];
  let after: KeyId | undefined;
  while (Number(written) <= 4) {
    const page = await listKeys(link, { after, limit: keysOfPage });
    for (const key of page.keys) {
      const changed = withAttachScope(key);
      if (changed !== key) changes.push(key.id, encodeKey(key), encodeKey(changed));
    }
    if (page.next === undefined) break;
    after = page.next;
  }
  await link.run(scripts.carryOver, [written, String(format), ...changes]);
}

export async function listKeys(
  link: Link,
  { after, limit }: { after?: KeyId | undefined; limit: number },
): Promise<{ keys: ApiKey[]; next: KeyId | undefined }> {
  const found = (await link.run(scripts.listKeys, [String(limit + 1), after ?? ''])) as string[];
  const keys = found.slice(0, limit).map(decodeKey);
  return { keys, next: found.length > limit ? keys.at(-1)!.id : undefined };
}

function decodeFound([row, everyone, user]: Found): { account: Account | undefined; epochs: Epochs } {
  return { account: row === null ? undefined : decodeAccount(row), epochs: { user, everyone } };
}
