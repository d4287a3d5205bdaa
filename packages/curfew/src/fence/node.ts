import { CautiousClock, ExactCache, type Found, frozen } from 'curfew-client/fence';
import type { Change, Credential } from 'curfew-client/protocol';
import type { VerifiedToken } from '../authority/verification.ts';
import { nodeId } from '../domain/node-id.ts';
import type { StoredSession } from '../domain/session.ts';
import type { LogEntry, LogPosition } from '../stores/contract.ts';
import { answerOf } from './answers.ts';
import { LeaseKeeper } from './lease-keeper.ts';
import { LogFollower, type LossReason } from './log-follower.ts';
import { Pace } from './pace.ts';
import type { FenceDescription, FencePorts, StreamHandler, VerifierStream } from './ports.ts';
import { type Acknowledgements, StreamBook } from './stream-book.ts';
import { Timers } from './timers.ts';
import { type Host, VerifierConnection } from './verifier-connection.ts';

type Events = {
  /** Called when the low watermark has risen: nobody here lacks the changes up to it. */
  onLowWatermark(lowWatermark: number): void;
  /** Called when it is known where the tail begins: no change before that is ever applied here. */
  onBegin(): void;
  /** Called when changes have been applied here, before the low watermark rises to them. */
  onEntries(entries: readonly LogEntry[]): void;
  /** Called when a verifier's lease has run out while changes waited for it. */
  onLapse(name: string): void;
  /** Called when the log, or the store behind it, is not the one that this node has followed (R10). */
  onLost(reason: LossReason, detail: string): void;
};

const renewals = 3;
const pollPause = 100;

export type Kept = { readonly active: true; readonly stored: StoredSession };

/**
 * A node under one id: its lease, its place in the log, its own verifier and its streams, created together and
 * discarded together. See docs/fence/README.md.
 */
export class FenceNode implements Host {
  readonly id: string;
  readonly ports: FencePorts;
  readonly own: ExactCache<Kept>;
  readonly #events: Events;
  /** Resolves once the start of the tail is known, or the node has ended. */
  readonly started: Promise<void>;
  #start: () => void = () => {};
  #accepted = 0;
  readonly #log: LogFollower;
  readonly #lease: LeaseKeeper;
  readonly #streams: StreamBook;
  readonly #pulls: Pace;
  readonly #timers: Timers;
  #begun = false;
  #over = false;
  /** Whether it is releasing its verifiers: no lease is granted any more. */
  #releasing = false;
  /** Whether other nodes have rows, and so wait for its low watermark. Assumed until the rows have been read. */
  hasPeers = true;

  constructor(ports: FencePorts, events: Events) {
    this.ports = ports;
    this.#events = events;
    this.id = nodeId(ports.newId(), ports.lease);
    const clock = new CautiousClock(ports.timing);
    this.#timers = new Timers(ports.timing);
    this.#log = new LogFollower(ports.store, {
      onEntries: (entries) => this.#apply(entries),
      onLost: (reason, detail) => this.#lost(reason, detail),
      onError: ports.onError,
    });
    this.#pulls = new Pace(ports.timing, () => this.#log.pull());
    this.started = new Promise((resolve) => {
      this.#start = resolve;
    });
    this.own = new ExactCache<Kept>({
      clock,
      capacity: ports.capacity,
      // The authority itself notes when it has used a session.
      reportsUse: false,
      ask: (credential) => this.#askStore(credential),
    });
    this.#streams = new StreamBook(ports, {
      tail: () => this.tail,
      onLowWatermark: (lowWatermark) => this.#lowWatermarkRose(lowWatermark),
      onLapse: (name) => events.onLapse(name),
    });
    this.#lease = new LeaseKeeper(ports, {
      id: this.id,
      clock,
      log: this.#log,
      lease: this.own.lease,
      started: this.started,
      lowWatermark: () => this.lowWatermark,
      hasPeers: () => this.hasPeers,
      pull: () => this.pull(),
      onLease: () => this.#streams.grantWanted(),
      onLost: (reason, detail) => this.#lost(reason, detail),
    });
  }

  /** The store's incarnation when this node began. */
  get incarnation(): string {
    return this.#lease.incarnation;
  }

  get leaving(): boolean {
    return this.#releasing;
  }

  get over(): boolean {
    return this.#over;
  }

  get tail(): number {
    return this.#log.tail.sequence;
  }

  get position(): LogPosition {
    return this.#log.tail;
  }

  get lowWatermark(): number {
    return this.#streams.lowWatermark;
  }

  /** How often its lease ran out before it was renewed; the time before its first lease does not count. */
  get leaseLosses(): number {
    return Math.max(0, this.own.lease.breaks - 1);
  }

  get verifiers(): number {
    return this.#streams.size;
  }

  /** How many leases of verifiers ran out before an ack. */
  get expired(): number {
    return this.#streams.expired;
  }

  /** How many streams were cut because they broke the protocol or did not keep up. */
  get dropped(): number {
    return this.#streams.dropped;
  }

  /** How many seconds the oldest change has waited for a verifier, by name, for at most so many names. */
  lags(mostNames: number): Map<string, number> {
    return this.#streams.lags(mostNames);
  }

  get row(): { id: string; counter: number } {
    return { id: this.id, counter: this.#lease.counter };
  }

  /** R5: reads where the tail begins, then accepts verifiers, then takes the first lease. */
  async start(): Promise<void> {
    if (this.#begun) throw new Error('A node starts once: what it has followed begins there.');
    this.#begun = true;
    const head = await this.#lease.readHead();
    if (this.#over) return;
    this.#log.begin(head);
    this.#streams.begin(head.sequence);
    this.#events.onBegin();
    this.#start();
    // Waits that began earlier learn where this node is now.
    this.#events.onLowWatermark(this.lowWatermark);
    const stop = this.ports.store.watchLog?.(() => this.pull());
    if (stop) this.#timers.add('watch', stop);
    this.#timers.every('poll', pollPause, () => {
      // Notices may get lost; while changes make it read the log anyway, nothing is missed.
      if (this.#pulls.quietFor >= pollPause / 2) this.pull();
    });
    await this.renew();
    if (this.#over) return;
    this.#timers.every('renew', this.ports.lease / renewals, () => void this.renew().catch(this.ports.onError));
  }

  /** Takes in a verifier's stream. */
  accept(stream: VerifierStream): StreamHandler {
    return new VerifierConnection(this, stream, this.#accepted++);
  }

  /** Verifies a token or an alias from the memory of the node's own verifier, or from the store (R12). */
  async verifyLeased(credential: Credential): Promise<VerifiedToken> {
    // The lease comes first: without it, every call would read the store.
    if (!this.own.lease.valid) await this.leased();
    const verdict = await this.own.resolve(credential);
    return verdict.active ? verdict.value : (verdict as Extract<VerifiedToken, { active: false }>);
  }

  renew(): Promise<void> {
    return this.#lease.renew();
  }

  /** Reads more of the log. */
  pull(): void {
    this.#pulls.soon();
  }

  /** What became of the verifiers that owed an ack for a change. */
  acknowledgements(sequence: number): Acknowledgements {
    return this.#streams.acknowledgements(sequence);
  }

  describeVerifiers(): FenceDescription['verifiers'] {
    return this.#streams.describe();
  }

  // ---- What its streams request and report

  leaseLeft(): number {
    return this.own.lease.left;
  }

  leased(): Promise<void> {
    return this.#lease.held();
  }

  lendable({ holder }: VerifierConnection): number {
    if (!this.#lease.lends || this.#releasing) return 0;
    return Math.min(this.#streams.termOf(holder), this.leaseLeft());
  }

  admitting(connection: VerifierConnection): void {
    this.#streams.admitting(connection);
  }

  welcomed(connection: VerifierConnection): void {
    if (this.#streams.welcomed(connection)) this.#lease.lend();
  }

  acknowledged(connection: VerifierConnection, changes: readonly number[]): void {
    this.#streams.acknowledged(connection, changes);
  }

  ended(connection: VerifierConnection, dropped: boolean): void {
    this.#streams.ended(connection, dropped);
  }

  // ---- Its end

  /** Asks the verifiers to drop everything and to move to another node; resolves when nothing is owed any more. */
  release(): Promise<void> {
    this.#releasing = true;
    return this.#streams.release();
  }

  /** Ends at once. The leases that it granted stay outstanding until its row in the store is dead. */
  abandon(): void {
    this.#over = true;
    this.#log.stop();
    this.#pulls.stop();
    this.#lease.stop();
    this.#streams.stop();
    this.#timers.stop();
    this.#start();
    this.own.empty();
    this.#streams.cutAll();
    this.#lease.wakeWaiters();
  }

  /** Ends once nothing is owed: then its row can be removed at once, and nobody waits for it. */
  async close(): Promise<void> {
    await this.release();
    this.abandon();
    await this.#lease.removeRow();
  }

  // ---- Inside

  async #askStore(credential: Credential): Promise<Found<Kept>> {
    // R5: no change would ever invalidate what was read before the tail begins.
    await this.started;
    const verdict = await this.ports.verifyFromStore(credential);
    if (!this.own.lease.valid) await this.leased();
    if (!verdict.active) return verdict;
    const { stored } = verdict;
    const answer = answerOf(verdict, this.ports);
    if (!answer.active) return answer;
    const { expiresIn, idleIn, idle } = answer;
    // An application that uses Curfew as a library gets these two themselves.
    for (const shared of [stored.accessGroups, stored.metadata]) frozen(shared);
    return { active: true, id: stored.id, userId: stored.userId, value: verdict, expiresIn, idleIn, idle };
  }

  /** Drops what changes touch from its own cache, and queues them on every stream that they concern (R6, R7, R22). */
  #apply(entries: readonly LogEntry[]): void {
    const changes = entries.flatMap(changesOf);
    for (const change of changes) this.own.drop(change);
    this.#streams.tell(entries, changes);
    this.#events.onEntries(entries);
    this.#streams.raiseLowWatermark();
    this.#lease.passBarriers();
  }

  #lowWatermarkRose(lowWatermark: number): void {
    this.#events.onLowWatermark(lowWatermark);
    this.#lease.tell();
  }

  #lost(reason: LossReason, detail: string): void {
    if (this.#over) return;
    this.abandon();
    this.#events.onLost(reason, detail);
  }
}

/** What a verifier drops for an entry: nothing for a key, which affects only the streams that were opened with it. */
function changesOf(entry: LogEntry): Change[] {
  const { sequence } = entry;
  if ('sessionId' in entry) return [{ sequence, sessionId: entry.sessionId }];
  if ('userId' in entry) return [{ sequence, userId: entry.userId }];
  return 'keyId' in entry ? [] : [{ sequence, all: true }];
}
