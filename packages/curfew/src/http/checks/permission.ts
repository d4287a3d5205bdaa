import type { Caller } from '../../authority/caller.ts';
import type { Permission } from '../../domain/permissions.ts';
import { CurfewError, type ErrorCode } from '../../errors.ts';

export const permissionErrors: readonly ErrorCode[] = ['permission_missing'];

/** The caller must have the permission: people by role or individually, keys as a scope. */
export function permission(caller: Caller, wanted: Permission): void {
  if (caller.granted.has(wanted)) return;
  const how = caller.kind === 'key' ? `the scope of the key named ${caller.key.name}` : 'a permission of the account';
  throw new CurfewError('permission_missing', { detail: `This requires ${wanted} as ${how}.` });
}
