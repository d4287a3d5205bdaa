import { createAccount } from '../authority/accounts.ts';
import { library } from '../authority/caller.ts';
import type { AuthorityContext } from '../authority/context.ts';
import { createKey, importKey, parseWholeKey } from '../authority/keys.ts';
import { checkPassword } from '../authority/passwords.ts';
import { randomDigits } from '../domain/base62.ts';
import { permissions } from '../domain/permissions.ts';
import { CurfewError, isCurfewError } from '../errors.ts';

export type FirstStart = {
  username: string;
  /** The generated password and key, which have to be shown once; `undefined` if they were set. */
  password: string | undefined;
  apiKey: string | undefined;
};

/**
 * On an empty store: creates the first account, an administrator, and an API key with every scope, and keeps the secret
 * key's fingerprint (`keepKey`); all of it, or neither account nor API key. `undefined` if the store has been used before.
 * @throws `config_invalid` if the password that was set is not accepted, and what `keepKey` throws
 */
export async function firstStart(
  context: AuthorityContext,
  given: {
    adminUsername: string;
    adminEmail?: string | undefined;
    adminPassword?: string | undefined;
    apiKey?: string | undefined;
  },
  keepKey: () => Promise<void>,
): Promise<FirstStart | undefined> {
  const { store, random } = context;
  const [{ accounts }, { keys }] = await Promise.all([store.listAccounts({ limit: 1 }), store.listKeys({ limit: 1 })]);
  if (accounts.length > 0 || keys.length > 0) return undefined;
  if (given.apiKey !== undefined) parseWholeKey(given.apiKey);
  if (given.adminPassword !== undefined) await checkAdminPassword(given.adminPassword);
  const password = given.adminPassword ?? randomDigits(20, random);
  const account = await createAccount(context, library, {
    username: given.adminUsername,
    email: given.adminEmail,
    password,
    roles: ['admin'],
  }).catch((error: unknown) => {
    // Another server was first, at the same moment.
    if (isCurfewError(error, 'username_taken')) return undefined;
    throw error;
  });
  if (!account) return undefined;
  const key = { name: 'root', scopes: permissions };
  let apiKey: string | undefined;
  try {
    await keepKey();
    if (given.apiKey === undefined) apiKey = (await createKey(context, library, key)).token;
    else await importKey(context, library, { ...key, token: given.apiKey });
  } catch (error) {
    // Nobody has seen the password, so the next start must be the first again. This bypasses the rule that the last
    // administrator cannot be removed.
    const at = context.clock.nowForEnd();
    const by = 'library';
    await store.deleteAccount({
      id: account.id,
      version: account.version,
      event: { type: 'account.deleted', at, by, userId: account.id },
      end: { at, by, reason: 'account_disabled' },
    });
    throw error;
  }
  return { username: account.username, password: given.adminPassword === undefined ? password : undefined, apiKey };
}

/** Checks the password; its error names the setting. */
async function checkAdminPassword(password: string): Promise<void> {
  try {
    await checkPassword(password);
  } catch (error) {
    if (!isCurfewError(error, 'invalid_value')) throw error;
    throw new CurfewError('config_invalid', { detail: `CURFEW_ADMIN_PASSWORD: ${error.facts.detail}` }, error);
  }
}
