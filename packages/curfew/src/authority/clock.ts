import type { Timing } from 'curfew-client/fence';
import { day, hour, minute, second } from '../domain/limits.ts';
import type { Clock } from '../domain/ports.ts';
import { CurfewError } from '../errors.ts';
import type { Store } from '../stores/contract.ts';

/** How far a clock may go back, as a time service corrects it, before nothing more is opened by it. */
const tolerance = minute;

/** What is wrong with the time; meanwhile the sweep ends and forgets nothing. */
export type ClockTrouble = {
  /**
   * `machine`: this machine's clock differs from the store's, which is the one that counts. `store`: the store's clock
   * has moved in a way that this machine's clocks do not confirm. `stepped_back`: the clock that counts has gone back,
   * and nothing is opened or verified by it.
   */
  kind: 'machine' | 'store' | 'stepped_back';
  /** A sentence: which clock, by how much, and in which direction. */
  detail: string;
  /** When it was first noticed, by the authority's time. */
  since: number;
};

/**
 * The authority's time: it never goes back, so what has ended by its deadline stays ended. A clock that went back
 * further than the tolerance would make sessions live longer than their limits; then nothing is opened or verified
 * any more (`clock_stepped_back`), while sessions can still be ended.
 */
export type SteadyClock = {
  /** @throws `clock_stepped_back` */
  now(): number;
  /** The same for ends, which are never refused: the latest moment known. */
  nowForEnd(): number;
  /** Milliseconds by which this machine's clock is ahead of the store's. */
  offset(): number;
  trouble(): ClockTrouble | undefined;
};

type Trouble = Pick<ClockTrouble, 'kind' | 'detail'>;

/** A clock, and what it knows of itself. */
type Source = Clock & { offset(): number; trouble(): Trouble | undefined };

/** `latest`: the latest moment that was told before. */
function steady(source: Source, latest: number): SteadyClock {
  let highest = latest;
  let known: ClockTrouble | undefined;
  const read = () => {
    const now = source.now();
    if (now > highest) highest = now;
    return now;
  };
  /** What there is to say when it has gone back too far. */
  const steppedBack = () => {
    const now = read();
    return now < highest - tolerance ? `It says ${moment(now)}, and ${moment(highest)} has been seen.` : undefined;
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
 * The clock of the process itself, where no other process has the store open. `latest` is the latest moment that the
 * store has written down.
 */
export function processClock(source: Clock, latest: number): SteadyClock {
  return steady({ now: () => source.now(), offset: () => 0, trouble: () => undefined }, latest);
}

/** What the store's clock said, in epoch milliseconds, and the monotonic clock right before and right after. */
export type StoreTime = { now: number; sentAt: number; receivedAt: number };

/**
 * The store's clock between two words of the store: it goes on by the monotonic clock. The store read its clock at some
 * moment between the question and the answer, so each word gives bounds for how far it is ahead of the monotonic clock.
 * What is kept moves only as far as it must to be within them. It begins at the lower bound, so that nothing ends before
 * its time; a slow answer has wide bounds, and changes nothing.
 *
 * The machine's wall clock is never read to tell the time. It only bears witness when the store's clock jumps: a jump
 * that it does not confirm is not followed, because a wrong clock of the store would end sessions for good.
 */
class StoreTimeline implements Source {
  readonly #timing: Pick<Timing, 'mono' | 'wall'>;
  readonly #bound: number;
  /** Milliseconds from the monotonic clock to the store's. */
  #lead: number;
  /** Milliseconds by which the wall clock was ahead of the store's when that was last followed. */
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
    // A machine that slept: its wall clock went on with the store's, and is as far from it as before.
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
      const detail = `The store's clock has jumped ${distance(this.#jump)} and this machine's has not: the time goes on as before.`;
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
 * The clock of the store, where several processes share it.
 * @throws `clock_differs` when this machine's own clock is off from it by more than `bound`
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

/** Whether a moment that somebody wrote down has not come yet. */
export function isAhead(at: number, now: number): boolean {
  return at > now + tolerance;
}

/** What a wrong clock wrote into a store, if it did: a moment that the store's own clock has not reached. */
export function writtenAhead(latest: number, now: number): string | undefined {
  if (!isAhead(latest, now)) return undefined;
  return `${moment(latest)} is written down, ${distance(latest - now)} of the store's clock`;
}

/** How far this machine's clock is from the store's, as a sentence. */
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
