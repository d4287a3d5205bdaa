import { CurfewApiError } from 'curfew-client';
import { canonicalLogin } from '../domain/account.ts';
import { isId } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import { type Context, exitCodes, Stop } from './context.ts';

/** The user that a command is about: the id that the sessions have, and the account's user name, if there is one. */
export type User = {
  id: string;
  username?: string;
  /** The credential may not look up accounts: the text that was given could only be taken as an id. */
  unnamed?: true;
};

/** The option that goes with every `<user>`: the text is an id, whatever accounts are called. */
export const exactOption = ['--exact', 'take <user> as an id, and do not look for an account with that name'] as const;

/**
 * The user that a text means: an account by its user name, address or id, or else the user with that id in the
 * application. A text that means two users is refused, so that a command does not end the sessions of the wrong one.
 */
export async function findUser(context: Context, text: string, exact = false): Promise<User> {
  if (exact) return { id: text };
  const { account, unnamed } = await lookUp(context, text);
  if (!account) return unnamed ? { id: text, unnamed } : { id: text };
  const { id, username } = account;
  if (id === text) return { id, username };
  const other = await otherUser(context, text);
  if (other === undefined) return { id, username };
  throw new Stop(
    exitCodes.usage,
    `${JSON.stringify(text)} is the account ${username} (${id}), and ${other}. ` +
      `Write ${id} for the account, or add --exact for the other user.`,
  );
}

type NamedAccount = { id: string; username: string };

/** The account that a text names, if the credential may look it up; it may always look up its own. */
async function lookUp(context: Context, text: string): Promise<{ account: NamedAccount | undefined; unnamed?: true }> {
  try {
    return { account: await findAccount(context, text) };
  } catch (error) {
    if (!lacksPermission(error)) throw error;
    return { account: await ownAccount(context, text), unnamed: true };
  }
}

/** The account with a user name, an address or an id; `undefined` if there is none. */
export async function findAccount({ client }: Context, text: string) {
  if (text.length > limits.email) return undefined;
  // The id takes precedence: anybody can choose a user name that is somebody else's id.
  const byId = isId(text) ? (await client.listAccounts({ ids: text })).accounts[0] : undefined;
  return byId ?? (await client.listAccounts({ login: text })).accounts[0];
}

/** People who may not look up accounts can still name their own. */
async function ownAccount({ client }: Context, text: string): Promise<NamedAccount | undefined> {
  const { account } = await client.me();
  if (!account) return undefined;
  const { id, username, email } = account;
  const own = text === id || [username, email].includes(canonicalLogin(text));
  return own ? { id, username } : undefined;
}

/** The other user whose id the text may be, in words; `undefined` if nobody with that id has a session. */
async function otherUser({ client }: Context, user: string): Promise<string | undefined> {
  try {
    const { sessions } = await client.listSessions({ user, limit: 1 });
    return sessions.length > 0 ? 'also the id of another user, who has sessions' : undefined;
  } catch (error) {
    if (!lacksPermission(error)) throw error;
    // If this is unknown, the text is refused: anybody can give their account somebody else's id as its name.
    return 'perhaps also the id of another user: this credential lacks the permission sessions.read to see that';
  }
}

function lacksPermission(error: unknown): boolean {
  return error instanceof CurfewApiError && error.code === 'permission_missing';
}

/** For people: `account olga (0V7o…)`, `user ada`. */
export function userText({ id, username }: User): string {
  return username === undefined ? `user ${id}` : `account ${username} (${id})`;
}

export const unnamedText =
  'Accounts could not be looked up by name: this credential lacks the permission accounts.manage.';

/** Why there is nothing to do. `what`: what the user does not have, such as `session to end`. */
export function nothingText({ id, username, unnamed }: User, what: string): string {
  if (username !== undefined) return `Account ${username} (${id}) has no ${what}.`;
  const none = `No user with the id ${JSON.stringify(id)} has ${/^[aeiou]/.test(what) ? 'an' : 'a'} ${what}`;
  if (!unnamed) return `${none}, and no account is called that.`;
  return `${none}. ${unnamedText}`;
}

/** The user names of accounts, by id. */
export type UserNames = ReadonlyMap<string, string>;

/**
 * The user names of those users who have accounts, with one call per page; none if the credential may not see accounts.
 */
export async function userNames({ client }: Context, users: readonly (string | undefined)[]): Promise<UserNames> {
  const ids = [...new Set(users)].filter((id) => id !== undefined && isId(id));
  const names = new Map<string, string>();
  try {
    for (let i = 0; i < ids.length; i += limits.pageMax) {
      const { accounts } = await client.listAccounts({ ids: ids.slice(i, i + limits.pageMax).join(',') });
      for (const { id, username } of accounts) names.set(id, username);
    }
  } catch (error) {
    // Names only make the answer easier to read.
    if (!(error instanceof CurfewApiError)) throw error;
  }
  return names;
}

/** A user's id with their name: `olga (0V7o…)`, or the id alone. */
export function withName(names: UserNames, id: string): string {
  const name = names.get(id);
  return name === undefined ? id : `${name} (${id})`;
}

/**
 * The same without the id: `olga (…)`. The parentheses stay, because an application's user may have the id `olga`.
 */
export function withoutId(names: UserNames, id: string): string {
  const name = names.get(id);
  return name === undefined ? id : `${name} (…)`;
}
