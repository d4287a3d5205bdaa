import { type Account, type AccountView, accountView, canonicalLogin } from '../domain/account.ts';
import type { AccountId } from '../domain/brand.ts';
import type { EventType } from '../domain/events.ts';
import { newId } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import { parseSessionId, parseUserId, quoted } from '../domain/parse.ts';
import { type Permission, permissions, type Role, roles } from '../domain/permissions.ts';
import type { EndReason } from '../domain/reasons.ts';
import { CurfewError } from '../errors.ts';
import { actorOf, type Caller } from './caller.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import { checkOwnChange, type OwnerProof } from './own-change.ts';
import { checkPassword } from './passwords.ts';
import type { Receipt, Wait } from './receipt.ts';
import { retryConflicts } from './retry.ts';
import type { World } from './world.ts';

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
 * Makes an account. Nobody can grant what they have not.
 * @throws `username_taken`, `email_taken`, `invalid_value`, `permission_missing`
 */
export async function createAccount(world: World, caller: Caller, request: NewAccount): Promise<AccountView> {
  const now = world.clock.now();
  const username = parseUsername(request.username);
  const account: Account = {
    id: newId(username, now, world.random) as AccountId,
    username,
    email: parseEmail(request.email ?? undefined),
    name: parseName(request.name ?? undefined),
    roles: [...new Set(request.roles ?? ['member' as const])],
    permissions: [...new Set(request.permissions ?? [])],
    disabled: false,
    createdAt: now,
    updatedAt: now,
    lastLoginAt: undefined,
    version: 1,
    passwordHash: await world.passwords.hash(checkPassword(request.password)),
    factor: undefined,
  };
  checkGrant(caller, account);
  const event = { type: 'account.created', at: now, by: actorOf(caller), userId: account.id } as const;
  const outcome = await world.store.createAccount(account, event);
  if (outcome !== 'created') throw taken(outcome, account);
  return accountView(account);
}

/** @throws `account_not_found` */
export async function getAccount(world: World, id: string): Promise<AccountView> {
  return accountView(await readAccount(world, id));
}

/** The whole account, with what callers never see. @throws `account_not_found` */
export async function readAccount(world: World, id: string): Promise<Account> {
  const { account } = await world.store.readUser(parseUserId(id));
  if (account) return account;
  throw new CurfewError('account_not_found', { detail: `No account has the id ${quoted(id)}.` });
}

export async function listAccounts(
  world: World,
  { filter, limit = limits.pageDefault, cursor }: { filter?: string; limit?: number; cursor?: string } = {},
): Promise<{ accounts: AccountView[]; nextCursor: string | undefined }> {
  const query = { list: 'accounts', filter };
  const after = decodeCursor(cursor, query);
  const page = await world.store.listAccounts({ after, limit, text: filter || undefined });
  return {
    accounts: page.accounts.map(accountView),
    nextCursor: page.next === undefined ? undefined : encodeCursor(page.next, query),
  };
}

export type ChangedAccount = { account: AccountView; receipt: Receipt | undefined };

/**
 * Changes an account. Disabling it ends all its sessions, those being opened at this moment too, in the same write;
 * a new password ends all but the one that `keepSession` names.
 * @throws `account_not_found`, `username_taken`, `email_taken`, `invalid_value`, `permission_missing`, and as
 *   {@link checkOwnChange}
 */
export async function updateAccount(
  world: World,
  caller: Caller,
  id: string,
  patch: AccountPatch,
  {
    keepSession,
    wait = 'everywhere',
    ...proof
  }: { keepSession?: string | undefined; wait?: Wait | undefined } & OwnerProof = {},
): Promise<ChangedAccount> {
  await checkOwnChange(world, caller, id, patch, proof);
  const passwordHash =
    patch.password === undefined ? undefined : await world.passwords.hash(checkPassword(patch.password));
  const now = world.clock.now();
  const outcome = await retryConflicts(async () => {
    const account = await readAccount(world, id);
    const set = { ...changesOf(patch), ...(passwordHash && { passwordHash }), updatedAt: now };
    checkGrant(caller, { ...account, ...set }, account);
    const why = endReasonOf(account, set);
    const result = await world.store.changeAccount({
      id: account.id,
      version: account.version,
      set,
      event: {
        type: eventOf(account, set),
        at: now,
        by: actorOf(caller),
        userId: account.id,
        details: { changed: Object.keys(patch) },
      },
      end: why && { at: now, by: actorOf(caller), reason: why },
      except: why === 'all_of_user' && keepSession !== undefined ? parseSessionId(keepSession) : undefined,
    });
    if (result.kind === 'not_found') throw new CurfewError('account_not_found');
    if (result.kind === 'username_taken' || result.kind === 'email_taken') {
      throw taken(result.kind, { ...account, ...set });
    }
    return result.kind === 'changed' ? result : 'conflict';
  });
  const settled = outcome.sequence === undefined ? undefined : await world.fence.settle(outcome.sequence, wait);
  return { account: accountView(outcome.account), receipt: settled && { ...settled, endedAt: now } };
}

/**
 * Removes an account and ends all its sessions.
 * @throws `account_not_found`
 */
export async function deleteAccount(
  world: World,
  caller: Caller,
  id: string,
  wait: Wait = 'everywhere',
): Promise<{ receipt: Receipt }> {
  const at = world.clock.nowForEnd();
  const by = actorOf(caller);
  const userId = parseUserId(id);
  const event = { type: 'account.deleted', at, by, userId } as const;
  const outcome = await world.store.deleteAccount(userId, { at, by, reason: 'account_disabled' }, event);
  if (outcome === 'not_found')
    throw new CurfewError('account_not_found', { detail: `No account has the id ${quoted(id)}.` });
  const settled = await world.fence.settle(outcome.sequence, wait);
  return { receipt: { ...settled, endedAt: at } };
}

function endReasonOf(account: Account, set: Partial<Account>): EndReason | undefined {
  if (set.disabled && !account.disabled) return 'account_disabled';
  return set.passwordHash === undefined ? undefined : 'all_of_user';
}

function eventOf(account: Account, set: Partial<Account>): EventType {
  if (set.disabled === undefined || set.disabled === account.disabled) return 'account.changed';
  return set.disabled ? 'account.disabled' : 'account.enabled';
}

/** What a patch sets, checked: absent parts stay as they are. */
function changesOf(patch: AccountPatch): Partial<Account> {
  const { username, email, name, disabled, roles: given, permissions: single } = patch;
  return {
    ...(username !== undefined && { username: parseUsername(username) }),
    ...(email !== undefined && { email: parseEmail(email ?? undefined) }),
    ...(name !== undefined && { name: parseName(name ?? undefined) }),
    ...(given && { roles: [...new Set(given)] }),
    ...(single && { permissions: [...new Set(single)] }),
    ...(disabled !== undefined && { disabled }),
  };
}

/** Nobody grants what they have not, nor changes who may more than they. */
function checkGrant(caller: Caller, after: Account, before?: Account): void {
  const grants = (account: Account) =>
    new Set([...account.roles.flatMap((role) => roles[role]), ...account.permissions]);
  const wanted = new Set([...grants(after), ...(before ? grants(before) : [])]);
  const missing = permissions.filter((permission) => wanted.has(permission) && !caller.granted.has(permission));
  if (missing.length === 0) return;
  if (caller.kind === 'person' && before && caller.session.userId === before.id && sameGrants(after, before)) return;
  throw new CurfewError('permission_missing', { detail: `You have not: ${missing.join(', ')}.` });
}

function sameGrants(a: Account, b: Account): boolean {
  return JSON.stringify([a.roles, a.permissions]) === JSON.stringify([b.roles, b.permissions]);
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
  if (email.length <= limits.email && /^[^\s@\p{Cc}]+@[^\s@\p{Cc}]+$/u.test(email)) return email;
  throw new CurfewError('invalid_value', { detail: `${quoted(text)} is no e-mail address.` });
}

/** @throws `invalid_value` */
function parseName(text: string | undefined): string | undefined {
  if (text === undefined || text.length <= limits.displayName) return text?.toWellFormed();
  throw new CurfewError('invalid_value', { detail: `A name has at most ${limits.displayName} characters.` });
}

function taken(code: 'username_taken' | 'email_taken', account: Account): CurfewError {
  const value = code === 'username_taken' ? account.username : account.email;
  return new CurfewError(code, { detail: `Another account has ${value}.` });
}
