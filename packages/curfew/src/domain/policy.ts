import { CurfewError } from '../errors.ts';
import { day, hour, minute, second } from './limits.ts';

/** How long sessions live and how many a user may have. Durations are in milliseconds. */
export type Policy = {
  /** From the session's creation, whatever happens. */
  absolute: number;
  /** Without activity. */
  idle: number;
  /** Sessions that a user may have at once; `undefined`: no limit. */
  maxSessions: number | undefined;
  /** What happens at a sign-in beyond that number: the oldest session ends, or the sign-in is refused. */
  excess: 'replace' | 'refuse';
};

/** The longest limits of each authentication assurance level: NIST SP 800-63B-4, 2.1.3, 2.2.3 and 2.3.3. */
export const assuranceLevels = {
  aal1: { absolute: 30 * day },
  aal2: { absolute: 24 * hour, idle: hour },
  aal3: { absolute: 12 * hour, idle: 15 * minute },
} as const satisfies Record<string, Partial<Pick<Policy, 'absolute' | 'idle'>>>;

export type AssuranceLevel = keyof typeof assuranceLevels;
export const assuranceNames = Object.keys(assuranceLevels) as AssuranceLevel[];

/** The shortest lifetimes that a caller may request for a session. */
export const shortestLifetime = second;
export const shortestIdle = minute / 6;

/**
 * The lifetimes of one session: those requested, or those of the policy.
 * @throws `invalid_value` if a requested one is longer than the policy allows, or too short to be useful
 */
export function lifetimesOf(
  asked: { lifetime?: number | undefined; idle?: number | undefined },
  policy: Policy,
): { absolute: number; idle: number } {
  const absolute = within('lifetime', asked.lifetime ?? policy.absolute, shortestLifetime, policy.absolute);
  // Only an idle limit that was asked for can be too short: the one that follows from a short lifetime is never reached.
  const idle =
    asked.idle === undefined ? Math.min(policy.idle, absolute) : within('idle', asked.idle, shortestIdle, policy.idle);
  return { absolute, idle };
}

/** An idle limit that is asked for, cut to what the policy allows. */
export function idleWithin(asked: number, policy: Policy): number {
  return Math.min(Math.max(asked, shortestIdle), policy.idle);
}

function within(name: string, value: number, least: number, most: number): number {
  // A policy shorter than the minimum is the operator's choice and is accepted.
  if (value <= most && value >= Math.min(least, most)) return value;
  throw new CurfewError('invalid_value', {
    detail: `${name} is ${value / second} s; it must be ${Math.min(least, most) / second} to ${most / second} s.`,
  });
}
