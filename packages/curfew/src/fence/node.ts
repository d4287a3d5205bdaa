import { CautiousClock, type Change, ExactCache, type Found, withMargin } from 'curfew-client/fence';
import type { VerifiedToken } from '../authority/verification.ts';
import type { StoredSession } from '../domain/session.ts';
import { CurfewError } from '../errors.ts';
import type { LogEntry, LogHead, LogPosition } from '../stores/contract.ts';
import { answerOf } from './answers.ts';
import { subjectOf } from './concern.ts';
import { LeaseTerms } from './lease-terms.ts';
import { LogFollower, type LossReason } from './log-follower.ts';
import { Pace } from './pace.ts';
import type { FencePorts, StreamHandler, VerifierStream } from './ports.ts';
import { type Host, VerifierConnection } from './verifier-connection.ts';

/** What became of the verifiers that a change concerned; the names of those that it waited for in vain. */
export type Acknowledgements = { acknowledged: number; expired: number; waitedFor?: string[] };

/** A change that some stream owed an ack for. */
type Outcome = { at: number; owing: number; acknowledged: number; waitedFor: Set<string> };

/** Names that a receipt holds at most. */
const mostNames = 10;
/** What stands for a verifier that was given no name. */
const unnamed = 'unnamed';
/** Names whose keys are remembered. */
const mostOwners = 10_000;

type Events = {
  /** The low watermark rose: nobody here is without the changes up to it. */
  onLowWatermark(lowWatermark: number): void;
  /** Changes are applied here; the low watermark that says so comes afterwards. */
  onEntries(entries: readonly LogEntry[]): void;
  /** A verifier's lease ran out while changes waited for it. */
  onLapse(name: string): void;
  /** The log, or the store behind it, is not the one that this node has followed (R10). */
  onLost(reason: LossReason, detail: string): void;
};

const renewals = 3;
const pollPause = 100;
/** Marks are looked at again this soon while acks come in. */
const watermarkPause = 1;

export type Kept = { readonly active: true; readonly stored: StoredSession };

/**
 * A node under one id: its lease, its place in the log, its own verifier and its streams, made together and thrown
 * away together. Docs: docs/fence/README.md.
 */
export class FenceNode implements Host {
  readonly id: string;
  readonly ports: FencePorts;
  readonly own: ExactCache<Kept>;
  readonly #clock: CautiousClock;
  readonly #events: Events;
  readonly #streams: Set<VerifierConnection> = new Set();
  /** Streams that are gone, and whose leases may still be believed. */
  readonly #gone: Set<VerifierConnection> = new Set();
  /** Streams that owe an ack. */
  readonly #behind: Set<VerifierConnection> = new Set();
  /** Streams whose key the store is asked about. */
  readonly #admitting: Set<VerifierConnection> = new Set();
  /** The key that said a verifier's name first. */
  readonly #owners: Map<string, string> = new Map();
  readonly #outcomes: Map<number, Outcome> = new Map();
  readonly #terms: LeaseTerms;
  /** Resolves once the tail's beginning is known, or the node is over. */
  readonly started: Promise<void>;
  #start: () => void = () => {};
  #accepted = 0;
  readonly #log: LogFollower;
  readonly #pulls: Pace;
  /** Renewals that tell others of the low watermark. */
  readonly #tellings: Pace;
  #lowWatermark = 0;
  #published = 0;
  #counter = 0;
  #incarnation = '';
  /** Nobody is granted a lease before the row says that there may be such: it must outlive this process then. */
  #lending: 'nothing' | 'asked' | 'written' = 'nothing';
  #barriers: { head: LogPosition; asked: number }[] = [];
  #renewing: Promise<void> | undefined;
  #begun = false;
  #over = false;
  /** Lets its verifiers go: nobody is granted anything any more. */
  #releasing = false;
  #wakeRelease: () => void = () => {};
  #cancels: Map<string, () => void> = new Map();
  #leaseWaiters: Set<() => void> = new Set();
  /** Others have rows: they wait for this node's low watermark. Taken to be so until the rows have been read. */
  hasPeers = true;
  expired = 0;
  dropped = 0;

  constructor(ports: FencePorts, events: Events) {
    this.ports = ports;
    this.#events = events;
    this.id = ports.newId();
    this.#clock = new CautiousClock(ports.timing);
    this.#terms = new LeaseTerms(ports.lease);
    this.#log = new LogFollower(ports.store, {
      onEntries: (entries) => this.apply(entries),
      onLost: (reason, detail) => this.#lost(reason, detail),
      onError: ports.onError,
    });
    this.#pulls = new Pace(ports.timing, () => this.#log.pull());
    this.#tellings = new Pace(ports.timing, () => void this.renew().catch(ports.onError));
    this.started = new Promise((resolve) => {
      this.#start = resolve;
    });
    this.own = new ExactCache<Kept>({
      clock: this.#clock,
      capacity: ports.capacity,
      // The authority notes its own.
      reportsUse: false,
      ask: (token) => this.askStore(token),
    });
  }

  /** What the store was an incarnation of when this node began. */
  get incarnation(): string {
    return this.#incarnation;
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
    return this.#lowWatermark;
  }

  /** Times that its lease ran out before it was renewed: the first one was no loss. */
  get leaseLosses(): number {
    return Math.max(0, this.own.lease.breaks - 1);
  }

  get verifiers(): number {
    return this.#streams.size;
  }

  get row(): { id: string; counter: number } {
    return { id: this.id, counter: this.#counter };
  }

  /** R5: where the tail begins, then verifiers, then the first lease. */
  async start(): Promise<void> {
    if (this.#begun) throw new Error('A node starts once: what it has followed begins there.');
    this.#begun = true;
    const head = await this.#ask(() => this.ports.store.logHead());
    if (this.#over) return;
    this.#incarnation = head.incarnation;
    this.#log.begin(head);
    this.#lowWatermark = head.sequence;
    this.#start();
    // Whoever waits here already knows where this node is now.
    this.#events.onLowWatermark(this.#lowWatermark);
    const stop = this.ports.store.watchLog?.(() => this.pull());
    if (stop) this.#cancels.set('watch', stop);
    this.#every('poll', pollPause, () => this.pull());
    await this.renew();
    this.#every('renew', this.ports.lease / renewals, () => void this.renew().catch(this.ports.onError));
  }

  /** A verifier's stream. */
  accept(stream: VerifierStream): StreamHandler {
    return new VerifierConnection(this, stream, this.#accepted++);
  }

  lendable(connection: VerifierConnection): number {
    if (this.#lending !== 'written' || this.#releasing) return 0;
    return Math.min(this.#terms.termOf(connection.holder, this.ports.timing.mono()), this.leaseLeft());
  }

  leaseLeft(): number {
    return this.own.lease.left;
  }

  async leased(): Promise<void> {
    if (this.own.lease.valid) return;
    void this.renew().catch(this.ports.onError);
    await new Promise<void>((resolve) => {
      const cancel = this.ports.timing.after(this.ports.lease, () => done());
      const done = () => {
        cancel();
        this.#leaseWaiters.delete(done);
        resolve();
      };
      this.#leaseWaiters.add(done);
    });
    if (!this.own.lease.valid) {
      throw new CurfewError('store_unavailable', { detail: 'This server could not renew its lease.' });
    }
  }

  /** What the node's own verifier knows, or the store says (R12). */
  async verifyLeased(token: string): Promise<VerifiedToken> {
    // Without a lease everybody would read the store: it comes first.
    if (!this.own.lease.valid) await this.leased();
    const verdict = await this.own.resolve(token);
    return verdict.active ? verdict.value : (verdict as Extract<VerifiedToken, { active: false }>);
  }

  /** One renewal at a time; whoever asks meanwhile gets the next. */
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

  /** Reads on in the log. */
  pull(): void {
    this.#pulls.soon();
  }

  /** What became of those who owed an ack for a change. */
  acknowledgements(sequence: number): Acknowledgements {
    const outcome = this.#outcomes.get(sequence);
    if (!outcome) return { acknowledged: 0, expired: 0 };
    const { owing, acknowledged, waitedFor } = outcome;
    const names = new Set(waitedFor);
    for (const { outstanding, name } of this.#behind) if (outstanding.owes(sequence)) names.add(name ?? unnamed);
    const counts = { acknowledged, expired: owing - acknowledged };
    return names.size === 0 ? counts : { ...counts, waitedFor: [...names].slice(0, mostNames) };
  }

  // ---- What attachments report

  admitting(connection: VerifierConnection): void {
    this.#admitting.add(connection);
  }

  welcomed(connection: VerifierConnection): void {
    this.#admitting.delete(connection);
    connection.name = this.#nameFor(connection);
    const others = [...this.#streams, ...this.#gone].filter(({ holder }) => holder === connection.holder);
    // A hello that was long under way, on a stream that its holder has left for one of these.
    if (others.some(({ opened }) => opened > connection.opened)) {
      connection.cut();
      return;
    }
    // R8: whoever says hello again has emptied itself of what its earlier streams gave it.
    for (const other of others) {
      this.#note(other.outstanding.forgive());
      this.#behind.delete(other);
      other.cut();
    }
    this.#streams.add(connection);
    this.#raiseLowWatermark();
    if (this.#lending !== 'nothing') return;
    this.#lending = 'asked';
    void this.renew().catch(this.ports.onError);
  }

  acknowledged(connection: VerifierConnection, changes: readonly number[]): void {
    this.#note(changes);
    if (connection.outstanding.oldest === undefined) this.#behind.delete(connection);
    if (this.#behind.size === 0) this.#raiseLowWatermark();
    else if (changes.length > 0) this.#once('mark', watermarkPause, () => this.#raiseLowWatermark());
    this.#wakeRelease();
  }

  ended(connection: VerifierConnection, dropped: boolean): void {
    if (dropped) this.dropped += 1;
    this.#admitting.delete(connection);
    if (!this.#streams.delete(connection)) return;
    const { timing } = this.ports;
    const left = connection.outstanding.until - timing.mono();
    if (left <= 0) return;
    this.#gone.add(connection);
    timing.after(
      left,
      () => {
        this.#raiseLowWatermark();
        this.#gone.delete(connection);
      },
      'background',
    );
  }

  // ---- Its end

  /** Asks the verifiers to empty themselves and to go elsewhere; resolves when nothing is owed any more. */
  async release(): Promise<void> {
    this.#releasing = true;
    for (const connection of this.#streams) connection.sayLeaving();
    const { timing } = this.ports;
    for (;;) {
      const until = [...this.#streams, ...this.#gone].map(({ outstanding }) => outstanding.until);
      const left = Math.max(...until, 0) - timing.mono();
      if (left <= 0) break;
      await new Promise<void>((resolve) => {
        const cancel = timing.after(left, resolve);
        this.#wakeRelease = () => {
          cancel();
          resolve();
        };
      });
    }
    for (const connection of [...this.#streams]) connection.cut();
  }

  /** Lets go at once. What was granted is owed as the store's row says, until that is dead. */
  abandon(): void {
    this.#over = true;
    this.#log.stop();
    this.#pulls.stop();
    this.#tellings.stop();
    for (const cancel of this.#cancels.values()) cancel();
    this.#cancels.clear();
    this.#start();
    this.own.empty();
    for (const connection of [...this.#streams]) connection.cut();
    for (const done of [...this.#leaseWaiters]) done();
  }

  /** Ends for good, with nothing owed: then its row can go at once, and nobody waits for it. */
  async close(): Promise<void> {
    await this.release();
    this.abandon();
    const renewed = await this.#renewing?.then(
      () => true,
      () => false,
    );
    // A renewal whose outcome is unknown may still arrive: then the row stays until it is dead.
    if (renewed !== false) await this.ports.store.removeNode(this.id, this.#counter);
  }

  // ---- Inside

  protected async askStore(token: string): Promise<Found<Kept>> {
    // R5: what was read before the tail begins, no change would ever spoil.
    await this.started;
    const verdict = await this.ports.verifyFromStore(token);
    if (!this.own.lease.valid) await this.leased();
    if (!verdict.active) return verdict;
    const { stored } = verdict;
    const answer = answerOf(verdict, this.ports);
    if (!answer.active) return answer;
    const { expiresIn, idleIn, idle } = answer;
    return { active: true, id: stored.id, userId: stored.userId, value: verdict, expiresIn, idleIn, idle };
  }

  async #renewOnce(): Promise<void> {
    // R5: there is nothing to compare the answer with before the tail's beginning is known.
    await this.started;
    if (this.#over) return;
    const { store } = this.ports;
    // R1: it runs from before the question. R21: so does what the answer is compared with.
    const asked = this.#clock.now();
    const known = this.#log.tail;
    const applied = this.#lowWatermark;
    this.#counter += 1;
    const lends = this.#lending !== 'nothing';
    const row = { id: this.id, counter: this.#counter, applied, tail: known, ...(lends && { lends }) };
    const head = await this.#ask(() => store.renewNode(row));
    this.#published = applied;
    if (lends) this.#lending = 'written';
    if (this.#over) return;
    if (head.incarnation !== this.#incarnation)
      this.#lost('store_incarnation', `the store was ${this.#incarnation}, and is ${head.incarnation}`);
    else if (this.#log.isContradictedBy(head, known))
      this.#lost('log_replaced', `the log's head is ${head.sequence}, and ${known.sequence} had been read`);
    else this.believe(head, asked);
  }

  /** What the store says of itself; its time is noted with the moments between which it was read. */
  async #ask(question: () => Promise<LogHead>): Promise<LogHead> {
    const { timing, noteStoreTime } = this.ports;
    const sent = timing.mono();
    const head = await question();
    noteStoreTime?.(head.now, sent, timing.mono());
    return head;
  }

  /** R4, the barrier: a renewal counts once everything up to the head that it found is applied, and queued. */
  protected believe(head: LogPosition, asked: number): void {
    this.#barriers.push({ head, asked });
    this.#passBarriers();
    if (this.#barriers.length > 0) this.pull();
  }

  /** What rose meanwhile is told with the next one, at once. */
  #renewed(): void {
    this.#renewing = undefined;
    if (this.#over) return;
    if (this.#lending === 'asked') void this.renew().catch(this.ports.onError);
    else if (this.hasPeers && this.#published < this.#lowWatermark) this.#tellings.soon();
  }

  #passBarriers(): void {
    const { tail } = this.#log;
    const passed = this.#barriers.filter(({ head }) => head.sequence <= tail.sequence);
    if (passed.length === 0) return;
    this.#barriers = this.#barriers.filter(({ head }) => head.sequence > tail.sequence);
    // The head was read before the log up to it: it must be of the log that was read.
    const other = passed.find(({ head }) => this.#log.hasOther(head));
    if (other) {
      this.#lost('log_replaced', `entry ${other.head.sequence} of the log is not the one that a renewal found`);
      return;
    }
    this.own.lease.take(Math.max(...passed.map(({ asked }) => asked)), this.ports.lease);
    if (!this.own.lease.valid) return;
    for (const connection of this.#streams) connection.grantWanted();
    for (const done of [...this.#leaseWaiters]) done();
  }

  /** Drops what changes touch from the own cache, and queues them on every stream that they concern (R6, R7, R22). */
  protected apply(entries: readonly LogEntry[]): void {
    const changes = entries.flatMap(changesOf);
    for (const change of changes) this.own.drop(change);
    this.#tell(entries, changes);
    this.#events.onEntries(entries);
    this.#raiseLowWatermark();
    this.#passBarriers();
  }

  /** Who is concerned is told, leased or not; and owes an ack if it holds a lease, also on a stream that is closed (R8). */
  #tell(entries: readonly LogEntry[], changes: readonly Change[]): void {
    const now = this.ports.timing.mono();
    this.#forgetOutcomes(now);
    const subjects = entries.map((entry) => ('keyId' in entry ? undefined : subjectOf(entry)));
    const owing = entries.map(() => 0);
    let text: string | undefined;
    for (const entry of entries) if ('keyId' in entry) this.#noteRevoked(entry.keyId);
    for (const connection of [...this.#streams, ...this.#gone]) {
      let isConcerned = false;
      let isRevoked = false;
      for (const [i, entry] of entries.entries()) {
        const subject = subjects[i];
        const isOfItsKey = 'keyId' in entry && entry.keyId === connection.keyId;
        if (!isOfItsKey && !(subject && connection.isConcernedBy(subject))) continue;
        isConcerned = true;
        isRevoked ||= isOfItsKey;
        if (!connection.outstanding.owe(entry.sequence, now)) continue;
        this.#behind.add(connection);
        owing[i]! += 1;
      }
      if (!isConcerned || !this.#streams.has(connection)) continue;
      if (isRevoked) {
        connection.letGo(this.tail);
        continue;
      }
      text ??= JSON.stringify({ type: 'changes', changes });
      connection.tell(text, this.tail);
    }
    for (const [i, { sequence }] of entries.entries()) {
      if (owing[i]! === 0) continue;
      this.#outcomes.set(sequence, { at: now, owing: owing[i]!, acknowledged: 0, waitedFor: new Set() });
    }
  }

  #noteRevoked(keyId: string): void {
    for (const connection of this.#admitting) connection.noteRevoked(keyId);
    for (const [name, owner] of this.#owners) if (owner === keyId) this.#owners.delete(name);
  }

  /** A name is of the key that said it first: what another one is waited for is not put down to it. */
  #nameFor({ name, keyId }: VerifierConnection): string | undefined {
    if (name === undefined) return undefined;
    const owner = this.#owners.get(name);
    if (owner === keyId) return name;
    if (owner !== undefined || this.#owners.size >= mostOwners) return `${name} (key ${keyId})`;
    this.#owners.set(name, keyId);
    return name;
  }

  #note(acknowledged: readonly number[]): void {
    for (const sequence of acknowledged) {
      const outcome = this.#outcomes.get(sequence);
      if (outcome) outcome.acknowledged += 1;
    }
  }

  /** Of those that nobody can wait for any more. */
  #forgetOutcomes(now: number): void {
    const kept = 2 * withMargin(this.ports.lease);
    for (const [sequence, { at }] of this.#outcomes) {
      if (now - at < kept) return;
      this.#outcomes.delete(sequence);
    }
  }

  /** The low watermark is the newest change that no lease granted before it is without. */
  #raiseLowWatermark(): void {
    if (this.#over) return;
    const now = this.ports.timing.mono();
    let lowWatermark = this.tail;
    let next = Number.POSITIVE_INFINITY;
    for (const connection of this.#behind) {
      const { outstanding } = connection;
      const due = outstanding.nextExpiry;
      const expired = outstanding.expire(now);
      if (expired.length > 0) this.#noteLapse(connection, expired, due);
      if (outstanding.oldest === undefined) this.#behind.delete(connection);
      else {
        lowWatermark = Math.min(lowWatermark, outstanding.oldest - 1);
        next = Math.min(next, outstanding.nextExpiry);
      }
    }
    if (Number.isFinite(next)) this.#once('expiry', Math.max(1, next - now), () => this.#raiseLowWatermark());
    if (lowWatermark <= this.#lowWatermark) return;
    this.#lowWatermark = lowWatermark;
    this.#events.onLowWatermark(lowWatermark);
    if (this.hasPeers) this.#tellings.soon();
  }

  /** Changes waited until a holder's lease had run out. */
  #noteLapse({ holder, name = unnamed }: VerifierConnection, changes: readonly number[], ranOutAt: number): void {
    this.expired += 1;
    this.#terms.lapsed(holder, ranOutAt, this.ports.timing.mono());
    for (const sequence of changes) this.#outcomes.get(sequence)?.waitedFor.add(name);
    this.#events.onLapse(name);
  }

  #lost(reason: LossReason, detail: string): void {
    if (this.#over) return;
    this.abandon();
    this.#events.onLost(reason, detail);
  }

  #every(name: string, pause: number, work: () => void): void {
    const again = () => {
      this.#cancels.set(name, this.ports.timing.after(pause, again, 'background'));
      work();
    };
    this.#cancels.set(name, this.ports.timing.after(pause, again, 'background'));
  }

  /** Once for all who ask before it is done. */
  #once(name: string, pause: number, work: () => void): void {
    if (this.#cancels.has(name)) {
      if (name !== 'expiry') return;
      this.#cancels.get(name)?.();
    }
    const cancel = this.ports.timing.after(
      pause,
      () => {
        this.#cancels.delete(name);
        work();
      },
      'background',
    );
    this.#cancels.set(name, cancel);
  }
}

/** What a verifier drops for an entry: nothing for a key's, which touches the streams that were opened with it. */
function changesOf(entry: LogEntry): Change[] {
  const { sequence } = entry;
  if ('sessionId' in entry) return [{ sequence, sessionId: entry.sessionId }];
  if ('userId' in entry) return [{ sequence, userId: entry.userId }];
  return 'keyId' in entry ? [] : [{ sequence, all: true }];
}
