import type { KeyId } from '../domain/brand.ts';
import { newId } from '../domain/ids.ts';
import { type ApiKeyView, keyView } from '../domain/key.ts';
import { limits } from '../domain/limits.ts';
import { parseShownName, quoted } from '../domain/parse.ts';
import type { Permission } from '../domain/permissions.ts';
import { formatToken, hashSecret, newSecret, parseToken } from '../domain/tokens.ts';
import { CurfewError } from '../errors.ts';
import { actorOf, type Caller } from './caller.ts';
import type { AuthorityContext } from './context.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import { guardKey } from './guard.ts';
import type { Receipt, Wait } from './receipt.ts';

/**
 * Creates an API key; the only copy of its token is in the answer. You cannot grant a scope that you do not have. A key
 * without scopes is for browsers, where everybody can read it.
 * @throws `invalid_value`, `permission_missing`
 */
export async function createKey(
  context: AuthorityContext,
  caller: Caller,
  { name, scopes }: { name: string; scopes: readonly Permission[] },
): Promise<{ key: ApiKeyView; token: string }> {
  const now = context.clock.now();
  const id = newId('keys', now, context.random) as KeyId;
  return store(context, caller, { id, secret: newSecret(context.random), name, scopes, now });
}

/**
 * Stores an API key that was made elsewhere, such as the one in the environment of a first start.
 * @throws `config_invalid` if it is incomplete; `invalid_value`, `permission_missing`
 */
export async function importKey(
  context: AuthorityContext,
  caller: Caller,
  { token, name, scopes }: { token: string; name: string; scopes: readonly Permission[] },
): Promise<void> {
  const { id, secret } = parseWholeKey(token);
  await store(context, caller, { id: id as KeyId, secret, name, scopes, now: context.clock.now() });
}

/** @throws `config_invalid` if an API key that was made elsewhere is incomplete */
export function parseWholeKey(token: string): { id: string; secret: string } {
  const parsed = parseToken('key', token);
  if (parsed) return parsed;
  throw new CurfewError('config_invalid', {
    detail:
      'CURFEW_API_KEY is not a complete API key. A key begins with cfk_ and ends with a checksum; `curfew keys make` makes one.',
  });
}

/** Makes a key that no server knows yet, for CURFEW_API_KEY. */
export function makeKey(now: number, random: AuthorityContext['random']): string {
  return formatToken('key', newId('keys', now, random), newSecret(random));
}

export async function listKeys(
  context: AuthorityContext,
  { limit = limits.pageDefault, cursor }: { limit?: number; cursor?: string } = {},
): Promise<{ keys: ApiKeyView[]; nextCursor: string | undefined }> {
  const query = { list: 'keys' };
  const page = await context.store.listKeys({ after: decodeCursor(cursor, query) as KeyId | undefined, limit });
  return {
    keys: page.keys.map(keyView),
    nextCursor: page.next === undefined ? undefined : encodeCursor(page.next, query),
  };
}

/** @throws `key_not_found` */
export async function getKey(context: AuthorityContext, id: string): Promise<ApiKeyView> {
  const key = await context.store.readKey(id as KeyId);
  if (key) return keyView(key);
  throw new CurfewError('key_not_found', { detail: `No key has the id ${quoted(id)}.` });
}

export type RevokedKey = { key: ApiKeyView; receipt: Receipt };

/**
 * Revokes an API key. When this returns, no server accepts it any more and its streams have ended. Revoking it again is
 * not an error and waits like the first time. You cannot revoke a key with scopes that you do not have.
 * @throws `key_not_found`, `permission_missing`
 */
export async function revokeKey(
  context: AuthorityContext,
  caller: Caller,
  id: string,
  wait: Wait = 'everywhere',
): Promise<RevokedKey> {
  // A key's scopes never change.
  guardKey(caller, await getKey(context, id));
  const at = context.clock.nowForEnd();
  const event = { type: 'key.revoked', at, by: actorOf(caller), details: { key: id } } as const;
  const revoked = await context.store.revokeKey(id as KeyId, at, event);
  if (!revoked) throw new CurfewError('key_not_found', { detail: `No key has the id ${quoted(id)}.` });
  const propagation = await context.fence.awaitEverywhere(revoked.sequence, wait);
  return { key: keyView(revoked.key), receipt: { ...propagation, endedAt: revoked.key.revokedAt } };
}

async function store(
  context: AuthorityContext,
  caller: Caller,
  made: { id: KeyId; secret: string; name: string; scopes: readonly Permission[]; now: number },
): Promise<{ key: ApiKeyView; token: string }> {
  guardKey(caller, made);
  const { id, secret, now } = made;
  const by = actorOf(caller);
  const key = {
    id,
    name: parseKeyName(made.name),
    hash: hashSecret(secret),
    scopes: [...new Set(made.scopes)],
    createdAt: now,
    createdBy: by,
    revokedAt: undefined,
  };
  const details = { key: id, name: key.name, scopes: key.scopes };
  await context.store.createKey(key, { type: 'key.created', at: now, by, details });
  return { key: keyView(key), token: formatToken('key', id, secret) };
}

/** @throws `invalid_value` */
function parseKeyName(text: string): string {
  const name = parseShownName(text.trim(), limits.keyName);
  if (name !== '') return name;
  throw new CurfewError('invalid_value', { detail: `A key's name has 1 to ${limits.keyName} characters.` });
}
