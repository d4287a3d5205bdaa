import { CurfewApiError } from 'curfew-client';
import { canonicalLogin } from '../domain/account.ts';
import { isId } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import { type Context, exitCodes, Stop } from './context.ts';

/** Whom a command is about: the id that their sessions have, and the name of their account where Curfew has one. */
export type User = {
  id: string;
  username?: string;
  /** The credential may not look up accounts: the text that was given could only be taken as an id. */
  unnamed?: true;
};

/** The option beside every `<user>`: the text is an id, whatever accounts are called. */
export const exactOption = ['--exact', 'take <user> as an id, and look for no account of that name'] as const;

/**
 * The user that a text means: an account by its user name, address or id, or else whoever has the text as their id in
 * the application. A text that means two users is refused: a command must not end the sessions of the other one.
 */
export async function findUser(context: Context, text: string, exact = false): Promise<User> {
  if (exact) return { id: text };
  let account: Awaited<ReturnType<typeof findAccount>>;
  try {
    account = await findAccount(context, text);
  } catch (error) {
    if (!lacksPermission(error)) throw error;
    return (await ownAccount(context, text)) ?? { id: text, unnamed: true };
  }
  if (!account) return { id: text };
  const { id, username } = account;
  if (id !== text && (await hasSessions(context, text))) {
    throw new Stop(
      exitCodes.usage,
      `${JSON.stringify(text)} is the account ${username} (${id}), and also the id of another user, who has sessions. ` +
        `Write ${id} for the account, or add --exact for the other user.`,
    );
  }
  return { id, username };
}

/** The account with a user name, an address or an id; `undefined` when there is none. */
export async function findAccount({ client }: Context, text: string) {
  if (text.length > limits.email) return undefined;
  const { accounts } = await client.listAccounts({ login: text });
  if (accounts[0] || !isId(text)) return accounts[0];
  return (await client.listAccounts({ ids: text })).accounts[0];
}

/** People who may not look up accounts may still name their own. */
async function ownAccount({ client }: Context, text: string): Promise<User | undefined> {
  const { account } = await client.me();
  if (!account) return undefined;
  const { id, username, email } = account;
  const own = text === id || [username, email].includes(canonicalLogin(text));
  return own ? { id, username } : undefined;
}

async function hasSessions({ client }: Context, user: string): Promise<boolean> {
  try {
    return (await client.listSessions({ user, limit: 1 })).sessions.length > 0;
  } catch (error) {
    // Whoever may not look cannot be told of the other user; the answer names the one that was meant.
    if (lacksPermission(error)) return false;
    throw error;
  }
}

function lacksPermission(error: unknown): boolean {
  return error instanceof CurfewApiError && error.code === 'permission_missing';
}

/** As people read it: `account olga (0V7o…)`, `user ada`. */
export function userText({ id, username }: User): string {
  return username === undefined ? `user ${id}` : `account ${username} (${id})`;
}

/** Why nothing was found to act on. `what` is what the user has none of, such as `session to end`. */
export function nothingText({ id, username, unnamed }: User, what: string): string {
  if (username !== undefined) return `Account ${username} (${id}) has no ${what}.`;
  const none = `No user with the id ${JSON.stringify(id)} has a ${what}`;
  if (!unnamed) return `${none}, and no account is called that.`;
  return `${none}. Accounts could not be looked up by name: this credential lacks the permission accounts.manage.`;
}

/** The user names of accounts, by id. */
export type UserNames = ReadonlyMap<string, string>;

/** The user names of those of a page who have accounts: one call a page. None where the credential may not see accounts. */
export async function userNames({ client }: Context, users: readonly (string | undefined)[]): Promise<UserNames> {
  const ids = [...new Set(users)].filter((id) => id !== undefined && isId(id));
  const names = new Map<string, string>();
  try {
    for (let i = 0; i < ids.length; i += limits.pageMax) {
      const { accounts } = await client.listAccounts({ ids: ids.slice(i, i + limits.pageMax).join(',') });
      for (const { id, username } of accounts) names.set(id, username);
    }
  } catch (error) {
    // Names only help to read an answer that is there already.
    if (!(error instanceof CurfewApiError)) throw error;
  }
  return names;
}

/** A user's id with their name: `olga (0V7o…)`, or the id alone. */
export function withName(names: UserNames, id: string): string {
  const name = names.get(id);
  return name === undefined ? id : `${name} (${id})`;
}
