import { hash } from 'node:crypto';
import type { AttemptRule } from '../domain/attempts.ts';
import { CurfewError } from '../errors.ts';
import type { World } from './world.ts';

/**
 * Takes an attempt out of a bucket, before the guess is looked at: guesses in parallel count as well.
 * @throws `too_many_attempts`
 */
export async function takeAttempt(world: World, bucket: string, rule: AttemptRule): Promise<void> {
  const now = world.clock.nowForEnd();
  const { allowed, resetAt } = await world.store.takeAttempt(bucket, rule, now);
  if (!allowed) throw new CurfewError('too_many_attempts', { retryAfter: secondsUntil(resetAt, now) });
}

/** A bucket that may be guessed from; `spare` is asked for when there is no room left in it. */
export type GuessFrom = { bucket: string; spare?: () => Promise<string | undefined> };

/**
 * Looks at a guess that takes an attempt, and empties the bucket again when it was right. Right ones in parallel are no
 * failures: when there is no room left, but others are still looked at, it waits to see whether they were wrong.
 * @throws `too_many_attempts`, and what `look` throws when the guess is wrong
 */
export async function guess<Result>(
  world: World,
  from: GuessFrom,
  rule: AttemptRule,
  look: () => Promise<Result>,
): Promise<Result> {
  const bucket = await takeFrom(world, from, rule);
  return world.guesses.look(bucket, async () => {
    const result = await look();
    await world.store.clearAttempts(bucket);
    return result;
  });
}

async function takeFrom({ store, clock, guesses }: World, from: GuessFrom, rule: AttemptRule): Promise<string> {
  const buckets = [from.bucket];
  for (let asked = false; ; ) {
    const now = clock.nowForEnd();
    let resets = Number.POSITIVE_INFINITY;
    for (const bucket of buckets) {
      const { allowed, resetAt } = await store.takeAttempt(bucket, rule, now);
      if (allowed) return bucket;
      resets = Math.min(resets, resetAt);
    }
    if (!asked) {
      asked = true;
      const spare = await from.spare?.();
      if (spare !== undefined) {
        buckets.push(spare);
        continue;
      }
    }
    const others = buckets.flatMap((bucket) => guesses.next(bucket) ?? []);
    if (others.length === 0) throw new CurfewError('too_many_attempts', { retryAfter: secondsUntil(resets, now) });
    await Promise.race(others);
  }
}

/** Counts one call against a limit, without refusing it: what the caller is told is theirs to say. */
export async function countCall(
  world: World,
  subject: string,
  rule: AttemptRule,
): Promise<{ allowed: boolean; remaining: number; resetAt: number; retryAfter: number }> {
  const now = world.clock.nowForEnd();
  const outcome = await world.store.takeAttempt(bucketOf('calls', subject), rule, now);
  return { ...outcome, retryAfter: secondsUntil(outcome.resetAt, now) };
}

/** The bucket of something that a caller may have made as long as they like. */
export function bucketOf(kind: string, subject: string): string {
  return `${kind}:${hash('sha256', subject, 'base64url')}`;
}

function secondsUntil(moment: number, now: number): number {
  return Math.max(1, Math.ceil((moment - now) / 1000));
}
