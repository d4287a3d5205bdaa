import type { Account } from '../../domain/account.ts';
import type { KeyId, UserId } from '../../domain/brand.ts';
import type { NewEvent } from '../../domain/events.ts';
import { type ApiKey, withAttachScope } from '../../domain/key.ts';
import { accountMentions } from '../../domain/search.ts';
import type { Epochs } from '../../domain/session.ts';
import type {
  AccountChange,
  AccountDeletion,
  AccountOutcome,
  AccountPage,
  AccountQuery,
  AccountWitness,
  DeletionOutcome,
} from '../contract.ts';
import { decodeAccount, decodeKey, encodeAccount, encodeEvent, encodeKey, format } from './codec.ts';
import { homeOf } from './keys.ts';
import type { Link } from './link.ts';
import * as scripts from './scripts/accounts.ts';
import type { Write } from './store.ts';

type Found = [row: string | null, everyone: number, user: number];

const accountsOfScan = 100;
const keysOfPage = 100;

export async function readUser(link: Link, userId: UserId): Promise<{ account: Account | undefined; epochs: Epochs }> {
  return decodeFound((await link.run(scripts.readUser, [userId], homeOf(userId))) as Found);
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

export async function createAccount(write: Write, account: Account, event: NewEvent) {
  const args = [account.id, encodeAccount(account), encodeEvent(event)];
  return (await write(scripts.createAccount, args, homeOf(account.id))) as 'created' | 'username_taken' | 'email_taken';
}

/** Reads and computes, and compares the version again in the step that writes. */
export async function changeAccount(link: Link, write: Write, change: AccountChange): Promise<AccountOutcome> {
  const { id, version, set, event, end, except, witness } = change;
  const { account } = await readUser(link, id);
  if (!account) return { kind: 'not_found' };
  if (account.version !== version) return { kind: 'conflict' };
  const next: Account = { ...account, ...set, version: version + 1 };
  const ending = end ? [String(end.at), end.by, end.reason, except ?? ''] : ['', '', '', ''];
  const written = [encodeAccount(next), event ? encodeEvent(event) : ''];
  const args = [id, String(version), ...witnessArgs(witness), ...written, ...ending];
  const [kind, sequence] = (await write(scripts.changeAccount, args, homeOf(id))) as [string, number | null];
  if (kind === 'changed') return { kind, account: next, sequence: sequence ?? undefined };
  return { kind: kind as 'conflict' | 'not_found' | 'username_taken' | 'email_taken' };
}

export async function deleteAccount(
  write: Write,
  { id, version, event, end, witness }: AccountDeletion,
): Promise<DeletionOutcome> {
  const ending = [String(end.at), end.by, end.reason];
  const args = [id, String(version), ...witnessArgs(witness), encodeEvent(event), ...ending];
  const [kind, sequence] = (await write(scripts.deleteAccount, args, homeOf(id))) as [string, number?];
  return kind === 'deleted' ? { kind, sequence: sequence! } : { kind: kind as 'conflict' | 'not_found' };
}

/** The account that a change depends on, as scripts accept it: its key and its version, empty if there is none. */
function witnessArgs(witness: AccountWitness | undefined): string[] {
  return witness ? [`${homeOf(witness.id)}a:${witness.id}`, String(witness.version)] : ['', ''];
}

export async function listAccounts(link: Link, query: AccountQuery): Promise<AccountPage> {
  const { after, limit, text, budget = Number.POSITIVE_INFINITY } = query;
  const began = performance.now();
  const accounts: Account[] = [];
  for (let position = after ?? ''; ; ) {
    const reply = await link.run(scripts.listAccounts, [String(accountsOfScan), position]);
    const page = reply as [username: string, row: string | null][];
    for (const [username, row] of page) {
      position = username;
      const account = row === null ? undefined : decodeAccount(row);
      if (!account || (text !== undefined && !accountMentions(account, text))) continue;
      if (accounts.length === limit) return { accounts, next: accounts.at(-1)!.username, partial: false };
      accounts.push(account);
    }
    if (page.length < accountsOfScan) return { accounts, next: undefined, partial: false };
    if (performance.now() - began >= budget) return { accounts, next: position, partial: true };
  }
}

export async function createKey(write: Write, key: ApiKey, event: NewEvent): Promise<void> {
  await write(scripts.createKey, [key.id, encodeKey(key), encodeEvent(event)]);
}

export async function readKey(link: Link, id: KeyId): Promise<ApiKey | undefined> {
  const text = (await link.run(scripts.readKey, [id])) as string | null;
  return text === null ? undefined : decodeKey(text);
}

export async function revokeKey(
  link: Link,
  write: Write,
  id: KeyId,
  at: number,
  event: NewEvent,
): Promise<{ key: ApiKey; sequence: number } | undefined> {
  for (;;) {
    const text = (await link.run(scripts.readKey, [id])) as string | null;
    if (text === null) return undefined;
    const found = decodeKey(text);
    const already = found.revokedAt !== undefined;
    const key: ApiKey = already ? found : { ...found, revokedAt: at };
    // An already revoked key is written too, so that this call is as durable as the first.
    const args = [id, text, already ? text : encodeKey(key), encodeEvent(event), String(at)];
    const sequence = (await write(scripts.revokeKey, args)) as number | null;
    // Another call has changed it meanwhile.
    if (sequence !== null) return { key, sequence };
  }
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
