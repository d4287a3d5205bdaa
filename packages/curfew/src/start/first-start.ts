import { createAccount } from '../authority/accounts.ts';
import { library } from '../authority/caller.ts';
import type { AuthorityContext } from '../authority/context.ts';
import { importKey, makeKey, parseWholeKey } from '../authority/keys.ts';
import { checkPassword } from '../authority/passwords.ts';
import type { AccountView } from '../domain/account.ts';
import { randomDigits } from '../domain/base62.ts';
import type { KeyId } from '../domain/brand.ts';
import { quoted } from '../domain/parse.ts';
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
  const [{ accounts }, { keys }] = await Promise.all([
    store.listAccounts({ limit: 1 }),
    store.listKeys({ limit: 100 }),
  ]);
  if (accounts.length > 0 || keys.some(({ revokedAt }) => revokedAt === undefined)) return undefined;
  const token = given.apiKey ?? makeKey(context.clock.now(), random);
  const { id } = parseWholeKey(token);
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
    throw isCurfewError(error, 'outcome_unknown') ? mayExist(given.adminUsername, error) : error;
  });
  if (!account) return undefined;
  const addKey = () => importKey(context, library, { token, name: 'root', scopes: permissions });
  try {
    await keepKey();
    await addKey().catch((error: unknown) => {
      // The same key is created once, however often it is asked for.
      if (isCurfewError(error, 'outcome_unknown')) return addKey();
      throw error;
    });
  } catch (error) {
    await undo(context, account, id).catch(() => {
      throw mayExist(account.username, error);
    });
    throw error;
  }
  return {
    username: account.username,
    password: given.adminPassword === undefined ? password : undefined,
    apiKey: given.apiKey === undefined ? token : undefined,
  };
}

/**
 * Nobody has seen the password or the key, so the next start must be the first again. This bypasses the rule that the last
 * administrator cannot be removed.
 */
async function undo({ store, clock }: AuthorityContext, account: AccountView, key: string): Promise<void> {
  const at = clock.nowForEnd();
  const by = 'library';
  // Whether it was created may be unknown.
  await store.revokeKey(key as KeyId, at, { type: 'key.revoked', at, by, details: { key } });
  await store.deleteAccount({
    id: account.id,
    version: account.version,
    event: { type: 'account.deleted', at, by, userId: account.id },
    end: { at, by, reason: 'account_disabled' },
  });
}

function mayExist(username: string, cause: unknown): CurfewError {
  return new CurfewError(
    'outcome_unknown',
    {
      detail: `The first account, ${quoted(username)}, may have been created: ${(cause as Error).message}`,
      remedy: `Start the server again. If it shows no password then, \`curfew accounts recover\` gives the account a new one.`,
    },
    cause,
  );
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
