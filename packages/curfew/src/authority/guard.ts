import { type Account, isAdministrator } from '../domain/account.ts';
import type { ApiKeyView } from '../domain/key.ts';
import { limits } from '../domain/limits.ts';
import { actsAsAccount, grantedBy, type Permission, permissions } from '../domain/permissions.ts';
import type { StoredSession } from '../domain/session.ts';
import { CurfewError } from '../errors.ts';
import type { AccountWitness } from '../stores/contract.ts';
import { type Caller, personCaller } from './caller.ts';
import type { AuthorityContext } from './context.ts';

/*
 * Who may write to what, in one place. Every use case that writes to an account, to a key or to the sessions of an
 * account asks here first, whichever API it was called through. A caller that lacks one of the target's permissions may
 * not change the target: otherwise the caller could acquire the target's permissions.
 *
 * Ending a session is not such a write. It gives the caller nothing, and anyone on duty must be able to do it: it
 * requires only `sessions.end`, no matter whose session it is.
 */

/**
 * The caller must have every one of the permissions: those that the operation requires and those that the target has.
 * @throws `permission_missing`
 */
export function guard(caller: Caller, ...wanted: readonly Iterable<Permission>[]): void {
  const all = new Set(wanted.flatMap((some) => [...some]));
  const lacking = permissions.filter((permission) => all.has(permission) && !caller.granted.has(permission));
  if (lacking.length === 0) return;
  throw new CurfewError('permission_missing', { detail: `You lack: ${lacking.join(', ')}.` });
}

/**
 * For every write to an account: checks it as it is and as it will be. People need no permission to change their own
 * account if they have signed in to it; a session that somebody else opened for it could be anybody's.
 * @throws `permission_missing`
 */
export function guardAccount(caller: Caller, before: Account, after: Account = before): void {
  const present = asOf(caller, before);
  guard(present, isOwn(present, before) ? [] : ['accounts.manage'], grantedBy(before), grantedBy(after));
}

/**
 * The caller with the rights of the very version of the account that is changed, if it is the caller's own: what was taken
 * away after the caller was admitted is gone here too.
 * @throws `session_ended` if the account is disabled
 */
export function asOf(caller: Caller, account: Account): Caller {
  if (caller.kind !== 'person' || caller.session.userId !== account.id) return caller;
  if (account.disabled) throw new CurfewError('session_ended', { reason: 'account_disabled' });
  return personCaller(caller.session, account);
}

/** For every write to a key, whose permissions are its scopes. @throws `permission_missing` */
export function guardKey(caller: Caller, { scopes }: Pick<ApiKeyView, 'scopes'>): void {
  guard(caller, ['keys.manage'], scopes);
}

/**
 * For every write to what a user's sessions may reach. A user without an account has no permissions here.
 * @throws `permission_missing`
 */
export function guardSessionsOf(caller: Caller, account: Account | undefined): void {
  if (account) guard(caller, grantedBy(account));
}

/**
 * For whatever makes a session usable again, or gives the caller its tokens: only a session that acts for its account
 * has permissions.
 * @throws `permission_missing`
 */
export function guardSession(caller: Caller, stored: StoredSession, account: Account | undefined): void {
  if (account && actsAsAccount(stored, account)) guardSessionsOf(caller, account);
}

function isOwn(caller: Caller, account: Account): boolean {
  if (caller.kind !== 'person') return false;
  const { userId, openedWith } = caller.session;
  return userId === account.id && openedWith === undefined;
}

/**
 * The other administrator who must exist for a change that removes, disables, demotes or renames an administrator;
 * `undefined` for any other change. The store compares that account again in the step that writes, so two
 * administrators who demote each other at the same moment do not both succeed.
 * @throws `last_administrator`
 */
export async function administratorLeft(
  context: AuthorityContext,
  caller: Caller,
  before: Account,
  after?: Account,
): Promise<AccountWitness | undefined> {
  const stays = after !== undefined && isAdministrator(after) && after.username === before.username;
  if (!isAdministrator(before) || stays) return undefined;
  const { id, version } = (await callerAsOther(context, caller, before)) ?? (await findOther(context, before));
  return { id, version };
}

/** The caller, if the caller is another administrator; this is the usual case, and needs no search. */
async function callerAsOther(
  { store }: AuthorityContext,
  caller: Caller,
  account: Account,
): Promise<Account | undefined> {
  if (caller.kind !== 'person' || caller.session.userId === account.id) return undefined;
  const { account: own } = await store.readUser(caller.session.userId);
  return own && isAdministrator(own) ? own : undefined;
}

async function findOther({ store }: AuthorityContext, account: Account): Promise<Account> {
  let after: string | undefined;
  do {
    const page = await store.listAccounts({ after, limit: limits.pageMax });
    const other = page.accounts.find((one) => one.id !== account.id && isAdministrator(one));
    if (other) return other;
    after = page.next;
  } while (after !== undefined);
  throw new CurfewError('last_administrator', { detail: `Account ${account.username}.` });
}
