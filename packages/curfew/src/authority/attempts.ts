import { hash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { AttemptRule } from '../domain/attempts.ts';
import { CurfewError } from '../errors.ts';
import type { AuthorityContext } from './context.ts';

/**
 * Counts an attempt against a bucket before the guess is checked, so that guesses in parallel count as well.
 * @throws `too_many_attempts`
 */
export async function takeAttempt(context: AuthorityContext, bucket: string, rule: AttemptRule): Promise<void> {
  const now = context.clock.nowForEnd();
  const { allowed, resetAt } = await context.store.takeAttempt(bucket, rule, now);
  if (!allowed) throw new CurfewError('too_many_attempts', { retryAfter: secondsUntil(resetAt, now) });
}

/** The bucket that a guess counts against; if it has no room left, `spare` may name another one. */
export type GuessFrom = { bucket: string; spare?: () => Promise<string | undefined> };

/**
 * Checks a guess, which counts as an attempt, and resets the bucket if the guess is right. Right guesses in parallel
 * are not failures: if there is no room left but others are still being checked, here or on another node, this waits to
 * see whether they were wrong.
 * @throws `too_many_attempts`, and what `look` throws if the guess is wrong
 */
export async function guess<Result>(
  context: AuthorityContext,
  from: GuessFrom,
  rule: AttemptRule,
  look: () => Promise<Result>,
): Promise<Result> {
  const bucket = await takeFrom(context, from, rule);
  return context.guesses.look(bucket, async () => {
    try {
      const result = await look();
      await clearAttempts(context, bucket);
      return result;
    } catch (error) {
      // If this cannot be recorded, others wait longer than they need to.
      await context.store.failAttempt(bucket).catch(() => {});
      throw error;
    }
  });
}

/**
 * Empties a bucket after a success, which stays one if this fails: then the next guesses are limited sooner. An error here
 * would say that nothing was changed, about a code that was used up or a factor that was removed.
 */
export async function clearAttempts({ store }: AuthorityContext, bucket: string): Promise<void> {
  await store.clearAttempts(bucket).catch(() => {});
}

async function takeFrom(context: AuthorityContext, from: GuessFrom, rule: AttemptRule): Promise<string> {
  const first = await takeOneOf(context, [from.bucket], rule);
  if ('bucket' in first) return first.bucket;
  const spare = await from.spare?.();
  const buckets = spare === undefined ? [from.bucket] : [from.bucket, spare];
  // These run one after the other, so that only one of the guesses waiting for a bucket asks the store.
  return context.queue.run(`guess ${buckets.at(-1)}`, async () => {
    for (;;) {
      const outcome = await takeOneOf(context, buckets, rule);
      if ('bucket' in outcome) return outcome.bucket;
      const others = buckets.flatMap((bucket) => context.guesses.next(bucket) ?? []);
      if (others.length > 0) await Promise.race(others);
      else if (outcome.isOpen) await pause(askAgain);
      else throw new CurfewError('too_many_attempts', { retryAfter: secondsUntil(outcome.resets, outcome.now) });
    }
  });
}

/** Milliseconds until the store is asked again whether another node's guesses were wrong. */
const askAgain = 100;
/** Milliseconds after which a guess without a result is given up: no password waits longer than this for its turn. */
const longestLook = 30_000;

type Refused = { resets: number; isOpen: boolean; now: number };

/**
 * Counts an attempt against the first bucket with room. If none has room, returns when one will, and whether it may
 * have room sooner.
 */
async function takeOneOf(
  { store, clock }: AuthorityContext,
  buckets: readonly string[],
  rule: AttemptRule,
): Promise<{ bucket: string } | Refused> {
  const refused: Refused = { resets: Number.POSITIVE_INFINITY, isOpen: false, now: clock.nowForEnd() };
  for (const bucket of buckets) {
    const { allowed, resetAt, open, latest } = await store.takeAttempt(bucket, rule, refused.now);
    if (allowed) return { bucket };
    refused.resets = Math.min(refused.resets, resetAt);
    refused.isOpen ||= open > 0 && refused.now - latest < longestLook;
  }
  return refused;
}

/** Counts one call against a limit without refusing it: the caller of this function decides how to answer. */
export async function countCall(
  context: AuthorityContext,
  subject: string,
  rule: AttemptRule,
): Promise<{ allowed: boolean; remaining: number; resetAt: number; retryAfter: number }> {
  const now = context.clock.nowForEnd();
  const outcome = await context.store.takeAttempt(bucketOf('calls', subject), rule, now);
  return { ...outcome, retryAfter: secondsUntil(outcome.resetAt, now) };
}

/** The guesses against an account, each with a limit of its own. They are counted by the account's id. */
export const accountGuesses = ['login', 'password', 'factor', 'factor in a row'] as const;
type Kind = (typeof accountGuesses)[number] | 'address' | 'calls' | 'device' | 'name';

/** A bucket's name; `subject` may be of any length, so it is hashed. */
export function bucketOf(kind: Kind, subject: string): string {
  return `${kind}:${hash('sha256', subject, 'base64url')}`;
}

function secondsUntil(moment: number, now: number): number {
  return Math.max(1, Math.ceil((moment - now) / 1000));
}
