import type { Event } from '../domain/events.ts';
import { hour, minute } from '../domain/limits.ts';
import type { Store } from '../stores/contract.ts';
import type { AuthorityContext } from './context.ts';

export type SeriesRequest = {
  /** How many hours back; at most {@link longestSeries}. */
  hours?: number | undefined;
  /** Seconds of one interval. */
  interval?: number | undefined;
};

/** What happened in one interval. Times are epoch milliseconds. */
export type Interval = {
  at: number;
  /** Sessions opened, by signing in or by an application. */
  opened: number;
  /** Sessions ended, for whatever reason; by one event each, or many by one. */
  ended: number;
  /** Sign-ins that were refused, for a wrong code too; not those that were only asked for a code. */
  refused: number;
  /** Whether every event of the interval was counted. */
  exact: boolean;
};

export type Series = {
  since: number;
  until: number;
  intervals: Interval[];
  /** Whether some of the intervals are not exact: more will be, when asked again. */
  partial: boolean;
  /** How many sessions are active now. */
  active: number;
};

export const longestSeries = 48;
export const seriesIntervals = [60, 300, 900, 3600] as const;

/**
 * Sign-ins, ends and refused sign-ins of the last hours, and the sessions that are active now. Counts a bounded number
 * of events at a time, and continues where it stopped when it is asked again.
 */
export async function eventSeries(
  context: AuthorityContext,
  { hours = 24, interval = 3600 }: SeriesRequest = {},
): Promise<Series> {
  const now = context.clock.nowForEnd();
  const length = interval * 1000;
  const since = Math.floor((now - hours * hour) / length) * length;
  const [from, active] = await Promise.all([context.eventCounts.upTo(since, now), context.store.countActive(now)]);
  const intervals: Interval[] = [];
  for (let at = since; at <= now; at += length) {
    intervals.push({ at, ...context.eventCounts.between(at, at + length), exact: at >= from });
  }
  return { since, until: now, intervals, partial: intervals.some(({ exact }) => !exact), active };
}

type Counts = { opened: number; ended: number; refused: number };

/** Milliseconds that one call may spend counting. */
const budget = 1000;
/** How many events are read at once. */
const page = 1000;
/** Events are recorded in the order of their times, but for as much as the clocks of servers may differ. */
const slack = minute;

/**
 * Counts of events by the minute, for the longest series. They are counted once and kept in memory: new events are added
 * when they are asked for, and older ones as far back as is wanted.
 */
export class EventCounts {
  readonly #store: Pick<Store, 'readEvents'>;
  readonly #minutes: Map<number, Counts> = new Map();
  /** The newest event that was counted; `undefined` before the first. */
  #newest: Event | undefined;
  /** The oldest event that was counted, and a time at which all events were recorded that are older than it. */
  #oldest: { sequence: number; recordedAt: number } | undefined;
  /** Whether there may be newer events than the newest. */
  #behind = false;
  #counting: Promise<void> | undefined;

  constructor(store: Pick<Store, 'readEvents'>) {
    this.#store = store;
  }

  /** Counts the events since a time. Returns since when all have been counted. */
  async upTo(since: number, now: number, patience: number = budget): Promise<number> {
    // Two who ask at once share the work; the second may want more of the past.
    while (this.#counting) await this.#counting.catch(() => {});
    this.#counting = this.#count(since, now, performance.now() + patience).finally(() => {
      this.#counting = undefined;
    });
    await this.#counting;
    if (this.#behind) return Number.POSITIVE_INFINITY;
    return this.#oldest ? this.#oldest.recordedAt + slack : Number.NEGATIVE_INFINITY;
  }

  /** What was counted from one time to another, which are the beginnings of minutes. */
  between(from: number, to: number): Counts {
    const sum = { opened: 0, ended: 0, refused: 0 };
    for (let at = from; at < to; at += minute) {
      const counts = this.#minutes.get(at);
      if (!counts) continue;
      sum.opened += counts.opened;
      sum.ended += counts.ended;
      sum.refused += counts.refused;
    }
    return sum;
  }

  async #count(since: number, now: number, until: number): Promise<void> {
    if (!(await this.#countNewer(until))) {
      this.#forget();
      await this.#countNewer(until);
    }
    await this.#countOlder(since, until);
    for (const at of this.#minutes.keys()) if (at < now - (longestSeries + 1) * hour) this.#minutes.delete(at);
  }

  /** Returns whether the newest event that was counted is still there: after a failover it may be another one. */
  async #countNewer(until: number): Promise<boolean> {
    if (!this.#newest) {
      [this.#newest] = (await this.#store.readEvents({ limit: 1 })).events;
      if (!this.#newest) return true;
      this.#add(this.#newest);
      this.#oldest = { sequence: this.#newest.sequence, recordedAt: Number.POSITIVE_INFINITY };
      return true;
    }
    // Those that are counted already are passed over.
    let after = this.#newest.sequence - 1;
    let isSame: boolean | undefined;
    do {
      const { events, next, reached } = await this.#store.readEvents({ after, limit: page });
      isSame ??= isSameEvent(events[0], this.#newest);
      if (!isSame) return false;
      for (const event of events) {
        if (event.sequence <= this.#newest.sequence) continue;
        this.#add(event);
        this.#newest = event;
      }
      after = reached;
      this.#behind = next !== undefined;
    } while (this.#behind && performance.now() < until);
    return true;
  }

  /** One page at least, however little time is left: so each call goes back further. */
  async #countOlder(since: number, until: number): Promise<void> {
    while (this.#oldest && this.#oldest.recordedAt + slack > since) {
      const { events, next } = await this.#store.readEvents({ before: this.#oldest.sequence, limit: page });
      for (const event of events) this.#add(event);
      const sequence = events.at(-1)?.sequence ?? 0;
      const recordedAt = events.findLast((event) => !isDeadline(event))?.at ?? this.#oldest.recordedAt;
      this.#oldest = { sequence, recordedAt: next === undefined ? Number.NEGATIVE_INFINITY : recordedAt };
      if (performance.now() >= until) return;
    }
  }

  #add(event: Event): void {
    const counts = countsOf(event);
    if (!counts) return;
    const at = Math.floor(event.at / minute) * minute;
    const sum = this.#minutes.get(at) ?? { opened: 0, ended: 0, refused: 0 };
    sum.opened += counts.opened ?? 0;
    sum.ended += counts.ended ?? 0;
    sum.refused += counts.refused ?? 0;
    this.#minutes.set(at, sum);
  }

  #forget(): void {
    this.#minutes.clear();
    this.#newest = undefined;
    this.#oldest = undefined;
    this.#behind = false;
  }
}

function isSameEvent(one: Event | undefined, other: Event): boolean {
  return one?.sequence === other.sequence && one.at === other.at && one.type === other.type && one.by === other.by;
}

/** An end by a deadline has the time of the deadline, and may be recorded much later. */
function isDeadline({ reason }: Event): boolean {
  return reason === 'expired' || reason === 'idle';
}

function countsOf({ type, details }: Event): Partial<Counts> | undefined {
  switch (type) {
    case 'session.created':
      return { opened: 1 };
    case 'session.ended':
      return { ended: 1 };
    case 'user.sessions_ended':
    case 'everyone.ended':
      return { ended: Number(details?.['ended'] ?? 0) };
    case 'login.failed':
      // Every ordinary sign-in in two steps is asked for its code once.
      return details?.['factor'] === 'missing' ? undefined : { refused: 1 };
    default:
      return undefined;
  }
}
