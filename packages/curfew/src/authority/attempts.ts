import { hash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { AttemptRule } from '../domain/attempts.ts';
import { CurfewError } from '../errors.ts';
import type { AuthorityContext } from './context.ts';

/**
 * Takes an attempt out of a bucket, before the guess is looked at: guesses in parallel count as well.
 * @throws `too_many_attempts`
 */
export async function takeAttempt(context: AuthorityContext, bucket: string, rule: AttemptRule): Promise<void> {
  const now = context.clock.nowForEnd();
  const { allowed, resetAt } = await context.store.takeAttempt(bucket, rule, now);
  if (!allowed) throw new CurfewError('too_many_attempts', { retryAfter: secondsUntil(resetAt, now) });
}

/** A bucket that may be guessed from; `spare` is asked for when there is no room left in it. */
export type GuessFrom = { bucket: string; spare?: () => Promise<string | undefined> };

/**
 * Looks at a guess that takes an attempt, and empties the bucket again when it was right. Right ones in parallel are no
 * failures: when there is no room left, but others are still looked at, here or on another node, it waits to see whether
 * they were wrong.
 * @throws `too_many_attempts`, and what `look` throws when the guess is wrong
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
      await context.store.clearAttempts(bucket);
      return result;
    } catch (error) {
      // Where that cannot be said, others wait a while for nothing.
      await context.store.failAttempt(bucket).catch(() => {});
      throw error;
    }
  });
}

async function takeFrom(context: AuthorityContext, from: GuessFrom, rule: AttemptRule): Promise<string> {
  const first = await takeOneOf(context, [from.bucket], rule);
  if ('bucket' in first) return first.bucket;
  const spare = await from.spare?.();
  const buckets = spare === undefined ? [from.bucket] : [from.bucket, spare];
  // One after the other, so that however many wait for a bucket, one of them asks the store.
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

/** Milliseconds until the store is asked once more whether another node’s guesses were wrong. */
const askAgain = 100;
/** Milliseconds after which a guess that nobody has told of is nobody's any more: a password waits no longer for its turn. */
const longestLook = 30_000;

type Refused = { resets: number; isOpen: boolean; now: number };

/** Takes an attempt out of the first bucket with room; else says when there is room again, and whether it may be sooner. */
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

/** Counts one call against a limit, without refusing it: what the caller is told is theirs to say. */
export async function countCall(
  context: AuthorityContext,
  subject: string,
  rule: AttemptRule,
): Promise<{ allowed: boolean; remaining: number; resetAt: number; retryAfter: number }> {
  const now = context.clock.nowForEnd();
  const outcome = await context.store.takeAttempt(bucketOf('calls', subject), rule, now);
  return { ...outcome, retryAfter: secondsUntil(outcome.resetAt, now) };
}

/** The bucket of something that a caller may have made as long as they like. */
export function bucketOf(kind: string, subject: string): string {
  return `${kind}:${hash('sha256', subject, 'base64url')}`;
}

function secondsUntil(moment: number, now: number): number {
  return Math.max(1, Math.ceil((moment - now) / 1000));
}
