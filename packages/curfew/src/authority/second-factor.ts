import { type Account, factorMethods, hasFactor } from '../domain/account.ts';
import { type FactorUse, isRemembered, networkOfRequest } from '../domain/factor-shown.ts';
import { freshSignIn } from '../domain/limits.ts';
import { useCode } from '../domain/second-factor.ts';
import type { StoredSession } from '../domain/session.ts';
import { CurfewError } from '../errors.ts';
import { bucketOf, clearAttempts, takeAttempt } from './attempts.ts';
import { type Person, personCaller } from './caller.ts';
import type { AuthorityContext } from './context.ts';
import { guardAccount } from './guard.ts';
import { retryConflicts } from './retry.ts';

/**
 * Whether a second factor was confirmed recently: with this token, for the same kind of operation, from the same
 * network.
 */
export function factorIsRemembered(context: AuthorityContext, session: StoredSession, use: FactorUse): boolean {
  return isRemembered(session.factorShown, use, context.clock.now());
}

/**
 * Whether the sign-in to this session is recent enough for changes to the person's own account. A user without an
 * account signs in to the application, so opening the session counts as a sign-in, unless a person opened it; for an
 * account, only its password does.
 */
export function signInIsFresh(
  context: AuthorityContext,
  { session, account }: Pick<Person, 'session' | 'account'>,
): boolean {
  if (account && session.openedWith !== undefined) return false;
  return context.clock.now() < session.authenticatedAt + freshSignIn;
}

/**
 * Confirms the second factor of a session's user, and remembers it on the session for five minutes, for the same kind
 * of operation from the same network. During that time no code is required, and none is used up. Resolves with whether
 * the code was used up.
 * @throws `second_factor_required` (with the methods: none means that a factor must be enrolled first),
 *   `second_factor_invalid`, `too_many_attempts`, `permission_missing`
 */
export async function confirmSecondFactor(
  context: AuthorityContext,
  session: StoredSession,
  account: Account | undefined,
  code: string | undefined,
  use: FactorUse,
): Promise<boolean> {
  if (factorIsRemembered(context, session, use)) return false;
  await takeCode(context, session, account, code, use);
  return true;
}

/**
 * The same, but ignores what is remembered: for changes to the person's own account that always require a new code, such
 * as removing the factor.
 * @throws what {@link confirmSecondFactor} throws
 */
export async function showSecondFactor(
  context: AuthorityContext,
  caller: Person,
  account: Account | undefined,
  code: string | undefined,
  use: FactorUse,
): Promise<void> {
  if (account) guardAccount(caller, account);
  await takeCode(context, caller.session, account, code, use);
}

async function takeCode(
  context: AuthorityContext,
  session: StoredSession,
  account: Account | undefined,
  code: string | undefined,
  use: FactorUse,
): Promise<void> {
  if (!account || !hasFactor(account)) {
    throw new CurfewError('second_factor_required', {
      methods: [],
      detail: 'This account has no second factor: enrol one first.',
    });
  }
  if (code === undefined || code === '') {
    throw new CurfewError('second_factor_required', { methods: factorMethods(account) });
  }
  refuseStranger(session, account);
  await useFactor(context, account, code);
  // The code is used up and was right: if it cannot be remembered, the next operation requires another one.
  await remember(context, session, use).catch(() => {});
}

/**
 * A session that somebody else opened for the account, and that has none of its permissions, shows no codes: guesses
 * with it would use up the attempts that the owner has for signing in.
 */
function refuseStranger(session: StoredSession, account: Account): void {
  if (session.openedWith === undefined || personCaller(session, account).granted.size > 0) return;
  throw new CurfewError('permission_missing', { detail: 'This session was opened without the account’s password.' });
}

/**
 * Uses up a code. The used codes are written by compare-and-set, so a code counts only once even in a race.
 * @throws `second_factor_invalid`, `too_many_attempts`
 */
export async function useFactor(context: AuthorityContext, account: Account, code: string): Promise<Account> {
  await takeFactorAttempt(context, account.id);
  const used = await retryConflicts(async () => {
    const { account: present } = await context.store.readUser(account.id);
    if (!present?.factor || !hasFactor(present)) return undefined;
    const { id, version, factor } = present;
    const next = useCode(factor, code, {
      accountId: id,
      secret: context.secrets.unseal(factor.sealedSecret, id),
      backupKey: context.secrets.backupKey,
      now: context.clock.now(),
    });
    if (!next) return undefined;
    const outcome = await context.store.changeAccount({ id, version, set: { factor: next }, event: undefined });
    return outcome.kind === 'changed' ? outcome.account : 'conflict';
  });
  if (used) {
    await clearFactorAttempts(context, account.id);
    return used;
  }
  await context.store.appendEvent({
    type: 'second_factor.failed',
    at: context.clock.nowForEnd(),
    by: `user:${account.id}`,
    userId: account.id,
  });
  throw new CurfewError('second_factor_invalid', { methods: factorMethods(account) });
}

/**
 * A wrong code counts against two limits: in a short window, and in a row over days, against patient guessing.
 * @throws `too_many_attempts`
 */
export async function takeFactorAttempt(context: AuthorityContext, id: Account['id']): Promise<void> {
  const [soon, inARow] = factorBuckets(id);
  await takeAttempt(context, soon, context.attempts.secondFactor);
  await takeAttempt(context, inARow, context.attempts.secondFactorInARow);
}

export async function clearFactorAttempts(context: AuthorityContext, id: Account['id']): Promise<void> {
  await Promise.all(factorBuckets(id).map((bucket) => clearAttempts(context, bucket)));
}

function factorBuckets(id: Account['id']): [soon: string, inARow: string] {
  return [bucketOf('factor', id), bucketOf('factor in a row', id)];
}

async function remember(context: AuthorityContext, session: StoredSession, { area, ip }: FactorUse): Promise<void> {
  await retryConflicts(async () => {
    const found = await context.store.readSession(session.id);
    if (!found) return undefined;
    const { id, version, tokenHash } = found.stored;
    // The token was replaced meanwhile: no factor was confirmed with the new one.
    if (!Buffer.from(tokenHash).equals(session.tokenHash)) return undefined;
    const now = context.clock.now();
    const set = { factorShown: { at: now, area, network: networkOfRequest(ip) } };
    const outcome = await context.store.changeSession({ id, version, set, logged: false, now });
    return outcome.kind === 'conflict' ? 'conflict' : undefined;
  });
}
