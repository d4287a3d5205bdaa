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
  /** What nobody chose, and so has to be told, once. */
  password: string | undefined;
  apiKey: string | undefined;
};

/**
 * On an empty store: makes the first account, an administrator, and an API key that may do everything; both or neither.
 * `undefined` when somebody has been here before.
 * @throws `config_invalid` when the password that was given is not accepted
 */
export async function firstStart(
  context: AuthorityContext,
  given: {
    adminUsername: string;
    adminEmail?: string | undefined;
    adminPassword?: string | undefined;
    apiKey?: string | undefined;
  },
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
    // Another server was the first, at the same moment.
    if (isCurfewError(error, 'username_taken')) return undefined;
    throw error;
  });
  if (!account) return undefined;
  const key = { name: 'root', scopes: permissions };
  let apiKey: string | undefined;
  try {
    if (given.apiKey === undefined) apiKey = (await createKey(context, library, key)).token;
    else await importKey(context, library, { ...key, token: given.apiKey });
  } catch (error) {
    // Nobody was told its password: the next start is to be the first again.
    // So it goes past the rule that the last administrator stays.
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

/** Whoever starts a server is told of the setting that is wrong. */
async function checkAdminPassword(password: string): Promise<void> {
  try {
    await checkPassword(password);
  } catch (error) {
    if (!isCurfewError(error, 'invalid_value')) throw error;
    throw new CurfewError('config_invalid', { detail: `CURFEW_ADMIN_PASSWORD: ${error.facts.detail}` }, error);
  }
}
