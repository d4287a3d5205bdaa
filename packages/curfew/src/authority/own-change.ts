import { type Account, hasFactor } from '../domain/account.ts';
import { CurfewError } from '../errors.ts';
import type { Caller } from './caller.ts';
import type { AuthorityContext } from './context.ts';
import { showSecondFactor } from './second-factor.ts';
import { confirmPassword } from './sign-in.ts';

/** What proves that the caller is the owner, and not just somebody with the session. */
export type OwnerProof = {
  currentPassword?: string | undefined;
  code?: string | undefined;
  /** The code was used up already, to authorise the request. */
  codeIsShown?: boolean | undefined;
  /** Where the request comes from. */
  ip?: string | undefined;
};

type OwnPatch = { password?: string | undefined; email?: string | null | undefined; factor?: true };

/**
 * People who change their own password or address, or enrol their first factor, must give the current password or, with a
 * factor enrolled, a new code: so somebody who finds a session open cannot take over the account.
 * @throws `missing_field`, `invalid_credentials`, `second_factor_required`,
 *   `second_factor_invalid`, `too_many_attempts`, `server_busy`
 */
export async function checkOwnChange(
  context: AuthorityContext,
  caller: Caller,
  id: string,
  patch: OwnPatch,
  { currentPassword, code, codeIsShown, ip }: OwnerProof,
): Promise<void> {
  const account = provedAgainst(caller, id, patch);
  if (!account || caller.kind !== 'person') return;
  if (currentPassword !== undefined) return confirmPassword(context, caller, account, currentPassword);
  if (hasFactor(account)) {
    if (!codeIsShown) await showSecondFactor(context, caller, account, code, { area: 'accounts', ip });
    return;
  }
  const told = { path: '/body/currentPassword', message: 'is required' };
  throw new CurfewError('missing_field', { detail: `${told.path} ${told.message}.`, errors: [told] });
}

/**
 * A password that was proven, and is another by now, proves nothing: somebody has just taken the account from who knew it.
 * @throws `changed_meanwhile`
 */
export function refuseOldProof(caller: Caller, account: Account, patch: OwnPatch): void {
  const proved = provedAgainst(caller, account.id, patch);
  if (proved && proved.passwordHash !== account.passwordHash) throw new CurfewError('changed_meanwhile');
}

/** The account as the caller has read it, if the change is one of the caller's own that requires a proof. */
function provedAgainst(caller: Caller, id: string, { password, email, factor }: OwnPatch): Account | undefined {
  if (caller.kind !== 'person' || caller.session.userId !== id) return undefined;
  return password === undefined && email === undefined && !factor ? undefined : caller.account;
}
