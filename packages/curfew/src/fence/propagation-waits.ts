import { CautiousClock, type Timing, withMargin } from 'curfew-client/fence';
import type { Receipt } from '../authority/receipt.ts';
import { CurfewError } from '../errors.ts';
import type { LogPosition, NodeList, NodeRow } from '../stores/contract.ts';

import { Pace } from './pace.ts';
import type { FencePorts } from './ports.ts';
import type { Acknowledgements } from './stream-book.ts';

export type Propagation = Omit<Receipt, 'endedAt' | 'changedAt'>;

/** The node that this process is, as those who wait see it. */
export type Here = {
  readonly id: string;
  readonly lowWatermark: number;
  /** How far it has followed the log. */
  readonly position: LogPosition;
  acknowledgements(sequence: number): Acknowledgements;
};

type Waiter = {
  sequence: number;
  began: number;
  /** Whether a reading of the list that began after its commit has been judged for it. */
  looked: boolean;
  /** What the list of nodes said, asked for at a moment after the commit (R16); `undefined` until then. */
  nodes: { applied: number; expired: number; asked: number } | undefined;
  /** Its time is over: all that is left to ask is whether the store still is the one that took the change (R17). */
  due: boolean;
  finish(by: 'acks' | 'timeout'): void;
  fail(error: unknown): void;
};

/** Pauses between two looks at the list, while others have not applied a change yet. */
const firstPause = 2;
const longestPause = 40;

/**
 * Whoever waits for a change: until every node has applied it or is dead, and a lease with its margin after the
 * commit at the latest. That time alone keeps the promise; marks and acks only let the answer come sooner.
 */
export class PropagationWaits {
  readonly #store: FencePorts['store'];
  readonly #timing: Timing;
  /** How old an answer is: a machine that slept finds it older than its monotonic clock says. */
  readonly #clock: CautiousClock;
  readonly #longest: number;
  /** Milliseconds after a question within which what the store answered counts: later it may be another one (R17). */
  readonly #patience: number;
  readonly #here: () => Here;
  readonly #waiters: Set<Waiter> = new Set();
  /** Counters as they were first seen, and when: dead is what has kept one for a lease and its margin (R2). */
  readonly #rows: Map<string, { counter: number; since: number }> = new Map();
  readonly #looks: Pace;
  #looking: Promise<void> | undefined;
  #cancelLook: (() => void) | undefined;
  #pause: number = firstPause;
  /** Until when nothing but the time counts: the store is a new incarnation (R10). */
  #fullUntil: number = Number.NEGATIVE_INFINITY;
  readonly settled: { acks: number; timeout: number } = { acks: 0, timeout: 0 };
  /** Hears how long each change waited, in seconds. */
  onPropagated: (seconds: number, by: 'acks' | 'timeout') => void = () => {};
  /** What the store is an incarnation of, and since when a reading of the list has said so. */
  #incarnation: { id: string; since: number | undefined } | undefined;
  nodes = 1;

  readonly #onFailover: FencePorts['onFailover'];
  readonly #onError: FencePorts['onError'];
  #unreadable = false;

  constructor(
    {
      store,
      timing,
      lease,
      onFailover,
      onError,
    }: Pick<FencePorts, 'store' | 'timing' | 'lease' | 'onFailover' | 'onError'>,
    here: () => Here,
  ) {
    this.#onFailover = onFailover;
    this.#onError = onError;
    this.#store = store;
    this.#timing = timing;
    this.#clock = new CautiousClock(timing);
    this.#longest = withMargin(lease);
    this.#patience = lease / 2;
    this.#here = here;
    this.#looks = new Pace(timing, () => void this.look());
  }

  get waiting(): number {
    return this.#waiters.size;
  }

  /**
   * Resolves when a change that has been committed is known wherever it could matter.
   * @throws `outcome_unknown` when the store was failed over meanwhile, so that it may have lost the change, or cannot be
   *   asked whether it was
   */
  awaitEverywhere(sequence: number): Promise<Propagation> {
    const began = this.#timing.mono();
    return new Promise((resolve, reject) => {
      const fail = (error: unknown) => {
        if (!this.#waiters.delete(waiter)) return;
        cancel();
        reject(error);
      };
      const finish = (by: 'acks' | 'timeout') => {
        if (!this.#waiters.delete(waiter)) return;
        cancel();
        resolve(this.#receipt(waiter, by));
      };
      const waiter: Waiter = { sequence, began, looked: false, nodes: undefined, due: false, finish, fail };
      let cancel = this.#timing.after(this.#longest, () => {
        waiter.due = true;
        waiter.looked = false;
        cancel = this.#timing.after(this.#patience, () => fail(unknown('the store could not be asked')));
        void this.look();
      });
      this.#waiters.add(waiter);
      this.#pause = firstPause;
      this.#looks.soon();
    });
  }

  /** What the store was an incarnation of before this process could write anything. */
  begin(incarnation: string): void {
    this.#incarnation = { id: incarnation, since: undefined };
  }

  /** The own low watermark rose. */
  lowWatermarkRose(): void {
    for (const waiter of [...this.#waiters]) this.#judge(waiter);
  }

  /**
   * The store is another than before, or the node here is: rows may be gone with what was lost, and what was granted
   * here is known to nobody, so only the time counts for a while, also for those who wait already.
   */
  distrustRows(): void {
    this.#fullUntil = this.#timing.mono() + this.#longest;
    for (const waiter of this.#waiters) waiter.nodes = undefined;
  }

  /** The store turned out to be another one: it may have lost the changes that are waited for. */
  giveUp(): void {
    this.distrustRows();
    for (const waiter of this.#waiters) waiter.fail(unknown('the store was failed over, restored or restarted'));
  }

  /** Reads the list of nodes, for those who wait at this moment; one read at a time. */
  look(): Promise<void> {
    this.#cancelLook?.();
    this.#cancelLook = undefined;
    if (this.#looking) return this.#looking;
    // Who comes while the list is read waits for the next reading: theirs must be after their commit.
    const concerned = this.#pending;
    this.#looking = this.#look(concerned)
      .then(
        () => {
          this.#unreadable = false;
        },
        (error: unknown) => {
          // Said once, not at every look.
          for (const waiter of concerned) waiter.looked = true;
          if (!this.#unreadable) this.#onError(error);
          this.#unreadable = true;
        },
      )
      .finally(() => {
        this.#looking = undefined;
        this.#lookAgain();
      });
    return this.#looking;
  }

  stop(): void {
    this.#looks.stop();
    this.#cancelLook?.();
    this.#cancelLook = undefined;
  }

  async #look(concerned: readonly Waiter[]): Promise<void> {
    const over = concerned.filter(({ due }) => due);
    const asked = this.#clock.now();
    const list = await this.#store.listNodes(this.#here().position);
    const { nodes: rows, follows } = list;
    this.#noteIncarnation(list);
    const here = this.#here().id;
    const dead = this.#noteRows(rows, here);
    this.nodes = rows.length - dead.size;
    // This node has not noticed yet that its log is another one: then it is asked again. Whoever stood still meanwhile
    // hears the answer before what was due is done.
    if (follows && !this.#isOld(asked)) for (const waiter of over) waiter.finish('timeout');
    for (const waiter of concerned) {
      waiter.looked = true;
      // Nor does what was applied here, while this node has not noticed yet that its log is another one.
      if (!follows || this.#timing.mono() < this.#fullUntil) continue;
      const others = rows.filter(({ id }) => id !== here);
      // What was applied of another log says nothing of this one, where numbers are used again.
      const has = (row: NodeList['nodes'][number]) => row.current && row.applied >= waiter.sequence;
      const applied = others.filter(has).length;
      const expired = others.filter((row) => !has(row) && dead.has(row.id)).length;
      if (applied + expired < others.length) continue;
      waiter.nodes = { applied: applied + 1, expired, asked };
      this.#judge(waiter);
    }
    // Only as it was judged: a row that was renewed meanwhile stays.
    for (const row of dead.values()) {
      this.#rows.delete(row.id);
      await this.#store.removeNode(row.id, row.counter).catch(() => {});
    }
  }

  /**
   * On another incarnation rows may have been lost, of nodes that are still believed (R10). A process that starts knows
   * of no other; it trusts the rows at once only when somebody has been here for longer than any lease, and said so.
   */
  #noteIncarnation({ incarnation, confirmed }: NodeList): void {
    const now = this.#timing.mono();
    const known = this.#incarnation;
    if (incarnation !== known?.id || known.since === undefined) {
      const failedOver = known !== undefined && incarnation !== known.id;
      const another = failedOver || !confirmed;
      this.#incarnation = { id: incarnation, since: now };
      if (failedOver) this.giveUp();
      else if (another) this.distrustRows();
      if (another) this.#onFailover?.(incarnation);
    }
    if (confirmed || now - (this.#incarnation?.since ?? now) < this.#longest) return;
    void this.#store.confirmIncarnation(incarnation).catch(() => {});
  }

  #noteRows(rows: readonly NodeRow[], here: string): Map<string, NodeRow> {
    const now = this.#timing.mono();
    const dead = new Map<string, NodeRow>();
    const listed = new Set(rows.map(({ id }) => id));
    for (const id of this.#rows.keys()) if (!listed.has(id)) this.#rows.delete(id);
    for (const row of rows) {
      if (row.id === here) continue;
      const known = this.#rows.get(row.id);
      if (known?.counter !== row.counter) this.#rows.set(row.id, { counter: row.counter, since: now });
      else if (now - known.since >= this.#longest) dead.set(row.id, row);
    }
    return dead;
  }

  /** Those for whom the list is to be read. */
  get #pending(): Waiter[] {
    return [...this.#waiters].filter(({ nodes, due }) => nodes === undefined || due);
  }

  #lookAgain(): void {
    const pending = this.#pending;
    if (pending.length === 0) return;
    if (pending.some(({ looked }) => !looked)) {
      this.#looks.soon();
      return;
    }
    this.#cancelLook = this.#timing.after(this.#pause, () => this.#looks.soon(), 'background');
    this.#pause = Math.min(longestPause, this.#pause * 2);
  }

  #judge(waiter: Waiter): void {
    if (!waiter.nodes || this.#here().lowWatermark < waiter.sequence) return;
    // The answer, or this node, has taken so long that the store may be another one by now.
    if (this.#isOld(waiter.nodes.asked)) {
      waiter.nodes = undefined;
      waiter.looked = false;
      this.#looks.soon();
      return;
    }
    const { expired } = this.#here().acknowledgements(waiter.sequence);
    waiter.finish(expired > 0 || waiter.nodes.expired > 0 ? 'timeout' : 'acks');
  }

  #isOld(asked: number): boolean {
    return this.#clock.now() - asked > this.#patience;
  }

  #receipt({ sequence, began, nodes }: Waiter, by: 'acks' | 'timeout'): Propagation {
    const waited = this.#timing.mono() - began;
    this.settled[by] += 1;
    this.onPropagated(waited / 1000, by);
    const here = this.#here();
    const applied = here.lowWatermark >= sequence ? 1 : 0;
    return {
      sequence,
      everywhere: true,
      by,
      verifiers: here.acknowledgements(sequence),
      nodes: nodes
        ? { applied: nodes.applied, expired: nodes.expired }
        : { applied, expired: Math.max(0, this.nodes - applied) },
      waitedMs: Math.round(waited),
    };
  }
}

function unknown(why: string): CurfewError {
  return new CurfewError('outcome_unknown', { detail: `Before it was certain that this is over everywhere, ${why}.` });
}
