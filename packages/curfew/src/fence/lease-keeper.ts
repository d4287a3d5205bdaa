import type { CautiousClock, Lease } from 'curfew-client/fence';
import { CurfewError } from '../errors.ts';
import type { LogHead, LogPosition } from '../stores/contract.ts';
import type { LogFollower, LossReason } from './log-follower.ts';
import { Pace } from './pace.ts';
import type { FencePorts } from './ports.ts';

type Surroundings = {
  /** The node's id, which its row has. */
  id: string;
  clock: CautiousClock;
  log: LogFollower;
  /** The lease of the node's own verifier. */
  lease: Lease;
  /** Resolves once the tail's beginning is known, or the node is over. */
  started: Promise<void>;
  /** What the row tells others: the newest change that nobody here is without. */
  lowWatermark(): number;
  /** Others have rows, and wait for what this one tells. */
  hasPeers(): boolean;
  /** The log has to be read on before a renewal counts. */
  pull(): void;
  /** The lease was renewed, and holds. */
  onLease(): void;
  onLost(reason: LossReason, detail: string): void;
};

/**
 * A node's row in the store, and the lease that it holds by renewing it. A renewal counts once everything up to the head of
 * the log that it found is applied (R4, the barrier).
 */
export class LeaseKeeper {
  readonly #ports: FencePorts;
  readonly #around: Surroundings;
  /** Renewals that tell others of the low watermark. */
  readonly #tellings: Pace;
  #counter = 0;
  #published = 0;
  #incarnation = '';
  /** Nobody is granted a lease before the row says that there may be such: it must outlive this process then. */
  #lending: 'nothing' | 'asked' | 'written' = 'nothing';
  #barriers: { head: LogPosition; asked: number }[] = [];
  #renewing: Promise<void> | undefined;
  readonly #waiters: Set<() => void> = new Set();
  #over = false;

  constructor(ports: FencePorts, around: Surroundings) {
    this.#ports = ports;
    this.#around = around;
    this.#tellings = new Pace(ports.timing, () => this.#renewLater());
  }

  /** What the store was an incarnation of when this node began. */
  get incarnation(): string {
    return this.#incarnation;
  }

  get counter(): number {
    return this.#counter;
  }

  /** The row says that verifiers may hold leases of this node. */
  get lends(): boolean {
    return this.#lending === 'written';
  }

  /** Reads where the log ends, before anything else is asked of the store. */
  async readHead(): Promise<LogHead> {
    const head = await this.#ask(() => this.#ports.store.logHead());
    this.#incarnation = head.incarnation;
    return head;
  }

  /** A verifier is there that may be granted a lease. */
  lend(): void {
    if (this.#lending !== 'nothing') return;
    this.#lending = 'asked';
    this.#renewLater();
  }

  /** One renewal at a time: who asks meanwhile shares it. */
  renew(): Promise<void> {
    this.#renewing ??= this.#renewOnce().then(
      () => this.#renewed(),
      (error: unknown) => {
        // The next one comes in its time: a store that fails is not asked without a pause.
        this.#renewing = undefined;
        throw error;
      },
    );
    return this.#renewing;
  }

  /** The low watermark rose: others are told with a renewal, as soon as the pace allows. */
  tell(): void {
    if (this.#around.hasPeers()) this.#tellings.soon();
  }

  /** Resolves when the lease holds. @throws `store_unavailable` when it does not within the time of a lease */
  async held(): Promise<void> {
    const { lease } = this.#around;
    if (lease.valid) return;
    this.#renewLater();
    await new Promise<void>((resolve) => {
      const cancel = this.#ports.timing.after(this.#ports.lease, () => done());
      const done = () => {
        cancel();
        this.#waiters.delete(done);
        resolve();
      };
      this.#waiters.add(done);
    });
    if (!lease.valid) {
      throw new CurfewError('store_unavailable', { detail: 'This server could not renew its lease.' });
    }
  }

  /** More of the log is applied. */
  passBarriers(): void {
    const { log, lease, onLost, onLease } = this.#around;
    const { tail } = log;
    const passed = this.#barriers.filter(({ head }) => head.sequence <= tail.sequence);
    if (passed.length === 0) return;
    this.#barriers = this.#barriers.filter(({ head }) => head.sequence > tail.sequence);
    // The head was read before the log up to it: it must be of the log that was read.
    const other = passed.find(({ head }) => log.hasOther(head));
    if (other) {
      onLost('log_replaced', `entry ${other.head.sequence} of the log is not the one that a renewal found`);
      return;
    }
    lease.take(Math.max(...passed.map(({ asked }) => asked)), this.#ports.lease);
    if (!lease.valid) return;
    onLease();
    this.wakeWaiters();
  }

  stop(): void {
    this.#over = true;
    this.#tellings.stop();
  }

  /** Those who wait for the lease look at it again. */
  wakeWaiters(): void {
    for (const done of [...this.#waiters]) done();
  }

  /** Removes the row, unless a renewal whose outcome is unknown may still arrive: then it stays until it is dead. */
  async removeRow(): Promise<void> {
    const renewed = await this.#renewing?.then(
      () => true,
      () => false,
    );
    if (renewed !== false) await this.#ports.store.removeNode(this.#around.id, this.#counter);
  }

  #renewLater(): void {
    void this.renew().catch(this.#ports.onError);
  }

  async #renewOnce(): Promise<void> {
    const { id, clock, log, lowWatermark, onLost, started } = this.#around;
    // R5: there is nothing to compare the answer with before the tail's beginning is known.
    await started;
    if (this.#over) return;
    // R1: it runs from before the question. R21: so does what the answer is compared with.
    const asked = clock.now();
    const known = log.tail;
    const applied = lowWatermark();
    this.#counter += 1;
    const lends = this.#lending !== 'nothing';
    const row = { id, counter: this.#counter, applied, tail: known, ...(lends && { lends }) };
    const head = await this.#ask(() => this.#ports.store.renewNode(row));
    this.#published = applied;
    if (lends) this.#lending = 'written';
    if (this.#over) return;
    if (head.incarnation !== this.#incarnation)
      onLost('store_incarnation', `the store was ${this.#incarnation}, and is ${head.incarnation}`);
    else if (log.isContradictedBy(head, known))
      onLost('log_replaced', `the log's head is ${head.sequence}, and ${known.sequence} had been read`);
    else this.#believe(head, asked);
  }

  /** What the store says of itself; its time is noted with the moments between which it was read. */
  async #ask(question: () => Promise<LogHead>): Promise<LogHead> {
    const { timing, noteStoreTime } = this.#ports;
    const sent = timing.mono();
    const head = await question();
    noteStoreTime?.(head.now, sent, timing.mono());
    return head;
  }

  #believe(head: LogPosition, asked: number): void {
    this.#barriers.push({ head, asked });
    this.passBarriers();
    if (this.#barriers.length > 0) this.#around.pull();
  }

  /** What rose meanwhile is told with the next one, at once. */
  #renewed(): void {
    this.#renewing = undefined;
    if (this.#over) return;
    if (this.#lending === 'asked') this.#renewLater();
    else if (this.#around.hasPeers() && this.#published < this.#around.lowWatermark()) this.#tellings.soon();
  }
}
