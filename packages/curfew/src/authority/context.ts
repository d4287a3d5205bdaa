import type { AttemptRule } from '../domain/attempts.ts';
import type { Policy } from '../domain/policy.ts';
import type { Random } from '../domain/ports.ts';
import type { Store } from '../stores/contract.ts';
import type { Activity } from './activity.ts';
import type { SteadyClock } from './clock.ts';
import type { EventCounts } from './event-series.ts';
import type { Fence } from './fence.ts';
import type { Guesses } from './guesses.ts';
import type { KeyUse } from './key-use.ts';
import type { KeyedQueue } from './keyed-queue.ts';
import type { KnownKeys } from './known-keys.ts';
import type { Passwords } from './passwords.ts';
import type { Secrets } from './secrets.ts';

/** What every use case works with. */
export type AuthorityContext = {
  store: Store;
  clock: SteadyClock;
  random: Random;
  fence: Fence;
  secrets: Secrets;
  passwords: Passwords;
  activity: Activity;
  keyUse: KeyUse;
  knownKeys: KnownKeys;
  eventCounts: EventCounts;
  /** Runs the calls on one named session one after the other. */
  queue: KeyedQueue;
  guesses: Guesses;
  policy: Policy;
  attempts: AttemptRules;
  /** What authenticator apps show beside the account's name. */
  issuer: string;
};

/** Limits on guessing, shared by all nodes. */
export type AttemptRules = {
  /** Failed sign-ins to one account, whichever of its names is used; and as many again from a device that it knows. */
  loginOfAccount: AttemptRule;
  /** Sign-ins from one address, or from one IPv6 network. */
  loginFromAddress: AttemptRule;
  /** Second factors tried for one account. */
  secondFactor: AttemptRule;
  /** Wrong second factors tried for one account in a row, over days. */
  secondFactorInARow: AttemptRule;
};
