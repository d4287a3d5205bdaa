/**
 * What a person (by role or by name) or an API key (by scope) may do. A store may keep one as its place in this list: new
 * ones come last.
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
  /** Looks, and changes nothing. */
  auditor: ['sessions.read', 'events.read'],
  /** Signs in, and sees and ends their own sessions. */
  member: [],
} as const satisfies Record<string, readonly Permission[]>;

export type Role = keyof typeof roles;
export const roleNames = Object.keys(roles) as Role[];

/** Everything that the roles and the single permissions of an account grant. */
export function grantedBy(account: { roles: readonly Role[]; permissions: readonly Permission[] }): Set<Permission> {
  return new Set([...account.roles.flatMap((role) => roles[role]), ...account.permissions]);
}

/**
 * Whether a session acts with what its account may do. One that somebody else opened for the account does only if whoever
 * opened it may do all of that as well: else whoever opens sessions would be everybody. It is asked at each use, so that an
 * account which may more by now lends nothing of it to a session from before.
 */
export function actsAsAccount(
  { openedWith }: { openedWith: readonly Permission[] | undefined },
  account: { roles: readonly Role[]; permissions: readonly Permission[] },
): boolean {
  return openedWith === undefined || [...grantedBy(account)].every((permission) => openedWith.includes(permission));
}

/** Permissions as a number, a bit for the place of each: sessions are many, and most have some. */
export function bitsOfPermissions(some: readonly Permission[]): number {
  return some.reduce((bits, permission) => bits | (1 << permissions.indexOf(permission)), 0);
}

const lists: Map<number, readonly Permission[]> = new Map();

/** The permissions of such a number; the same few numbers come again and again. */
export function permissionsOfBits(bits: number): readonly Permission[] {
  let list = lists.get(bits);
  if (!list) {
    list = permissions.filter((_, place) => (bits & (1 << place)) !== 0);
    lists.set(bits, list);
  }
  return list;
}
