import type { AccountId } from './brand.ts';
import type { Permission, Role } from './permissions.ts';

/** An account with which somebody can sign in. Times are epoch milliseconds. */
export type Account = {
  id: AccountId;
  /** Unique, lower case. */
  username: string;
  /** Unique, lower case. */
  email: string | undefined;
  /**
   * An address that the owner has given and nobody has confirmed yet: it cannot be used to sign in. It need not be
   * unique, so setting it does not reveal whether another account has it.
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
  /** `undefined` until the first code is confirmed: no code is required before. */
  confirmedAt: number | undefined;
  /** The time step of the last code that was used: a code counts only once (RFC 6238 §5.2). */
  lastStep: number;
  /** Keyed hashes of the remaining backup codes. */
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

/** Whether signing in requires a second factor. */
export function hasFactor(account: { factor: Factor | undefined }): boolean {
  return account.factor?.confirmedAt !== undefined;
}

/** The second factors that an account can use, as in answers. */
export function factorMethods(account: { factor: Factor | undefined }): string[] {
  if (!hasFactor(account)) return [];
  return account.factor!.backupCodes.length > 0 ? ['totp', 'backup_code'] : ['totp'];
}

/**
 * Whether an account may do everything now. It is the role that counts: it will include what later versions add, which
 * single permissions do not.
 */
export function isAdministrator({ roles, disabled }: Pick<Account, 'roles' | 'disabled'>): boolean {
  return !disabled && roles.includes('admin');
}

/**
 * User names and addresses are compared in one form, so that neither `Ada` nor a look-alike in other code points
 * (combining accents, full-width letters) can exist beside `ada`. One half of a surrogate pair is U+FFFD, as it is once
 * the text is encoded.
 */
export function canonicalLogin(text: string): string {
  return text.toWellFormed().normalize('NFKC').trim().toLowerCase().normalize('NFKC');
}
