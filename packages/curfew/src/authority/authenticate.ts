import type { KeyId } from '../domain/brand.ts';
import { isId } from '../domain/ids.ts';
import { type ApiKey, keyView } from '../domain/key.ts';
import { endOf } from '../domain/session.ts';
import { kindOfToken, parseToken, secretMatches } from '../domain/tokens.ts';
import { CurfewError } from '../errors.ts';
import { type Caller, type KeyCaller, type Person, personCaller } from './caller.ts';
import type { AuthorityContext } from './context.ts';
import type { KnownKeys } from './known-keys.ts';
import type { InactiveReason, VerifiedToken } from './verification.ts';
import { verdictOn, verifyFromStore, verifyRefreshToken } from './verify-session.ts';

/**
 * The caller that a token belongs to: an API key or a session token.
 * @throws `token_malformed`, `token_unknown`, `key_revoked`, `session_ended`, `session_suspended`
 */
export async function authenticate(context: AuthorityContext, token: string): Promise<Caller> {
  return kindOfToken(token) === 'key' ? authenticateKey(context, token) : authenticateSession(context, token);
}

/**
 * The caller that an API key's token belongs to. This counts as a use of the key.
 * @throws `token_malformed`, `token_unknown`, `key_revoked`
 */
export async function authenticateKey(
  context: Pick<AuthorityContext, 'clock' | 'keyUse'> & { knownKeys: Pick<KnownKeys, 'read'> },
  token: string,
): Promise<KeyCaller> {
  const parsed = parseToken('key', token);
  if (!parsed) {
    const why = token.startsWith('cfk_')
      ? 'The API key is not complete, or not as it was made'
      : 'An API key begins with cfk_';
    throw new CurfewError('token_malformed', { detail: `${why}.` });
  }
  const key = await context.knownKeys.read(parsed.id as KeyId);
  if (!key || !secretMatches(parsed.secret, key.hash)) {
    throw new CurfewError('token_unknown', {
      detail: 'It is not an API key of this server.',
      remedy: 'Check the key and the address of the server; `curfew keys create` makes a new key.',
    });
  }
  if (key.revokedAt !== undefined) throw new CurfewError('key_revoked', { detail: `The key is named ${key.name}.` });
  context.keyUse.note(key, context.clock.nowForEnd());
  return keyCaller(key);
}

function keyCaller(key: ApiKey): KeyCaller {
  const caller = keyCallers.get(key) ?? { kind: 'key', key: keyView(key), granted: new Set(key.scopes) };
  keyCallers.set(key, caller);
  return caller;
}

/** The caller for each key's row: a store that keeps rows in memory returns the same object each time. */
const keyCallers: WeakMap<ApiKey, KeyCaller> = new WeakMap();

export async function authenticateSession(context: AuthorityContext, token: string): Promise<Person> {
  return personOf(context, await verifyFromStore(context, token));
}

/**
 * Like {@link authenticateSession}, by a session's refresh token, which is not used up.
 * @throws `token_malformed`, `token_unknown`, `session_ended`, `session_suspended`
 */
export async function authenticateRefreshToken(context: AuthorityContext, refreshToken: string): Promise<Person> {
  return personOf(context, await verifyRefreshToken(context, refreshToken));
}

/**
 * The person whose session a dialect's own credential names. The credential has been verified, but does not show
 * whether the session is still active.
 * @throws `token_unknown`, `session_ended`, `session_suspended`
 */
export async function authenticateVouched(context: AuthorityContext, sessionId: string): Promise<Person> {
  const found = isId(sessionId) ? await context.store.readSession(sessionId) : undefined;
  if (!found) throw new CurfewError('token_unknown');
  return personOf(context, verdictOn(context, found));
}

/**
 * Authenticates an earlier caller again with the same credential: the caller as of now, or `undefined` if it would be
 * refused. This does not count as activity of a session, because the person may have left; it does count as a use of a
 * key, because a program needs its key for as long as it reads a stream.
 */
export async function authenticateAgain(
  { store, clock, activity, keyUse }: Pick<AuthorityContext, 'store' | 'clock' | 'activity' | 'keyUse'>,
  caller: Caller,
): Promise<Caller | undefined> {
  if (caller.kind === 'library') return caller;
  if (caller.kind === 'key') {
    const key = await store.readKey(caller.key.id);
    if (!key || key.revokedAt !== undefined) return undefined;
    keyUse.note(key, clock.nowForEnd());
    return keyCaller(key);
  }
  const { id, tokenHash } = caller.session;
  const found = await store.readSession(id);
  if (!found || !Buffer.from(tokenHash).equals(found.stored.tokenHash)) return undefined;
  const { stored, epochEnd } = found;
  if (stored.suspended || endOf(stored, epochEnd, clock.nowForEnd(), activity.lastSeen(stored))) return undefined;
  return personCaller(stored, (await store.readUser(stored.userId)).account);
}

/**
 * Like {@link authenticateAgain}, for operations that wait between the check and the write.
 * @throws `key_revoked`, `session_ended`
 */
export async function confirmCaller(context: AuthorityContext, caller: Caller): Promise<Caller> {
  const present = await authenticateAgain(context, caller);
  if (present) return present;
  const detail = 'This happened while the request was being processed.';
  throw new CurfewError(caller.kind === 'key' ? 'key_revoked' : 'session_ended', { detail });
}

async function personOf(context: AuthorityContext, verified: VerifiedToken): Promise<Person> {
  if (!verified.active) throw inactive(verified.reason);
  const { stored } = verified;
  const { account } = await context.store.readUser(stored.userId);
  return personCaller(stored, account);
}

/** The error with which a caller is refused whose token is not valid. */
export function inactive(reason: InactiveReason): CurfewError {
  switch (reason) {
    case 'malformed':
      return new CurfewError('token_malformed');
    case 'unknown':
      return new CurfewError('token_unknown');
    case 'suspended':
      return new CurfewError('session_suspended');
    default:
      return new CurfewError('session_ended', { reason });
  }
}
