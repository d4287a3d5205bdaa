import type { AttemptRule } from '../domain/attempts.ts';
import type { Policy } from '../domain/policy.ts';
import type { Random } from '../domain/ports.ts';
import type { Store } from '../stores/contract.ts';
import type { Activity } from './activity.ts';
import type { SteadyClock } from './clock.ts';
import type { Passwords } from './passwords.ts';
import type { Fence } from './receipt.ts';
import type { Secrets } from './secrets.ts';
import type { Turns } from './turns.ts';

/** What every use case works with. */
export type World = {
  store: Store;
  clock: SteadyClock;
  random: Random;
  fence: Fence;
  secrets: Secrets;
  passwords: Passwords;
  activity: Activity;
  /** Calls on one named session are done one after the other. */
  turns: Turns;
  policy: Policy;
  attempts: AttemptRules;
  /** What authenticator apps show beside the account's name. */
  issuer: string;
};

/** Limits of guessing, shared by all nodes. */
export type AttemptRules = {
  /** Sign-ins for one account name. */
  loginOfAccount: AttemptRule;
  /** Sign-ins from one address. */
  loginFromAddress: AttemptRule;
  /** Second factors of one account. */
  secondFactor: AttemptRule;
};
