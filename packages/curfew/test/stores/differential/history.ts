import fc from 'fast-check';
import { day, hour, minute, second } from '../../../src/domain/limits.ts';

/*
 * Random histories of a store. There are few users, names, groups and moments, so that steps meet each other. A step
 * names a session, an account or a key by how long ago it was created, so that a history that lost some of its steps
 * still makes sense.
 */

export const users = ['ada', 'bob', 'cyd'] as const;
export const names = ['desk', 'door'] as const;
export const groups = ['blue', 'red', 'green'] as const;
export const addresses = ['10.0.0.1', '10.0.0.2'] as const;
export const usernames = ['ann', 'ben', 'cat'] as const;
export const emails = ['ann@example.com', 'ben@example.com'] as const;
/** Secrets of another program: a creation may have any of them, and a change spends them. */
export const secrets = ['old', 'older'] as const;
export const buckets = ['login:ada', 'login:bob'] as const;

/** A value in so many cases to two without one. */
const maybe = <T>(values: fc.Arbitrary<T>, cases = 2): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: cases, arbitrary: values }, { weight: 2, arbitrary: fc.constant(undefined) });
const oneOf = <const T extends readonly unknown[]>(values: T): fc.Arbitrary<T[number]> => fc.constantFrom(...values);

const user = oneOf(users);
const group = fc.subarray([...groups]);
const reason = oneOf(['logout', 'ended_by_admin'] as const);
/** How many sessions were created since: mostly few. */
const recent = fc.oneof({ weight: 4, arbitrary: fc.nat(3) }, { weight: 1, arbitrary: fc.nat(15) });
/** Which version a compare-and-set names: the present one, or an older one. */
const version = fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constant(1) });
const kept = oneOf([hour, 3 * hour, day] as const);

/** A kind of step, with its arguments. */
function kind<const Name extends string, Args extends Record<string, unknown>>(
  name: Name,
  args: { [Key in keyof Args]: fc.Arbitrary<Args[Key]> },
): fc.Arbitrary<{ do: Name } & Args> {
  return fc.record(args).map((made) => ({ do: name, ...made }) as unknown as { do: Name } & Args);
}

const limit = fc.record({ max: fc.integer({ min: 1, max: 2 }), excess: oneOf(['replace', 'refuse'] as const) });

/** Each kind of step, and how often it comes. */
const steps = {
  create: [
    12,
    kind('create', {
      userId: user,
      name: maybe(oneOf(names), 1),
      groups: group,
      ip: maybe(oneOf(addresses), 1),
      idle: oneOf([hour, 2 * hour, day] as const),
      absolute: oneOf([2 * hour, 7 * day] as const),
      limit: maybe(limit, 1),
      aliases: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, { weight: 2, arbitrary: fc.subarray([...secrets]) }),
      /** The epochs that it must find: the present ones, or those that an earlier sign-in has read. */
      epochs: oneOf(['current', 'current', 'read'] as const),
    }),
  ],
  signIn: [1, kind('signIn', { userId: user })],
  change: [
    6,
    kind('change', {
      session: recent,
      version,
      suspended: maybe(fc.boolean(), 3),
      token: fc.boolean(),
      seen: fc.boolean(),
      factor: maybe(fc.boolean(), 1),
      data: maybe(oneOf(['{"a":"ü\\u0000"}', 'x'.repeat(3000)] as const), 1),
      longer: oneOf([false, false, true] as const),
      spend: oneOf([false, false, true] as const),
      logged: fc.boolean(),
      told: fc.boolean(),
    }),
  ],
  end: [6, kind('end', { session: recent, reason, ofUser: maybe(user, 1) })],
  endUser: [3, kind('endUser', { userId: user, except: maybe(recent, 1) })],
  endEveryone: [1, kind('endEveryone', {})],
  groups: [
    4,
    kind('groups', {
      userId: user,
      only: maybe(recent, 1),
      add: group,
      remove: group,
      /** This many more groups, so that some sessions would have too many. */
      many: oneOf([0, 0, 0, 99] as const),
    }),
  ],
  touch: [
    4,
    kind('touch', {
      sessions: fc.array(recent, { minLength: 1, maxLength: 3 }),
      ago: oneOf([0, second, hour] as const),
    }),
  ],
  again: [4, kind('again', { write: fc.nat(2) })],
  createNamed: [2, kind('createNamed', { name: oneOf(names), started: fc.boolean() })],
  changeNamed: [
    3,
    kind('changeNamed', { name: oneOf(names), version, started: maybe(fc.boolean()), told: fc.boolean() }),
  ],
  removeNamed: [1, kind('removeNamed', { name: oneOf(names), version })],
  createAccount: [2, kind('createAccount', { id: user, username: oneOf(usernames), email: maybe(oneOf(emails)) })],
  changeAccount: [
    4,
    kind('changeAccount', {
      id: user,
      version,
      username: maybe(oneOf(usernames), 1),
      email: maybe(oneOf([...emails, 'none'] as const), 1),
      disabled: maybe(fc.boolean(), 1),
      end: fc.boolean(),
      except: maybe(recent, 1),
      witness: maybe(fc.record({ id: user, version }), 1),
    }),
  ],
  deleteAccount: [1, kind('deleteAccount', { id: user, version, witness: maybe(fc.record({ id: user, version }), 1) })],
  createKey: [1, kind('createKey', { userId: user })],
  revokeKey: [1, kind('revokeKey', { key: fc.nat(2) })],
  attempt: [3, kind('attempt', { bucket: oneOf(buckets) })],
  failAttempt: [1, kind('failAttempt', { bucket: oneOf(buckets) })],
  clearAttempts: [1, kind('clearAttempts', { bucket: oneOf(buckets) })],
  /** `ahead`: the clock of the node that tells it is wrong by so much. */
  tell: [1, kind('tell', { userId: maybe(user), ahead: oneOf([0, 0, minute] as const) })],
  mendTime: [1, kind('mendTime', {})],
  wait: [8, kind('wait', { time: oneOf([1, second, 10 * minute, hour, hour, 3 * hour, day] as const) })],
  /** Until nothing is left to do, a batch at a time. */
  sweep: [5, kind('sweep', { keepEnded: kept, keepEvents: kept, batch: fc.integer({ min: 1, max: 7 }) })],
  list: [
    4,
    kind('list', {
      filter: fc.record({
        userId: maybe(user, 1),
        accessGroup: maybe(oneOf(groups), 1),
        name: maybe(oneOf(names), 1),
        ip: maybe(oneOf(addresses), 1),
        status: maybe(oneOf(['active', 'suspended', 'ended'] as const)),
        text: maybe(oneOf(['ada', '10.0', 'firefox'] as const), 1),
      }),
      limit: fc.integer({ min: 1, max: 4 }),
    }),
  ],
  search: [
    2,
    kind('search', {
      type: maybe(oneOf(['session.created', 'session.ended', 'user.sessions_ended', 'groups.changed'] as const)),
      userId: maybe(user, 1),
      session: maybe(recent, 1),
      by: maybe(oneOf(['key:test', 'policy', 'user:ada'] as const), 1),
      upwards: fc.boolean(),
      limit: fc.integer({ min: 1, max: 4 }),
    }),
  ],
  /** Everything that can be read is compared. */
  look: [2, kind('look', {})],
  /** Each store continues with what another one exported. */
  move: [1, kind('move', {})],
} as const;

type Steps = typeof steps;
export type Step = {
  [Name in keyof Steps]: Steps[Name][1] extends fc.Arbitrary<infer Made> ? Made : never;
}[keyof Steps];
export type StepOf<Name extends Step['do']> = Extract<Step, { do: Name }>;

const step = fc.oneof(
  ...Object.values(steps).map(([weight, arbitrary]) => ({ weight, arbitrary: arbitrary as fc.Arbitrary<Step> })),
);
const history = fc.array(step, { minLength: 20, maxLength: 120, size: 'max' });

/** The history of a seed: always the same one. */
export function historyOf(seed: number): Step[] {
  return fc.sample(history, { seed, numRuns: 1 })[0]!;
}

/** A step as a line of a report: its name and those arguments that say something. */
export function lineOf({ do: name, ...args }: Step): string {
  const shown = JSON.stringify(args);
  return shown === '{}' ? name : `${name} ${shown}`;
}
