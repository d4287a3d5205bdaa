import type { Browsed, OwnerNames } from '../../authority/browse-sessions.ts';
import type { Caller } from '../../authority/caller.ts';
import type { AccountView } from '../../domain/account.ts';
import type { Session } from '../../domain/session.ts';

export type Person = Extract<Caller, { kind: 'person' }>;

/** `me` is the user as `encodeUser` or `encodeStranger` returns it. */
export function encodeLogin({ userId }: Pick<Session, 'userId'>, authToken: string, me: object): object {
  return { status: 'success', data: { userId, authToken, me }, success: true };
}

/** A user's own fields: no secret, no hash. */
export function encodeUser(account: AccountView): object {
  const { id, username, name = username, email, roles, disabled, totp, createdAt, updatedAt, lastLoginAt } = account;
  return {
    ...profile({ id, username, name }),
    emails: email === undefined ? [] : [{ address: email, verified: true }],
    ...(email !== undefined && { email }),
    roles,
    active: !disabled,
    services: { password: { exists: true }, totp: { enabled: totp } },
    createdAt: rfc3339(createdAt),
    _updatedAt: rfc3339(updatedAt),
    ...(lastLoginAt !== undefined && { lastLogin: rfc3339(lastLoginAt) }),
  };
}

/** A user whom only the application knows: nothing but the id is known here. */
export function encodeStranger(id: string): object {
  return {
    ...profile({ id, username: id, name: id }),
    emails: [],
    roles: [],
    active: true,
    services: { password: { exists: false } },
  };
}

/** The fields that Rocket.Chat's clients expect of every user. There are no pictures or preferences here. */
function profile({ id, username, name }: { id: string; username: string; name: string }): object {
  return {
    _id: id,
    username,
    name,
    status: 'online',
    statusConnection: 'online',
    avatarUrl: '',
    isOAuthUser: false,
    settings: { profile: {}, preferences: {}, calendar: {} },
  };
}

export const loggedOut = {
  status: 'success',
  data: { message: "You've been logged out!" },
  success: true,
} as const;

/** All of a user's sessions have ended. */
export function encodeUserEnded(userId: string): object {
  return { message: `User ${userId} has been logged out!`, success: true };
}

/** All sessions except the caller's own have ended: returns the token that remains, and until when. */
export function encodeOthersEnded(token: string, { session }: Person): object {
  return { token, tokenExpires: rfc3339(session.expiresAt), success: true };
}

/** A session as Rocket.Chat's device management shows it. `host` is the server's name, as the caller knows it. */
export function encodeSession(session: Session, { session: current }: Person, host: string): object {
  const { id, userId, device, ip = '', createdAt } = session;
  const { type, name = '', longVersion = '', version = '', os } = device;
  return {
    _id: id,
    sessionId: id,
    userId,
    device: {
      type,
      name,
      longVersion,
      version,
      os: { name: os?.name ?? '', ...(os?.version !== undefined && { version: os.version }) },
    },
    host,
    ip,
    loginAt: rfc3339(createdAt),
    ...(id === current.id && { current: true }),
  };
}

/** The same, with the owner of the session. */
export function encodePopulated(session: Session, named: OwnerNames, caller: Person, host: string): object {
  const { username, displayName: name } = named;
  return { ...encodeSession(session, caller, host), _user: { name, username } };
}

/** A page; it has `partial` only if there may be more matches than were searched. */
export function encodePage(
  sessions: object[],
  { total, partial }: Browsed,
  { limit, offset }: { limit: number; offset: number },
): object {
  return { sessions, total, count: limit, offset, ...(partial && { partial }), success: true };
}

const rfc3339 = (moment: number): string => new Date(moment).toISOString();
