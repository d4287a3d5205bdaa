import { hasFactor } from '../domain/account.ts';
import { CurfewError } from '../errors.ts';
import type { Caller } from './caller.ts';
import { confirmSecondFactor } from './second-factor.ts';
import { confirmPassword } from './sign-in.ts';
import type { World } from './world.ts';

/** What shows that whoever asks is more than the holder of a session. */
export type OwnerProof = { currentPassword?: string | undefined; code?: string | undefined };

/**
 * What people may change of how they sign in themselves, and what it takes: the present password or, with a factor
 * enrolled, a code; so whoever finds a session open does not keep the account. A new address is believed only when it
 * was confirmed, and Curfew sends no mail: whoever manages accounts sets it, such as the application that has sent a
 * link there. So members cannot find out either whether an address has an account.
 * @throws `permission_missing`, `missing_field`, `invalid_credentials`, `second_factor_required`,
 *   `second_factor_invalid`, `too_many_attempts`, `server_busy`
 */
export async function checkOwnChange(
  world: World,
  caller: Caller,
  id: string,
  patch: { password?: string | undefined; email?: string | null | undefined },
  { currentPassword, code }: OwnerProof,
): Promise<void> {
  if (caller.kind !== 'person' || caller.session.userId !== id || !caller.account) return;
  if (patch.password === undefined && patch.email === undefined) return;
  const { account, session, granted } = caller;
  if (typeof patch.email === 'string' && !granted.has('accounts.manage')) {
    throw new CurfewError('permission_missing', {
      detail: 'An address is set with accounts.manage, once it is confirmed that it is yours.',
    });
  }
  if (currentPassword !== undefined) return confirmPassword(world, account, currentPassword);
  if (hasFactor(account)) return confirmSecondFactor(world, session, account, code);
  const told = { path: '/body/currentPassword', message: 'is required' };
  throw new CurfewError('missing_field', { detail: `${told.path} ${told.message}.`, errors: [told] });
}
