import { withMargin } from 'curfew-client/fence';
import type { Credential as SessionCredential } from 'curfew-client/protocol';
import type { Credential, Fence } from '../authority/fence.ts';
import type { VerifiedToken } from '../authority/verification.ts';
import { leaseOf } from '../domain/node-id.ts';
import { Guests } from './guests.ts';
import type { LossReason } from './log-follower.ts';
import { FenceNode } from './node.ts';
import type { FenceDescription, FencePorts, FenceStatistics, StreamHandler, VerifierStream } from './ports.ts';
import { type Propagation, PropagationWaits } from './propagation-waits.ts';

export type { LossReason } from './log-follower.ts';
export type { Admitted } from './ports.ts';

const longestPause = 5000;
const firstPause = 50;
/** How many verifier names are counted separately. */
const mostNames = 100;

type MakeNode = (...given: ConstructorParameters<typeof FenceNode>) => FenceNode;

/**
 * The fence of one process: a node, and the waits for propagation. If the log or the store turns out to be another one,
 * the node is discarded and the next one begins under a new id (R10).
 */
export class ProcessFence implements Fence {
  readonly #ports: FencePorts;
  readonly #makeNode: MakeNode;
  readonly waits: PropagationWaits;
  #node: FenceNode;
  readonly #guests: Guests = new Guests();
  readonly #restarts: Record<LossReason, number> = { log_trimmed: 0, log_replaced: 0, store_incarnation: 0 };
  #expired = 0;
  #dropped = 0;
  #leaseLosses = 0;
  readonly #waitedFor: Map<string, number> = new Map();
  /** Whether the log is another one and this has not been reported yet. */
  #restored = false;
  #closed = false;
  #cancelBegin: () => void = () => {};
  #cancelWatch: () => void = () => {};

  constructor(ports: FencePorts, makeNode: MakeNode = (...given) => new FenceNode(...given)) {
    this.#ports = ports;
    this.#makeNode = makeNode;
    this.#node = this.#newNode();
    this.waits = new PropagationWaits(ports, () => this.#node);
  }

  async start(): Promise<void> {
    const node = this.#node;
    try {
      await node.start();
    } catch (error) {
      // The caller has nothing that it could close, and a node continues to read the log until it is abandoned.
      this.#closed = true;
      this.#cancelBegin();
      // Another one may have taken its place while it started.
      for (const begun of new Set([node, this.#node])) begun.abandon();
      throw error;
    }
    this.waits.begin(node.incarnation);
    this.#watchPeers();
  }

  get node(): FenceNode {
    return this.#node;
  }

  verifyFenced(credential: SessionCredential): Promise<VerifiedToken> {
    return this.#node.verifyLeased(credential);
  }

  check(credential: SessionCredential): VerifiedToken | undefined {
    return this.#node.own.check(credential);
  }

  watch(credential: Credential, onTouch: () => void): () => void {
    return this.#guests.add(credential, onTouch);
  }

  /** Milliseconds of the leases that it grants. */
  get lease(): number {
    return this.#ports.lease;
  }

  get leased(): boolean {
    return this.#node.own.lease.valid;
  }

  get replacements(): number {
    return this.#restarts.log_replaced + this.#restarts.store_incarnation;
  }

  attach(stream: VerifierStream): StreamHandler {
    return this.#node.accept(stream);
  }

  async awaitEverywhere(sequence: number, wait: 'everywhere' | 'stored'): Promise<Propagation> {
    // The caller has just made the log grow, so the node need not wait for the store's notice.
    if (this.#node.tail < sequence) this.#node.pull();
    if (wait === 'everywhere') return this.waits.awaitEverywhere(sequence);
    return {
      sequence,
      everywhere: false,
      by: 'acks',
      verifiers: { acknowledged: 0, expired: 0 },
      nodes: { applied: 0, expired: 0 },
      waitedMs: 0,
    };
  }

  /** Calls `heard` with the seconds that each change took to be known everywhere. */
  onPropagated(heard: (seconds: number, by: 'acks' | 'timeout') => void): void {
    this.waits.onPropagated = heard;
  }

  statistics(): FenceStatistics {
    const { id, own, verifiers, tail, lowWatermark, expired, dropped } = this.#node;
    return {
      node: id,
      leased: own.lease.valid,
      verifiers,
      tail,
      applied: lowWatermark,
      lags: this.#node.lags(mostNames),
      nodes: this.waits.nodes,
      waiting: this.waits.waiting,
      settled: this.waits.settled,
      expired: this.#expired + expired,
      dropped: this.#dropped + dropped,
      restarts: { ...this.#restarts },
      leaseLosses: this.#leaseLosses + this.#node.leaseLosses,
      waitedFor: this.#waitedFor,
      own: { sessions: own.sessions, ...own.statistics },
    };
  }

  /** Reads the rows of the nodes. @throws `store_unavailable` */
  async describe(): Promise<FenceDescription> {
    const [{ nodes }, head] = await Promise.all([this.#ports.store.listNodes(), this.#ports.store.logHead()]);
    const here = this.#node;
    return {
      nodes: nodes.map(({ id, applied }) => {
        const silent = id === here.id ? 0 : this.waits.silenceOf(id);
        const lag = Math.max(0, head.sequence - (id === here.id ? here.lowWatermark : applied));
        return { id, here: id === here.id, lag, silent, alive: silent < withMargin(leaseOf(id) ?? this.#ports.lease) };
      }),
      verifiers: here.describeVerifiers(),
    };
  }

  /** Releases the verifiers, which empty their memory first; to be called before the process stops listening. */
  release(): Promise<void> {
    return this.#node.release();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelBegin();
    this.#cancelWatch();
    this.waits.stop();
    await this.#node.close();
  }

  #noteLapse(name: string): void {
    const known = this.#waitedFor.get(name);
    if (known === undefined && this.#waitedFor.size >= mostNames) return;
    this.#waitedFor.set(name, (known ?? 0) + 1);
  }

  #newNode(): FenceNode {
    return this.#makeNode(this.#ports, {
      // What guests have read since the last node ended may have changed before this one begins to follow the log.
      onBegin: () => this.#guests.hearAll(),
      onEntries: (entries) => this.#guests.hear(entries),
      onLowWatermark: () => this.waits.lowWatermarkRose(),
      onLapse: (name) => this.#noteLapse(name),
      onLost: (reason, detail) => this.#replace(reason, detail),
    });
  }

  #replace(reason: LossReason, detail: string): void {
    this.#restarts[reason] += 1;
    this.#expired += this.#node.expired;
    this.#dropped += this.#node.dropped;
    this.#leaseLosses += this.#node.leaseLosses;
    if (reason === 'log_trimmed') this.waits.distrustRows();
    else this.waits.giveUp();
    // A restore may be visible only in the log; a changed incarnation is reported by the waits for propagation.
    this.#restored ||= reason === 'log_replaced';
    // It is unknown what was changed meanwhile, so all guests check.
    this.#guests.hearAll();
    this.#begin(firstPause);
    this.#ports.onRestart?.(reason, detail);
  }

  #begin(pause: number): void {
    if (this.#closed) return;
    const node = this.#newNode();
    this.#node = node;
    const started = node.start().then(() => {
      if (this.#restored) this.#ports.onFailover?.(node.incarnation);
      this.#restored = false;
    });
    void started.catch((error: unknown) => {
      this.#ports.onError(error);
      node.abandon();
      // Another one may have taken its place while it started.
      if (this.#node !== node) return;
      this.#cancelBegin = this.#ports.timing.after(
        pause,
        () => this.#begin(Math.min(longestPause, pause * 2)),
        'background',
      );
    });
  }

  /** Checks for other nodes' rows: others wait for this node's low watermark, and dead rows have to be removed. */
  #watchPeers(): void {
    if (this.#closed) return;
    void this.waits.look().then(() => {
      this.#node.hasPeers = this.waits.nodes > 1;
      if (!this.#closed)
        this.#cancelWatch = this.#ports.timing.after(this.#ports.lease / 3, () => this.#watchPeers(), 'background');
    });
  }
}

export async function createFence(ports: FencePorts): Promise<ProcessFence> {
  const fence = new ProcessFence(ports);
  await fence.start();
  return fence;
}
