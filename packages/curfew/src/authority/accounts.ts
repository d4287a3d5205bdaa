import { type Account, type AccountView, accountView, canonicalLogin } from '../domain/account.ts';
import type { AccountId } from '../domain/brand.ts';
import type { EventType } from '../domain/events.ts';
import { isId, newId } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import { parseSessionId, parseShownName, parseUserId, quoted } from '../domain/parse.ts';
import type { Permission, Role } from '../domain/permissions.ts';
import type { EndReason } from '../domain/reasons.ts';
import { CurfewError } from '../errors.ts';
import { confirmCaller } from './authenticate.ts';
import { actorOf, type Caller } from './caller.ts';
import type { AuthorityContext } from './context.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import { administratorLeft, asOf, guard, guardAccount } from './guard.ts';
import { budget } from './match-sessions.ts';
import { checkOwnChange, type OwnerProof, refuseOldProof } from './own-change.ts';
import { checkPassword } from './passwords.ts';
import type { Receipt, Wait } from './receipt.ts';
import { endInTurn, inTurn, retryAs } from './retry.ts';

export type NewAccount = {
  username: string;
  email?: string | undefined;
  name?: string | undefined;
  password: string;
  roles?: readonly Role[] | undefined;
  permissions?: readonly Permission[] | undefined;
};

export type AccountPatch = Partial<Omit<NewAccount, 'email' | 'name'>> & {
  /** `null` removes it. */
  email?: string | null | undefined;
  name?: string | null | undefined;
  disabled?: boolean | undefined;
};

/**
 * Creates an account. You cannot grant a permission that you do not have.
 * @throws `username_taken`, `email_taken`, `invalid_value`, `permission_missing`, `server_busy`, and what
 *   {@link confirmCaller} throws
 */
export async function createAccount(
  context: AuthorityContext,
  caller: Caller,
  request: NewAccount,
): Promise<AccountView> {
  const now = context.clock.now();
  const username = parseUsername(request.username);
  const planned = {
    id: newId(username, now, context.random) as AccountId,
    username,
    email: parseEmail(request.email ?? undefined),
    pendingEmail: undefined,
    name: parseName(request.name ?? undefined),
    roles: [...new Set(request.roles ?? ['member' as const])],
    permissions: [...new Set(request.permissions ?? [])],
    disabled: false,
    createdAt: now,
    updatedAt: now,
    lastLoginAt: undefined,
    version: 1,
    passwordHash: '',
    factor: undefined,
  } satisfies Account;
  guardAccount(caller, planned);
  const account = { ...planned, passwordHash: await context.passwords.hash(await checkPassword(request.password)) };
  // Hashing may have waited for its turn, and the caller's permissions may have changed meanwhile.
  guardAccount(await confirmCaller(context, caller), account);
  const event = { type: 'account.created', at: now, by: actorOf(caller), userId: account.id } as const;
  const outcome = await context.store.createAccount(account, event);
  if (outcome !== 'created') throw taken(outcome, account);
  return accountView(account);
}

/** @throws `account_not_found` */
export async function getAccount(context: AuthorityContext, id: string): Promise<AccountView> {
  return accountView(await readAccount(context, id));
}

/** The whole account, including what callers never see. @throws `account_not_found` */
export async function readAccount(context: AuthorityContext, id: string): Promise<Account> {
  const { account } = await context.store.readUser(parseUserId(id));
  if (account) return account;
  throw absent(id);
}

function absent(id: string): CurfewError {
  return new CurfewError('account_not_found', { detail: `No account has the id ${quoted(id)}.` });
}

export type AccountsRequest = {
  /** Text to search for, taken literally. */
  filter?: string | undefined;
  /** The user name or the address of one account. */
  login?: string | undefined;
  /** The ids of accounts, separated by commas. */
  ids?: string | undefined;
  limit?: number | undefined;
  cursor?: string | undefined;
};

/**
 * A page of accounts, ordered by user name; or, with `login` or `ids`, those of the named accounts that exist.
 * @throws `cursor_invalid`, `cursor_of_another_query`, `invalid_value`
 */
export async function listAccounts(
  context: AuthorityContext,
  { filter, login, ids, limit = limits.pageDefault, cursor }: AccountsRequest = {},
): Promise<{ accounts: AccountView[]; nextCursor: string | undefined; partial: boolean }> {
  if ([filter, login, ids].filter((part) => part !== undefined).length > 1) {
    throw new CurfewError('invalid_value', { detail: 'Only one of filter, login and ids can be given.' });
  }
  if (login !== undefined || ids !== undefined) {
    const found = login === undefined ? await accountsOf(context, ids!) : await accountsCalled(context, login);
    return { accounts: found.map(accountView), nextCursor: undefined, partial: false };
  }
  const query = { list: 'accounts', filter };
  const after = decodeCursor(cursor, query);
  const page = await context.store.listAccounts({ after, limit, text: filter || undefined, budget });
  return {
    accounts: page.accounts.map(accountView),
    nextCursor: page.next === undefined ? undefined : encodeCursor(page.next, query),
    partial: page.partial,
  };
}

async function accountsCalled(context: AuthorityContext, login: string): Promise<Account[]> {
  const text = canonicalLogin(login);
  // No name contains control characters, and not every store accepts them.
  if (/\p{Cc}/u.test(text)) return [];
  const found = await context.store.findAccount(text.includes('@') ? { email: text } : { username: text });
  return found ? [found.account] : [];
}

async function accountsOf(context: AuthorityContext, ids: string): Promise<Account[]> {
  const asked = [...new Set(ids.split(','))];
  if (asked.length > limits.pageMax) {
    throw new CurfewError('invalid_value', {
      detail: `ids takes at most ${limits.pageMax} ids; there are ${asked.length}.`,
    });
  }
  const read = await Promise.all(asked.filter(isId).map((id) => context.store.readUser(parseUserId(id))));
  return read.flatMap(({ account }) => account ?? []);
}

export type ChangedAccount = { account: AccountView; receipt: Receipt | undefined };

/**
 * Changes an account. Disabling it ends all its sessions, including those being opened at this moment, in the same
 * write; a new password ends all except the one that `keepSession` names.
 * @throws `account_not_found`, `username_taken`, `email_taken`, `invalid_value`, `permission_missing`,
 *   `last_administrator`, `changed_meanwhile`, `server_busy`, and what {@link checkOwnChange} and {@link confirmCaller}
 *   throw
 */
export async function updateAccount(
  context: AuthorityContext,
  caller: Caller,
  id: string,
  patch: AccountPatch,
  {
    keepSession,
    wait = 'everywhere',
    ...proof
  }: { keepSession?: string | undefined; wait?: Wait | undefined } & OwnerProof = {},
): Promise<ChangedAccount> {
  // Checked before the password is hashed as well, because hashing costs more than this check.
  guardAccount(caller, await readAccount(context, id));
  await checkOwnChange(context, caller, id, patch, proof);
  const passwordHash =
    patch.password === undefined ? undefined : await context.passwords.hash(await checkPassword(patch.password));
  const now = context.clock.now();
  const change = patch.disabled || passwordHash ? endingInTurn : changeInTurn;
  const outcome = await change(context, caller, id, async (present) => {
    const account = await readAccount(context, id);
    refuseOldProof(caller, account, patch);
    const set = {
      ...changesOf(patch),
      ...addressOf(asOf(present, account), account, patch),
      ...(passwordHash && { passwordHash }),
      updatedAt: now,
    };
    const next = { ...account, ...set };
    guardAccount(present, account, next);
    const why = endReasonOf(set);
    const result = await context.store.changeAccount({
      id: account.id,
      version: account.version,
      set,
      event: {
        type: eventOf(account, set),
        at: now,
        by: actorOf(caller),
        userId: account.id,
        details: {
          changed: Object.keys(patch).map((name) => (name === 'email' && !('email' in set) ? 'pendingEmail' : name)),
        },
      },
      end: why && { at: now, by: actorOf(caller), reason: why },
      except: why === 'all_of_user' && keepSession !== undefined ? parseSessionId(keepSession) : undefined,
      witness: await administratorLeft(context, caller, account, next),
    });
    if (result.kind === 'not_found') throw absent(id);
    if (result.kind === 'username_taken' || result.kind === 'email_taken') {
      throw taken(result.kind, next);
    }
    return result.kind === 'changed' ? result : 'conflict';
  });
  const propagation =
    outcome.sequence === undefined ? undefined : await context.fence.awaitEverywhere(outcome.sequence, wait);
  return { account: accountView(outcome.account), receipt: propagation && { ...propagation, endedAt: now } };
}

/**
 * Removes an account and ends all its sessions.
 * @throws `account_not_found`, `permission_missing`, `last_administrator`, `changed_meanwhile`, `server_busy`
 */
export async function deleteAccount(
  context: AuthorityContext,
  caller: Caller,
  id: string,
  wait: Wait = 'everywhere',
): Promise<{ receipt: Receipt }> {
  const at = context.clock.nowForEnd();
  const by = actorOf(caller);
  const userId = parseUserId(id);
  const outcome = await endingInTurn(context, caller, id, async (present) => {
    const { account } = await context.store.readUser(userId);
    if (account) guardAccount(present, account);
    const result = await context.store.deleteAccount({
      id: userId,
      // Of one that is gone, the store completes what an earlier call has left to do.
      version: account?.version ?? 0,
      event: { type: 'account.deleted', at, by, userId },
      end: { at, by, reason: 'account_disabled' },
      witness: account && (await administratorLeft(context, caller, account)),
    });
    return result.kind === 'conflict' ? 'conflict' : result;
  });
  const { sequence } = outcome;
  const propagation = sequence === undefined ? undefined : await context.fence.awaitEverywhere(sequence, wait);
  if (outcome.kind === 'not_found') throw absent(id);
  return { receipt: { ...propagation!, endedAt: at } };
}

/**
 * Runs a change of an account after the others that this server was asked for before: a caller that changes its own
 * account all the time must not keep an administrator from it.
 */
export function changeInTurn<T>(
  context: AuthorityContext,
  caller: Caller,
  id: string,
  attempt: (caller: Caller) => Promise<T | 'conflict'>,
): Promise<T> {
  return inTurn(context, caller, turnsOf(id), (present) => retryAs(context, present, attempt));
}

/** The same for a change that ends the account's sessions. */
const endingInTurn: typeof changeInTurn = (context, caller, id, attempt) =>
  endInTurn(context, caller, turnsOf(id), (present) => retryAs(context, present, attempt));

/** What changes of an account take turns for. */
const turnsOf = (id: string): string => `account ${id}`;

/** One that is disabled already is treated alike: the first call may still be waiting, and this one must too (R18). */
function endReasonOf(set: Partial<Account>): EndReason | undefined {
  if (set.disabled) return 'account_disabled';
  return set.passwordHash === undefined ? undefined : 'all_of_user';
}

function eventOf(account: Account, set: Partial<Account>): EventType {
  if (set.disabled === undefined || set.disabled === account.disabled) return 'account.changed';
  return set.disabled ? 'account.disabled' : 'account.enabled';
}

/** What a patch sets, validated; absent fields keep their value. */
function changesOf(patch: AccountPatch): Partial<Account> {
  const { username, name, disabled, roles: given, permissions: single } = patch;
  return {
    ...(username !== undefined && { username: parseUsername(username) }),
    ...(name !== undefined && { name: parseName(name ?? undefined) }),
    ...(given && { roles: [...new Set(given)] }),
    ...(single && { permissions: [...new Set(single)] }),
    ...(disabled !== undefined && { disabled }),
  };
}

/**
 * How a new address is stored. A caller with `accounts.manage` is trusted: an administrator, or the application, which
 * has sent a link there (Curfew sends no mail). Addresses that others give for their own account must be confirmed.
 */
function addressOf(caller: Caller, account: Account, { email }: AccountPatch): Partial<Account> {
  if (email === undefined) return {};
  const address = parseEmail(email ?? undefined);
  const isBelieved = address === undefined || address === account.email || caller.granted.has('accounts.manage');
  return isBelieved ? { email: address, pendingEmail: undefined } : { pendingEmail: address };
}

/**
 * Accepts an account's pending address: from now on it is the account's, and its owner can sign in with it. The caller
 * gives the address that was confirmed, because the owner may have set another one meanwhile.
 * @throws `account_not_found`, `permission_missing`, `email_not_pending`, `email_taken`, `invalid_value`,
 *   `changed_meanwhile`, `server_busy`
 */
export async function confirmEmail(
  context: AuthorityContext,
  caller: Caller,
  id: string,
  email: string,
): Promise<AccountView> {
  guard(caller, ['accounts.manage']);
  const confirmed = parseEmail(email);
  const at = context.clock.now();
  return changeInTurn(context, caller, id, async (present) => {
    const account = await readAccount(context, id);
    guardAccount(present, account);
    if (account.pendingEmail !== confirmed) {
      throw new CurfewError('email_not_pending', { detail: `Account ${account.username}.` });
    }
    const set = { email: confirmed, pendingEmail: undefined, updatedAt: at };
    const outcome = await context.store.changeAccount({
      id: account.id,
      version: account.version,
      set,
      event: {
        type: 'account.changed',
        at,
        by: actorOf(caller),
        userId: account.id,
        details: { changed: ['email'] },
      },
    });
    if (outcome.kind === 'not_found') throw absent(id);
    if (outcome.kind === 'username_taken' || outcome.kind === 'email_taken') {
      throw taken(outcome.kind, { ...account, ...set });
    }
    return outcome.kind === 'changed' ? accountView(outcome.account) : 'conflict';
  });
}

/** @throws `invalid_value` */
function parseUsername(text: string): string {
  const username = canonicalLogin(text);
  if (username.length >= 1 && username.length <= limits.username && /^[a-z0-9._-]+$/.test(username)) return username;
  throw new CurfewError('invalid_value', {
    detail: `A user name has 1 to ${limits.username} characters of a-z 0-9 . _ -; this one is ${quoted(text)}.`,
  });
}

/** @throws `invalid_value` */
function parseEmail(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const email = canonicalLogin(text);
  // U+FFFD: what some program, or the canonical form, could not represent. Different addresses would become the same one.
  if (email.length <= limits.email && /^[^\s@\p{Cc}\ufffd]+@[^\s@\p{Cc}\ufffd]+$/u.test(email)) return email;
  throw new CurfewError('invalid_value', { detail: `${quoted(text)} is not an e-mail address.` });
}

/** @throws `invalid_value` */
function parseName(text: string | undefined): string | undefined {
  return text === undefined ? undefined : parseShownName(text, limits.displayName);
}

function taken(code: 'username_taken' | 'email_taken', account: Account): CurfewError {
  const value = code === 'username_taken' ? account.username : account.email;
  return new CurfewError(code, { detail: `Another account has ${value}.` });
}
