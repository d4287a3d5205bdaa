import { CautiousClock, type Timing, withMargin } from 'curfew-client/fence';
import type { Receipt } from '../authority/receipt.ts';
import { leaseOf } from '../domain/node-id.ts';
import { CurfewError } from '../errors.ts';
import type { LogPosition, NodeList, NodeRow } from '../stores/contract.ts';
import { Pace } from './pace.ts';
import type { FencePorts } from './ports.ts';
import type { Acknowledgements } from './stream-book.ts';

export type Propagation = Omit<Receipt, 'endedAt' | 'changedAt'>;

/** This process's node, as the waits see it. */
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
  /** Whether a read of the list of nodes that began after the change's commit has been evaluated for it. */
  looked: boolean;
  /** The result of the list of nodes, read after the commit (R16); `undefined` until then. */
  nodes: { applied: number; asked: number } | undefined;
  /** The nodes that ended, or whose leases ran out, before they had applied it; their rows may be gone by now. */
  lost: Set<string>;
  /** Its time has run out: what is left is to check that the store is still the one that took the change (R17). */
  due: boolean;
  /** Goes on waiting until its time has run out. */
  wait(): void;
  finish(by: 'acks' | 'timeout'): void;
  fail(error: unknown): void;
};

/** Pauses between two reads of the list while other nodes have not applied a change yet. */
const firstPause = 2;
const longestPause = 40;

/**
 * Waits for changes: until every node has applied the change or is dead, but at most until the longest lease and its
 * margin after the commit. That time alone keeps the promise; low watermarks and acknowledgements only make the answer
 * come sooner.
 */
export class PropagationWaits {
  readonly #store: FencePorts['store'];
  readonly #timing: Timing;
  /** Measures how old an answer is, including time in which the machine slept, which the monotonic clock omits. */
  readonly #clock: CautiousClock;
  /** Milliseconds of the longest lease that any node may hold, as far as this process has seen. */
  #lease: number;
  /** Of a node whose id does not say how long its leases are. */
  readonly #usual: number;
  /** Of a node that this process has never seen. */
  readonly #assumed: number;
  /** Milliseconds after a question for which the store's answer counts: later the store may be another one (R17). */
  readonly #patience: number;
  readonly #here: () => Here;
  readonly #waiters: Set<Waiter> = new Set();
  /**
   * When each node's counter was first seen: a node whose counter stays the same for its lease and the margin is dead
   * (R2).
   */
  readonly #rows: Map<string, { counter: number; since: number }> = new Map();
  readonly #looks: Pace;
  #looking: Promise<void> | undefined;
  #cancelLook: (() => void) | undefined;
  #pause: number = firstPause;
  /** When rows were last distrusted, because the store is a new incarnation (R10): for a while waits end only by time. */
  #distrusted: number = Number.NEGATIVE_INFINITY;
  readonly settled: { acks: number; timeout: number } = { acks: 0, timeout: 0 };
  /** Called with the seconds that each change waited. */
  onPropagated: (seconds: number, by: 'acks' | 'timeout') => void = () => {};
  /** The store's incarnation, and since when reads of the list have returned it. */
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
      assumedLease,
      onFailover,
      onError,
    }: Pick<FencePorts, 'store' | 'timing' | 'lease' | 'assumedLease' | 'onFailover' | 'onError'>,
    here: () => Here,
  ) {
    this.#onFailover = onFailover;
    this.#onError = onError;
    this.#store = store;
    this.#timing = timing;
    this.#clock = new CautiousClock(timing);
    this.#lease = lease;
    this.#usual = lease;
    this.#assumed = assumedLease;
    this.#patience = lease / 2;
    this.#here = here;
    this.#looks = new Pace(timing, () => this.look());
  }

  /** Milliseconds after which no lease from before can still be valid, on any node that has a row. */
  get #longest(): number {
    return withMargin(this.#lease);
  }

  /** The same for nodes whose rows a failover has lost, possibly before this process could see them (R10). */
  get #longestUnseen(): number {
    return withMargin(Math.max(this.#lease, this.#assumed));
  }

  /** Whether the rows of nodes that are still trusted may be missing. */
  get #distrusts(): boolean {
    return this.#timing.mono() < this.#distrusted + this.#longestUnseen;
  }

  get waiting(): number {
    return this.#waiters.size;
  }

  /**
   * Resolves when a committed change is known wherever it could matter.
   * @throws `outcome_unknown` if the store was failed over meanwhile, so that it may have lost the change, or if the
   *   store cannot be asked whether it was
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
      const waiter: Waiter = {
        sequence,
        began,
        looked: false,
        nodes: undefined,
        lost: new Set(),
        due: false,
        wait: () => {
          cancel();
          waiter.due = false;
          cancel = this.#timing.after(this.#left(waiter), () => {
            // A node with a longer lease was seen meanwhile.
            if (this.#left(waiter) > 0) return waiter.wait();
            waiter.due = true;
            waiter.looked = false;
            cancel = this.#timing.after(this.#patience, () => fail(unknown('the store could not be asked')));
            void this.look();
          });
        },
        finish,
        fail,
      };
      let cancel = () => {};
      waiter.wait();
      this.#waiters.add(waiter);
      this.#pause = firstPause;
      this.#looks.soon();
    });
  }

  #left({ began }: Waiter): number {
    const unseen = Math.min(began, this.#distrusted) + this.#longestUnseen;
    return Math.max(began + this.#longest, unseen) - this.#timing.mono();
  }

  /** Milliseconds for which a node's row has been the same, as far as this process has seen. */
  silenceOf(id: string): number {
    const known = this.#rows.get(id);
    return known ? this.#timing.mono() - known.since : 0;
  }

  /** Sets the store's incarnation as it was before this process could write anything. */
  begin(incarnation: string): void {
    this.#incarnation = { id: incarnation, since: undefined };
  }

  /** To be called when this node's low watermark has risen. */
  lowWatermarkRose(): void {
    for (const waiter of [...this.#waiters]) this.#judge(waiter);
  }

  /**
   * To be called when the store or this node has been replaced by another: rows may have been lost, and nobody knows
   * what was granted here. So for a while waits, including existing ones, end only by time.
   */
  distrustRows(): void {
    this.#distrusted = this.#timing.mono();
    for (const waiter of this.#waiters) waiter.nodes = undefined;
  }

  /** To be called when the store has turned out to be another one: it may have lost the changes that are waited for. */
  giveUp(): void {
    this.distrustRows();
    for (const waiter of this.#waiters) waiter.fail(unknown('the store was failed over, restored or restarted'));
  }

  /** Reads the list of nodes for the current waits; one read at a time. */
  look(): Promise<void> {
    this.#cancelLook?.();
    this.#cancelLook = undefined;
    if (this.#looking) return this.#looking;
    // A wait that begins during a read needs the next one: its read must begin after its commit.
    const concerned = this.#pending;
    this.#looking = this.#look(concerned)
      .then(
        () => {
          this.#unreadable = false;
        },
        (error: unknown) => {
          // Reported once, not at every read.
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
    const others = rows.filter(({ id }) => id !== here);
    // If `follows` is false, this node has not noticed yet that its log is another one: the list is read again. A
    // process that stood still meanwhile gets the answer before its timers run, so the answer's age is checked.
    if (follows && !this.#isOld(asked)) {
      for (const waiter of over) {
        // This read has found a node with a longer lease.
        if (this.#left(waiter) > 0) {
          waiter.wait();
          continue;
        }
        const missing = others.filter((row) => !hasApplied(row, waiter));
        for (const { id } of missing) waiter.lost.add(id);
        if (this.#here().lowWatermark < waiter.sequence) waiter.lost.add(here);
        const applied = others.length - missing.length + (waiter.lost.has(here) ? 0 : 1);
        waiter.nodes = { applied, asked };
        waiter.finish('timeout');
      }
    }
    for (const waiter of concerned) {
      waiter.looked = true;
      if (!follows) continue;
      const missing = others.filter((row) => !hasApplied(row, waiter));
      const alive = missing.filter(({ id }) => !dead.has(id));
      for (const { id } of missing) if (dead.has(id)) waiter.lost.add(id);
      // Rows decide nothing while waits end only by time.
      if (alive.length > 0 || this.#distrusts) continue;
      waiter.nodes = { applied: others.length - missing.length + 1, asked };
      this.#judge(waiter);
    }
    // Rows are removed only in the state in which they were judged: one that was renewed meanwhile stays.
    for (const row of dead.values()) {
      this.#rows.delete(row.id);
      await this.#store.removeNode(row.id, row.counter).catch(() => {});
    }
  }

  /**
   * On a new incarnation, rows of nodes that are still trusted may have been lost (R10). A process that starts knows no
   * earlier incarnation; it trusts the rows at once only if the incarnation is confirmed: a node has then been on it
   * for longer than any lease.
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
    if (confirmed || now - (this.#incarnation?.since ?? now) < this.#longestUnseen) return;
    void this.#store.confirmIncarnation(incarnation).catch(() => {});
  }

  #noteRows(rows: readonly NodeRow[], here: string): Map<string, NodeRow> {
    const now = this.#timing.mono();
    const dead = new Map<string, NodeRow>();
    const listed = new Set(rows.map(({ id }) => id));
    for (const id of this.#rows.keys()) if (!listed.has(id)) this.#rows.delete(id);
    for (const row of rows) {
      if (row.id === here) continue;
      const lease = leaseOf(row.id) ?? this.#usual;
      this.#lease = Math.max(this.#lease, lease);
      const known = this.#rows.get(row.id);
      if (known?.counter !== row.counter) this.#rows.set(row.id, { counter: row.counter, since: now });
      else if (now - known.since >= withMargin(lease)) dead.set(row.id, row);
    }
    return dead;
  }

  /** The waits for which the list has to be read. */
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
    // The answer or this node took so long that the store may be another one by now.
    if (this.#isOld(waiter.nodes.asked)) {
      waiter.nodes = undefined;
      waiter.looked = false;
      this.#looks.soon();
      return;
    }
    const { expired } = this.#here().acknowledgements(waiter.sequence);
    waiter.finish(expired > 0 || waiter.lost.size > 0 ? 'timeout' : 'acks');
  }

  #isOld(asked: number): boolean {
    return this.#clock.now() - asked > this.#patience;
  }

  #receipt({ sequence, began, nodes, lost }: Waiter, by: 'acks' | 'timeout'): Propagation {
    const waited = this.#timing.mono() - began;
    this.settled[by] += 1;
    this.onPropagated(waited / 1000, by);
    return {
      sequence,
      everywhere: true,
      by,
      verifiers: this.#here().acknowledgements(sequence),
      nodes: { applied: nodes!.applied, expired: lost.size },
      waitedMs: Math.round(waited),
    };
  }
}

/** What a node applied of another log says nothing about this one, in which numbers are reused. */
function hasApplied(row: NodeList['nodes'][number], { sequence }: Waiter): boolean {
  return row.current && row.applied >= sequence;
}

function unknown(why: string): CurfewError {
  return new CurfewError('outcome_unknown', { detail: `Before the change was known everywhere, ${why}.` });
}
