import type { CautiousClock, Lease } from 'curfew-client/fence';
import { CurfewError } from '../errors.ts';
import type { LogHead, LogPosition } from '../stores/contract.ts';
import type { LogFollower, LossReason } from './log-follower.ts';
import { Pace } from './pace.ts';
import type { FencePorts } from './ports.ts';

type Surroundings = {
  /** The id of the node and of its row. */
  id: string;
  clock: CautiousClock;
  log: LogFollower;
  /** The lease of the node's own verifier. */
  lease: Lease;
  /** Resolves once the start of the tail is known, or the node has ended. */
  started: Promise<void>;
  /** The newest change that nobody here lacks; the row reports it to other nodes. */
  lowWatermark(): number;
  /** Whether other nodes have rows: they wait for what this one reports. */
  hasPeers(): boolean;
  /** Reads more of the log, so that a renewal can count. */
  pull(): void;
  /** Called when the lease was renewed and is valid. */
  onLease(): void;
  onLost(reason: LossReason, detail: string): void;
};

/**
 * A node's row in the store, and the lease that the node holds by renewing the row. A renewal counts once everything up
 * to the head of the log that it found is applied (R4, the barrier).
 */
export class LeaseKeeper {
  readonly #ports: FencePorts;
  readonly #around: Surroundings;
  /** Renewals that report the low watermark to other nodes. */
  readonly #tellings: Pace;
  #counter = 0;
  #published = 0;
  #incarnation = '';
  /** No lease is granted before the row records that there may be some, for then the row must outlive this process. */
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

  /** The store's incarnation when this node began. */
  get incarnation(): string {
    return this.#incarnation;
  }

  get counter(): number {
    return this.#counter;
  }

  /** Whether the row says that verifiers may hold leases from this node. */
  get lends(): boolean {
    return this.#lending === 'written';
  }

  /** Reads where the log ends; this is the node's first question to the store. */
  async readHead(): Promise<LogHead> {
    const head = await this.#ask(() => this.#ports.store.logHead());
    this.#incarnation = head.incarnation;
    return head;
  }

  /** To be called when a verifier that may be granted a lease has attached. */
  lend(): void {
    if (this.#lending !== 'nothing') return;
    this.#lending = 'asked';
    void this.#renewLater();
  }

  /** Renews the lease. Calls that are made during a renewal share it. */
  renew(): Promise<void> {
    this.#renewing ??= this.#renewOnce().then(
      () => this.#renewed(),
      (error: unknown) => {
        // The next regular renewal tries again: a store that fails must not be asked without a pause.
        this.#renewing = undefined;
        throw error;
      },
    );
    return this.#renewing;
  }

  /** To be called when the low watermark has risen: a renewal reports it to others, as soon as the pace allows. */
  tell(): void {
    if (this.#around.hasPeers()) this.#tellings.soon();
  }

  /** Resolves when the lease is valid. @throws `store_unavailable` if that takes longer than a lease */
  async held(): Promise<void> {
    const { lease } = this.#around;
    if (lease.valid) return;
    void this.#renewLater();
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

  /** To be called when more of the log has been applied. */
  passBarriers(): void {
    const { log, lease, onLost, onLease } = this.#around;
    const { tail } = log;
    const passed = this.#barriers.filter(({ head }) => head.sequence <= tail.sequence);
    if (passed.length === 0) return;
    this.#barriers = this.#barriers.filter(({ head }) => head.sequence > tail.sequence);
    // The head was read before the entries up to it: both must be from the same log.
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

  /** Wakes those who wait for the lease, to check it again. */
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

  #renewLater(): Promise<void> {
    return this.renew().catch(this.#ports.onError);
  }

  async #renewOnce(): Promise<void> {
    const { id, clock, log, lowWatermark, onLost, started } = this.#around;
    // R5: there is nothing to compare the answer with before the start of the tail is known.
    await started;
    if (this.#over) return;
    // R1: the lease runs from before the question. R21: what the answer is compared with is from before it too.
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

  /** Asks the store for its head, and notes its time with the moments between which that was read. */
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

  /** If the low watermark rose during a renewal, another one reports it. */
  #renewed(): void {
    this.#renewing = undefined;
    if (this.#over) return;
    if (this.#lending === 'asked') void this.#renewLater();
    else if (this.#around.hasPeers() && this.#published < this.#around.lowWatermark()) this.#tellings.soon();
  }
}
