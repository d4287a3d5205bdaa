import type { Timing } from 'curfew-client/fence';
import { day, hour, minute, second } from '../domain/limits.ts';
import type { Clock } from '../domain/ports.ts';
import { CurfewError } from '../errors.ts';
import type { Store } from '../stores/contract.ts';

/** How far a clock may go back when a time service corrects it; beyond that, no session is opened or verified. */
const tolerance = minute;

/** What is wrong with the clock; meanwhile the sweep ends and deletes nothing. */
export type ClockTrouble = {
  /**
   * `machine`: this machine's clock differs from the store's, which is the one that counts. `store`: the store's clock
   * has moved in a way that this machine's clocks do not confirm. `stepped_back`: the clock that counts has gone back,
   * and no session is opened or verified.
   */
  kind: 'machine' | 'store' | 'stepped_back';
  /** A sentence: which clock, by how much, and in which direction. */
  detail: string;
  /** When it was first noticed, by the authority's time. */
  since: number;
};

/**
 * The authority's time. It never goes back, so a session whose deadline has passed stays ended. If the clock goes back
 * further than the tolerance, sessions would outlive their limits; then none is opened or verified any more
 * (`clock_stepped_back`), but sessions can still be ended.
 */
export type SteadyClock = {
  /** @throws `clock_stepped_back` */
  now(): number;
  /** The latest time known: for ends, which are never refused. */
  nowForEnd(): number;
  /** Milliseconds by which this machine's clock is ahead of the store's. */
  offset(): number;
  trouble(): ClockTrouble | undefined;
};

type Trouble = Pick<ClockTrouble, 'kind' | 'detail'>;

/** A clock that reports its own faults. */
type Source = Clock & { offset(): number; trouble(): Trouble | undefined };

/** `latest`: the latest time that was given out before. */
function steady(source: Source, latest: number): SteadyClock {
  let highest = latest;
  let known: ClockTrouble | undefined;
  const read = () => {
    const now = source.now();
    if (now > highest) highest = now;
    return now;
  };
  /** A sentence if the clock has gone back too far. */
  const steppedBack = () => {
    const now = read();
    return now < highest - tolerance
      ? `It shows ${moment(now)}, but ${moment(highest)} has passed already.`
      : undefined;
  };
  const find = (): Trouble | undefined => {
    const back = steppedBack();
    return back ? { kind: 'stepped_back', detail: `The clock has gone back. ${back}` } : source.trouble();
  };
  return {
    now() {
      const detail = steppedBack();
      if (detail) throw new CurfewError('clock_stepped_back', { detail });
      return highest;
    },
    nowForEnd() {
      read();
      return highest;
    },
    offset: () => source.offset(),
    trouble() {
      const trouble = find();
      const since = trouble?.kind === known?.kind ? known?.since : undefined;
      known = trouble && { ...trouble, since: since ?? highest };
      return known;
    },
  };
}

/**
 * The clock of the process itself, for when no other process has the store open. `latest` is the latest time recorded
 * in the store.
 */
export function processClock(source: Clock, latest: number): SteadyClock {
  return steady({ now: () => source.now(), offset: () => 0, trouble: () => undefined }, latest);
}

/** A reading of the store's clock, in epoch milliseconds, and the monotonic clock right before and right after it. */
export type StoreTime = { now: number; sentAt: number; receivedAt: number };

/**
 * The store's clock between two readings: it advances with the monotonic clock. The store read its clock at some moment
 * between the question and the answer, so each reading bounds how far it is ahead of the monotonic clock. The kept lead
 * moves only as far as it must to be within the bounds. It begins at the lower bound, so that nothing ends too early; a
 * slow answer has wide bounds and changes nothing.
 *
 * The machine's wall clock is never used as the time. It only serves to check a jump of the store's clock: a jump that
 * it does not confirm is not followed, because a wrong store clock would end sessions for good.
 */
class StoreTimeline implements Source {
  readonly #timing: Pick<Timing, 'mono' | 'wall'>;
  readonly #bound: number;
  /** Milliseconds by which the store's clock is ahead of the monotonic clock. */
  #lead: number;
  /** Milliseconds by which the wall clock was ahead of the store's when the store's was last followed. */
  #offset: number;
  /** How far the store's clock has jumped without being followed. */
  #jump = 0;

  constructor(timing: Pick<Timing, 'mono' | 'wall'>, bound: number, { now, receivedAt }: StoreTime) {
    this.#timing = timing;
    this.#bound = bound;
    this.#lead = now - receivedAt;
    this.#offset = this.#wallLead() - this.#lead;
  }

  note({ now, sentAt, receivedAt }: StoreTime): void {
    const lead = Math.min(Math.max(this.#lead, now - receivedAt), now - sentAt);
    const offset = this.#wallLead() - lead;
    const jump = lead - this.#lead;
    // The machine may have slept: then its wall clock advanced with the store's and differs from it as much as before.
    const confirmed = this.#within(offset) || this.#within(offset - this.#offset);
    this.#jump = this.#within(jump) || confirmed ? 0 : jump;
    if (this.#jump !== 0) return;
    this.#lead = lead;
    this.#offset = offset;
  }

  now(): number {
    return Math.floor(this.#timing.mono() + this.#lead);
  }

  offset(): number {
    return Math.round(this.#wallLead() - this.#lead - this.#jump);
  }

  trouble(): Trouble | undefined {
    if (this.#jump !== 0) {
      const detail = `The store's clock has jumped ${distance(this.#jump)} but this machine's has not; the jump is ignored.`;
      return { kind: 'store', detail };
    }
    const offset = this.offset();
    return this.#within(offset) ? undefined : { kind: 'machine', detail: differs(offset) };
  }

  #wallLead(): number {
    return this.#timing.wall() - this.#timing.mono();
  }

  #within(difference: number): boolean {
    return Math.abs(difference) <= this.#bound;
  }
}

export type StoreClock = { clock: SteadyClock; note(time: StoreTime): void };

/**
 * The clock of a store that several processes share.
 * @throws `clock_differs` if this machine's own clock differs from it by more than `bound`
 */
export function storeClock(timing: Pick<Timing, 'mono' | 'wall'>, bound: number, first: StoreTime): StoreClock {
  const timeline = new StoreTimeline(timing, bound, first);
  const trouble = timeline.trouble();
  if (trouble) throw new CurfewError('clock_differs', { detail: trouble.detail });
  return { clock: steady(timeline, timeline.now()), note: (time) => timeline.note(time) };
}

/** Asks a store for its time. */
export async function askStoreTime(store: Pick<Store, 'logHead'>, timing: Pick<Timing, 'mono'>): Promise<StoreTime> {
  const sentAt = timing.mono();
  const { now } = await store.logHead();
  return { now, sentAt, receivedAt: timing.mono() };
}

/** Whether a recorded time is still in the future. */
export function isAhead(at: number, now: number): boolean {
  return at > now + tolerance;
}

/** A sentence about the latest time in a store, if it was written by a wrong clock: it is still in the future. */
export function writtenAhead(latest: number, now: number): string | undefined {
  if (!isAhead(latest, now)) return undefined;
  return `${moment(latest)} is recorded, ${distance(latest - now)} of the store's clock`;
}

/** A sentence: how far this machine's clock is from the store's. */
export function differs(offset: number): string {
  return `This machine's clock is ${distance(offset)} of the store's.`;
}

const units = { day, hour, minute, second };

function distance(milliseconds: number): string {
  const size = Math.abs(milliseconds);
  const [unit, length] = Object.entries(units).find(([, candidate]) => size >= candidate) ?? ['millisecond', 1];
  const count = Math.round((10 * size) / length) / 10;
  return `${count} ${unit}${count === 1 ? '' : 's'} ${milliseconds < 0 ? 'behind' : 'ahead'}`;
}

function moment(at: number): string {
  return new Date(at).toISOString();
}
