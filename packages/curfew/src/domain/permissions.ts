/** What a person (by role or by name) or an API key (by scope) may do. */
export const permissions = [
  'sessions.create',
  'sessions.verify',
  'sessions.read',
  'sessions.end',
  'groups.change',
  'accounts.manage',
  'keys.manage',
  'events.read',
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
