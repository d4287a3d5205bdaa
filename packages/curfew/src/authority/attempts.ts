import { hash } from 'node:crypto';
import { CurfewError } from '../errors.ts';
import type { AttemptRule } from '../stores/contract.ts';
import type { World } from './world.ts';

/**
 * Takes an attempt out of a bucket, before the guess is looked at: guesses in parallel count as well.
 * @throws `too_many_attempts`
 */
export async function takeAttempt(world: World, bucket: string, rule: AttemptRule): Promise<void> {
  const now = world.clock.nowForEnd();
  const { allowed, resetAt } = await world.store.takeAttempt(bucket, rule, now);
  if (allowed) return;
  throw new CurfewError('too_many_attempts', { retryAfter: Math.max(1, Math.ceil((resetAt - now) / 1000)) });
}

/** The bucket of something that a caller may have made as long as they like. */
export function bucketOf(kind: string, subject: string): string {
  return `${kind}:${hash('sha256', subject, 'base64url')}`;
}
