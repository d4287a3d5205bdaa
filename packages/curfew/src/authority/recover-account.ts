import { type Account, type AccountView, accountView, canonicalLogin, isAdministrator } from '../domain/account.ts';
import { parseUserId, quoted } from '../domain/parse.ts';
import { CurfewError } from '../errors.ts';
import type { Store } from '../stores/contract.ts';
import { accountGuesses, bucketOf } from './attempts.ts';
import { checkPassword, type Passwords } from './passwords.ts';
import { retryConflicts } from './retry.ts';

export type Recovery = {
  /** A user name, an e-mail address or an id. */
  account: string;
  password: string;
  /** Keep the second factor; otherwise it is removed with its backup codes. */
  keepFactor?: boolean | undefined;
  /** Make it an administrator, if it is not one. */
  admin?: boolean | undefined;
};

/**
 * Restores the access of somebody who is locked out: enables their account, sets a new password, removes the second
 * factor and ends the account's sessions, all in one write with its event. It works on the store itself and checks no
 * permission: anyone who can open the store could change it anyway.
 * @throws `account_not_found`; `invalid_value` if the password is not allowed, or the account is not an administrator's
 */
export async function recoverAccount(
  { store, passwords }: { store: Store; passwords: Passwords },
  { account: name, password, keepFactor = false, admin = false }: Recovery,
): Promise<AccountView> {
  const passwordHash = await passwords.hash(await checkPassword(password));
  const at = Math.max(await store.latestTime(), (await store.logHead()).now);
  const by = 'library';
  const recovered = await retryConflicts(async () => {
    const found = await find(store, name);
    const roles = admin && !found.roles.includes('admin') ? (['admin', ...found.roles] as const) : found.roles;
    if (!isAdministrator({ roles, disabled: false })) {
      throw new CurfewError('invalid_value', {
        detail: `${found.username} is not an administrator. Add --admin to make it one, or let an administrator help.`,
      });
    }
    const factor = keepFactor ? found.factor : undefined;
    const details = {
      recovered: true,
      enabled: found.disabled,
      factorRemoved: found.factor !== undefined && !keepFactor,
      madeAdministrator: roles !== found.roles,
    };
    const outcome = await store.changeAccount({
      id: found.id,
      version: found.version,
      set: { roles, disabled: false, passwordHash, factor, updatedAt: at },
      event: { type: 'account.recovered', at, by, userId: found.id, details },
      end: { at, by, reason: 'all_of_user' },
    });
    if (outcome.kind === 'not_found') throw absent(name);
    return outcome.kind === 'changed' ? outcome.account : 'conflict';
  });
  await forgetAttempts(store, recovered);
  return accountView(recovered);
}

async function find(store: Store, name: string): Promise<Account> {
  const login = canonicalLogin(name);
  // The id takes precedence: anybody can choose a user name that is somebody else's id.
  const byId = (await store.readUser(parseUserId(name))).account;
  const found = byId ?? (await store.findAccount({ username: login }))?.account;
  const account = found ?? (await store.findAccount({ email: login }))?.account;
  if (account) return account;
  throw absent(name);
}

function absent(name: string): CurfewError {
  return new CurfewError('account_not_found', { detail: `No account has the name, address or id ${quoted(name)}.` });
}

/** Unlocks the account, in case guesses at its password or its codes have locked it. */
async function forgetAttempts(store: Store, { id }: Account): Promise<void> {
  for (const kind of accountGuesses) await store.clearAttempts(bucketOf(kind, id));
}
