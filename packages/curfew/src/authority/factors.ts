import { type Account, type AccountView, accountView, type Factor, hasFactor } from '../domain/account.ts';
import type { AccountId, SessionId } from '../domain/brand.ts';
import type { EventType } from '../domain/events.ts';
import { parseUserId } from '../domain/parse.ts';
import type { End } from '../domain/reasons.ts';
import {
  hashBackupCode,
  isTotpSecret,
  newBackupCodes,
  newTotpSecret,
  totpStep,
  totpUrl,
} from '../domain/second-factor.ts';
import { CurfewError, isCurfewError } from '../errors.ts';
import type { AccountOutcome } from '../stores/contract.ts';
import { changeInTurn, readAccount } from './accounts.ts';
import { actorOf, type Caller } from './caller.ts';
import type { AuthorityContext } from './context.ts';
import { guardAccount } from './guard.ts';
import { checkOwnChange, type OwnerProof, refuseOldProof } from './own-change.ts';
import type { Receipt } from './receipt.ts';
import { clearFactorAttempts, takeFactorAttempt } from './second-factor.ts';

/** What an authenticator app needs; shown once. */
export type Enrolment = { secret: string; url: string };

/**
 * Begins to enrol an authenticator; no code is required until its first code is confirmed. Beginning again makes the
 * earlier secret void. Only those who have given the proof learn the secret, and so can confirm it. `confirmed`: the
 * caller has just been asked for the password.
 * @throws `account_not_found`, `factor_already_enrolled`, `permission_missing`, and what {@link checkOwnChange} and
 *   {@link confirmCaller} throw
 */
export async function startTotp(
  context: AuthorityContext,
  caller: Caller,
  id: string,
  proof: OwnerProof | 'confirmed' = {},
): Promise<Enrolment> {
  const before = await readAccount(context, id);
  guardAccount(caller, before);
  // Before the proof is asked for: the factor may be gone by the time of the write, and then nothing was proven.
  refuseSecond(before);
  if (proof !== 'confirmed') await checkOwnChange(context, caller, id, { factor: true }, proof);
  const secret = newTotpSecret(context.random);
  const { account } = await change(context, caller, id, undefined, (present) => {
    refuseSecond(present);
    refuseOldProof(caller, present, { factor: true });
    const sealedSecret = context.secrets.seal(secret, present.id);
    return { sealedSecret, confirmedAt: undefined, lastStep: 0, backupCodes: [] };
  });
  return totpUrl(secret, account.email ?? account.username, context.issuer);
}

export type Confirmation = {
  code: string;
  secret?: string | undefined;
  endOthers?: boolean | undefined;
  backupCodes?: boolean | undefined;
};

/** The backup codes are shown once; each works once. `ended` and `receipt`: of the other sessions. */
export type Confirmed = {
  account: AccountView;
  backupCodes: string[];
  ended: number | undefined;
  receipt: Receipt | undefined;
};

/**
 * Confirms an authenticator by its first code; from now on codes are required. With `endOthers`, all sessions of the
 * account end in the same write, except the caller's own (ASVS 7.4.3). The codes exist only in this answer, so it comes
 * even if nobody can say whether the ends are known everywhere: then `receipt.everywhere` is false. `secret`, in base
 * 32, must be the secret of the enrolment that was begun. With `backupCodes: false` none are made, for callers that
 * could not show them.
 * @throws `factor_not_enrolled`, `factor_already_enrolled`, `second_factor_invalid`, `too_many_attempts`,
 *   `permission_missing`
 */
export async function confirmTotp(
  context: AuthorityContext,
  caller: Caller,
  id: string,
  { code, secret, endOthers = false, backupCodes = true }: Confirmation,
): Promise<Confirmed> {
  const now = context.clock.now();
  // Checked first: callers must not use up the attempts of an account that they may not change.
  guardAccount(caller, await readAccount(context, id));
  await takeFactorAttempt(context, parseUserId(id) as AccountId);
  const codes = backupCodes ? newBackupCodes(context.random) : [];
  const ends = endOthers ? endingOthers(context, caller, id) : undefined;
  const enrolled = eventBy(context, caller, 'factor.enrolled');
  const confirm = (present: Account): Factor => {
    const { factor } = present;
    if (!factor) throw new CurfewError('factor_not_enrolled', { detail: `Account ${present.username}.` });
    refuseSecond(present);
    const begun = context.secrets.unseal(factor.sealedSecret, present.id);
    if (secret !== undefined && !isTotpSecret(begun, secret)) {
      throw new CurfewError('second_factor_invalid', { methods: ['totp'] });
    }
    const step = totpStep(begun, code.replaceAll(/\s/g, ''), now, factor.lastStep);
    if (step === undefined) throw new CurfewError('second_factor_invalid', { methods: ['totp'] });
    return { ...factor, confirmedAt: now, lastStep: step, backupCodes: hashed(context, present, codes) };
  };
  const { account, sequence, ended } = await change(context, caller, id, enrolled, confirm, ends);
  await clearFactorAttempts(context, account.id);
  if (!ends || sequence === undefined) {
    return { account: accountView(account), backupCodes: codes, ended: undefined, receipt: undefined };
  }
  const propagation = await awaitOrTell(context, sequence);
  return {
    account: accountView(account),
    backupCodes: codes,
    ended,
    receipt: { ...propagation, endedAt: ends.end.at },
  };
}

/** Waits until a change is known everywhere; if that cannot be learned, the receipt says so. */
async function awaitOrTell({ fence }: AuthorityContext, sequence: number): Promise<Receipt> {
  try {
    return await fence.awaitEverywhere(sequence, 'everywhere');
  } catch (error) {
    if (!isCurfewError(error)) throw error;
    return fence.awaitEverywhere(sequence, 'stored');
  }
}

/**
 * Removes an account's authenticator and its backup codes.
 * @throws `account_not_found`, `factor_not_enrolled`, `permission_missing`
 */
export async function removeTotp(context: AuthorityContext, caller: Caller, id: string): Promise<AccountView> {
  const { account } = await change(context, caller, id, eventBy(context, caller, 'factor.removed'), (present) => {
    if (!present.factor) throw new CurfewError('factor_not_enrolled', { detail: `Account ${present.username}.` });
    return undefined;
  });
  // The next factor starts with no failed attempts.
  await clearFactorAttempts(context, account.id);
  return accountView(account);
}

/**
 * Gives an account twelve new backup codes; the earlier ones become void.
 * @throws `account_not_found`, `factor_not_enrolled`, `permission_missing`
 */
export async function renewBackupCodes(context: AuthorityContext, caller: Caller, id: string): Promise<string[]> {
  const codes = newBackupCodes(context.random);
  await change(context, caller, id, eventBy(context, caller, 'backup_codes.renewed'), (present) => {
    if (!hasFactor(present)) throw new CurfewError('factor_not_enrolled', { detail: `Account ${present.username}.` });
    return { ...present.factor!, backupCodes: hashed(context, present, codes) };
  });
  return codes;
}

/** @throws `factor_already_enrolled` */
function refuseSecond(account: Account): void {
  if (hasFactor(account)) throw new CurfewError('factor_already_enrolled', { detail: `Account ${account.username}.` });
}

type EventMaker = (account: Account) => {
  type: EventType;
  at: number;
  by: ReturnType<typeof actorOf>;
  userId: Account['id'];
};

function eventBy(context: AuthorityContext, caller: Caller, type: EventType): EventMaker {
  return (account) => ({ type, at: context.clock.now(), by: actorOf(caller), userId: account.id });
}

function hashed(context: AuthorityContext, account: Account, codes: readonly string[]): string[] {
  return codes.map((code) => hashBackupCode(code, account.id, context.secrets.backupKey));
}

async function change(
  context: AuthorityContext,
  caller: Caller,
  id: string,
  event: EventMaker | undefined,
  next: (account: Account) => Factor | undefined,
  ends: Ends | undefined = undefined,
): Promise<Extract<AccountOutcome, { kind: 'changed' }>> {
  return changeInTurn(context, caller, id, async (present) => {
    const account = await readAccount(context, id);
    guardAccount(present, account);
    const outcome = await context.store.changeAccount({
      id: account.id,
      version: account.version,
      set: { factor: next(account), updatedAt: context.clock.now() },
      event: event?.(account),
      ...ends,
    });
    if (outcome.kind === 'changed') return outcome;
    if (outcome.kind === 'not_found') throw new CurfewError('account_not_found');
    return 'conflict';
  });
}

type Ends = { end: End; except: SessionId | undefined };

/** The end of all sessions of an account but the caller's own. */
function endingOthers(context: AuthorityContext, caller: Caller, id: string): Ends {
  const isOwn = caller.kind === 'person' && caller.session.userId === id;
  const end = { at: context.clock.nowForEnd(), by: actorOf(caller), reason: 'all_of_user' } as const;
  return { end, except: isOwn ? caller.session.id : undefined };
}
