import type { Timing } from 'curfew-client/fence';

/** Numbers from a seed, the same each time (mulberry32). */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  between(least: number, most: number): number {
    return least + this.next() * (most - least);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.next() * from.length)]!;
  }
}

type Event = { at: number; order: number; machine: Machine | undefined; work: () => void };

/** True time, which no machine knows, and everything that will happen in it. */
export class Universe {
  now = 0;
  #order = 0;
  #heap: Event[] = [];

  at(time: number, machine: Machine | undefined, work: () => void): void {
    this.#push({ at: Math.max(time, this.now), order: this.#order++, machine, work });
  }

  in(delay: number, machine: Machine | undefined, work: () => void): void {
    this.at(this.now + delay, machine, work);
  }

  /** Lets everything happen up to a moment: one event, then all its immediate consequences, then the next. */
  async run(until: number): Promise<void> {
    for (;;) {
      const next = this.#heap[0];
      if (!next || next.at > until) break;
      this.#pop();
      this.now = next.at;
      const { machine, work } = next;
      if (machine?.dead) continue;
      if (machine?.frozen) {
        machine.missed.push(work);
        continue;
      }
      work();
      await new Promise(setImmediate);
    }
    this.now = until;
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let i = heap.push(event) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!before(event, heap[parent]!)) break;
      heap[i] = heap[parent]!;
      i = parent;
    }
    heap[i] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child += 1;
      if (!before(heap[child]!, last)) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = last;
  }
}

function before(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** A process on its own machine, which has two clocks, neither of them right. */
export class Machine {
  readonly #universe: Universe;
  readonly name: string;
  /** How fast its clocks run. */
  #rate: number;
  #monoBase: number;
  #wallBase: number;
  #since: number;
  dead = false;
  frozen = false;
  /** The monotonic clock stands still while the machine sleeps. */
  #asleep = false;
  /**
   * Whether its wall clock was set, or it slept, and nobody has read the clocks since. Between two reads only one of
   * the two happens: together they can cancel each other out, and no clock would show it.
   */
  #unread = false;
  /** Work that was due while it was stopped; it is done when the process continues. */
  missed: (() => void)[] = [];

  readonly #dice: Dice;
  /** The last run of a timer, of all that it missed. */
  readonly #timers: WeakSet<() => void> = new WeakSet();

  constructor(universe: Universe, name: string, rate: number, dice: Dice) {
    this.#universe = universe;
    this.#dice = dice;
    this.name = name;
    this.#rate = rate;
    this.#since = universe.now;
    this.#monoBase = dice.between(0, 1e6);
    this.#wallBase = 1.7e12 + dice.between(-1e9, 1e9);
  }

  readonly timing: Timing = {
    mono: () => this.#monoBase + (this.#asleep ? 0 : this.#passed()),
    wall: () => {
      this.#unread = false;
      return this.date();
    },
    after: (milliseconds, work) => {
      // As in Node.js, no timer is shorter than a millisecond.
      const due = this.timing.mono() + Math.max(1, milliseconds);
      let off = false;
      const arm = () => {
        const ring = () => {
          if (off) return;
          // Its clock stood still meanwhile, or runs slower now.
          if (this.timing.mono() < due - 1e-6) arm();
          else work();
        };
        this.#timers.add(ring);
        this.#universe.in(Math.max(0, due - this.timing.mono()) / this.#rate, this, ring);
      };
      arm();
      return () => {
        off = true;
      };
    },
  };

  /** Its wall clock, for uses that measure no time with it. */
  date(): number {
    return this.#wallBase + this.#passed();
  }

  /** Its clocks run at another speed from now on. */
  drift(rate: number): void {
    this.#rebase();
    this.#rate = rate;
  }

  /**
   * Sets its wall clock; not while it sleeps, because then no process would see that both clocks are wrong together.
   */
  step(by: number): void {
    if (this.#asleep || this.#unread) return;
    this.#wallBase += by;
    this.#unread = true;
  }

  /** SIGSTOP: it does nothing while its clocks run. `asleep`: the whole machine sleeps, and one clock with it. */
  stop(asleep: boolean): void {
    if (this.dead || this.frozen) return;
    this.#rebase();
    this.frozen = true;
    this.#asleep = asleep && !this.#unread;
    this.#unread ||= asleep;
  }

  resume(): void {
    if (this.dead || !this.frozen) return;
    this.#rebase();
    this.frozen = false;
    this.#asleep = false;
    const missed = this.missed;
    this.missed = [];
    // A process that was stopped while it waited for the network hears of that before it checks what is due.
    if (this.#dice.chance(0.5)) missed.sort((a, b) => Number(this.#timers.has(a)) - Number(this.#timers.has(b)));
    for (const work of missed) this.#universe.in(0, this, work);
  }

  kill(): void {
    this.dead = true;
    this.missed = [];
  }

  #passed(): number {
    return (this.#universe.now - this.#since) * this.#rate;
  }

  #rebase(): void {
    const [mono, wall] = [this.timing.mono(), this.date()];
    this.#monoBase = mono;
    this.#wallBase = wall;
    this.#since = this.#universe.now;
  }
}
