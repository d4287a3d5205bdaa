import type { AccountId } from './brand.ts';
import type { Permission, Role } from './permissions.ts';

/** Somebody whom Curfew can sign in. Times are epoch milliseconds. */
export type Account = {
  id: AccountId;
  /** Unique, lower case. */
  username: string;
  /** Unique, lower case. */
  email: string | undefined;
  /**
   * The address that its owner says is theirs, until somebody has confirmed it: nobody signs in with it, and it need not be
   * unique, so whoever sets it does not learn whether another account has it.
   */
  pendingEmail: string | undefined;
  name: string | undefined;
  roles: readonly Role[];
  permissions: readonly Permission[];
  disabled: boolean;
  createdAt: number;
  updatedAt: number;
  lastLoginAt: number | undefined;
  version: number;
  /** Argon2id in PHC form. */
  passwordHash: string;
  factor: Factor | undefined;
};

/** An authenticator and its backup codes. */
export type Factor = {
  /** The TOTP secret, encrypted (AES-256-GCM). */
  sealedSecret: Uint8Array;
  /** `undefined` until the first code was confirmed: an unconfirmed factor is not asked for. */
  confirmedAt: number | undefined;
  /** The time step of the last code that was used: a code counts once (RFC 6238 §5.2). */
  lastStep: number;
  /** Keyed hashes of the backup codes that are left. */
  backupCodes: readonly string[];
};

/** An account as a caller may see it: no hash, no secret. */
export type AccountView = Omit<Account, 'passwordHash' | 'factor'> & {
  totp: boolean;
  backupCodesLeft: number;
};

export function accountView({ passwordHash: _hash, factor, ...account }: Account): AccountView {
  return { ...account, totp: hasFactor({ factor }), backupCodesLeft: factor?.backupCodes.length ?? 0 };
}

/** Whether signing in takes a second factor. */
export function hasFactor(account: { factor: Factor | undefined }): boolean {
  return account.factor?.confirmedAt !== undefined;
}

/** The second factors that an account can use, as callers are told. */
export function factorMethods(account: { factor: Factor | undefined }): string[] {
  if (!hasFactor(account)) return [];
  return account.factor!.backupCodes.length > 0 ? ['totp', 'backup_code'] : ['totp'];
}

/** Whether an account can do everything now. A role grants what later versions add too; single permissions do not. */
export function isAdministrator({ roles, disabled }: Pick<Account, 'roles' | 'disabled'>): boolean {
  return !disabled && roles.includes('admin');
}

/**
 * User names and addresses are compared in one form, so that neither `Ada` nor a look of it in other code points (an
 * accent as a character of its own, letters of full width) can be taken beside `ada`.
 */
export function canonicalLogin(text: string): string {
  return text.normalize('NFKC').trim().toLowerCase().normalize('NFKC');
}
