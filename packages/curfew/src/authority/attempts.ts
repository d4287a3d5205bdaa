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
