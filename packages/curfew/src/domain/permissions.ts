/**
 * What people (by role or individually) and API keys (by scope) may do. A store may keep a permission as its position
 * in this list, so new ones are added at the end.
 */
export const permissions = [
  'sessions.create',
  'sessions.verify',
  'sessions.read',
  'sessions.end',
  'groups.change',
  'accounts.manage',
  'keys.manage',
  'events.read',
  'fence.attach',
] as const;

export type Permission = (typeof permissions)[number];

/** What a role grants. */
export const roles = {
  admin: permissions,
  /** Helps people who lost a device: sees and ends sessions. */
  support: ['sessions.read', 'sessions.end'],
  /** Only reads. */
  auditor: ['sessions.read', 'events.read'],
  /** Signs in, and sees and ends their own sessions. */
  member: [],
} as const satisfies Record<string, readonly Permission[]>;

export type Role = keyof typeof roles;
export const roleNames = Object.keys(roles) as Role[];

/** All permissions of an account, from its roles and its single permissions. */
export function grantedBy(account: { roles: readonly Role[]; permissions: readonly Permission[] }): Set<Permission> {
  return new Set([...account.roles.flatMap((role) => roles[role]), ...account.permissions]);
}

/**
 * Whether a session has the permissions of its account. A session that somebody else opened for the account has them
 * only if the opener had all of them too: otherwise permission to open sessions would include every permission. It is
 * checked at each use, so that permissions which the account gets later do not extend to such a session.
 */
export function actsAsAccount(
  { openedWith }: { openedWith: readonly Permission[] | undefined },
  account: { roles: readonly Role[]; permissions: readonly Permission[] },
): boolean {
  return openedWith === undefined || [...grantedBy(account)].every((permission) => openedWith.includes(permission));
}

/** Permissions as a number with one bit for each, to save space: there are many sessions, and most have some. */
export function bitsOfPermissions(some: readonly Permission[]): number {
  return some.reduce((bits, permission) => bits | (1 << permissions.indexOf(permission)), 0);
}

const lists: Map<number, readonly Permission[]> = new Map();

/** The permissions of such a number; cached, because there are only a few different ones. */
export function permissionsOfBits(bits: number): readonly Permission[] {
  let list = lists.get(bits);
  if (!list) {
    list = permissions.filter((_, place) => (bits & (1 << place)) !== 0);
    lists.set(bits, list);
  }
  return list;
}
