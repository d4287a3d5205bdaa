import { withMargin } from 'curfew-client/fence';
import type { Change } from 'curfew-client/protocol';
import { limits } from '../domain/limits.ts';
import { Places } from '../domain/places.ts';
import { CurfewError } from '../errors.ts';
import type { LogEntry } from '../stores/contract.ts';
import { subjectOf } from './concern.ts';
import { LeaseTerms } from './lease-terms.ts';
import type { FenceDescription, FencePorts } from './ports.ts';
import { Timers } from './timers.ts';
import type { VerifierConnection } from './verifier-connection.ts';

/** What became of the verifiers that a change concerned, with the names of those that it waited for in vain. */
export type Acknowledgements = { acknowledged: number; expired: number; waitedFor?: string[] };

/** A change that some stream owed an ack for. */
type Outcome = { at: number; owing: number; acknowledged: number; waitedFor: Set<string> };

type Surroundings = {
  /** The newest change that is queued on every stream. */
  tail(): number;
  /** Called when the low watermark has risen: nobody here lacks the changes up to it. */
  onLowWatermark(lowWatermark: number): void;
  /** Called when a verifier's lease has run out while changes waited for it. */
  onLapse(name: string): void;
};

/** How many names a receipt contains at most. */
const mostNames = 10;
/** How many verifiers a description has at most. */
const mostDescribed = 1000;
/** The name shown for a verifier without one. */
const unnamed = 'unnamed';
/** How many names are remembered with their keys. */
const mostOwners = 10_000;
/** Milliseconds after which the low watermark is computed again while acks come in. */
const watermarkPause = 1;

/**
 * The streams of a node's verifiers: who is told of a change, and who still owes an ack for it. The low watermark is
 * the newest change that none of them can lack.
 */
export class StreamBook {
  readonly #ports: FencePorts;
  readonly #around: Surroundings;
  readonly #streams: Set<VerifierConnection> = new Set();
  /** Closed streams whose leases may still be trusted. */
  readonly #gone: Set<VerifierConnection> = new Set();
  /** Streams that owe an ack. */
  readonly #behind: Set<VerifierConnection> = new Set();
  /** Streams whose key is being checked in the store. */
  readonly #admitting: Set<VerifierConnection> = new Set();
  readonly #places: Places = new Places();
  /** What frees the places that an open stream has. */
  readonly #held: Map<VerifierConnection, (() => void)[]> = new Map();
  /** For each verifier's name, the id of the key that first used it. */
  readonly #owners: Map<string, string> = new Map();
  readonly #outcomes: Map<number, Outcome> = new Map();
  readonly #terms: LeaseTerms;
  readonly #timers: Timers;
  #lowWatermark = 0;
  #over = false;
  #wakeRelease: () => void = () => {};
  expired = 0;
  dropped = 0;

  constructor(ports: FencePorts, around: Surroundings) {
    this.#ports = ports;
    this.#around = around;
    this.#terms = new LeaseTerms(ports.lease);
    this.#timers = new Timers(ports.timing);
  }

  get size(): number {
    return this.#streams.size;
  }

  get lowWatermark(): number {
    return this.#lowWatermark;
  }

  /** Sets the low watermark at the node's start: nobody lacks an earlier change. */
  begin(lowWatermark: number): void {
    this.#lowWatermark = lowWatermark;
  }

  /** Milliseconds of a lease that a holder is granted now. */
  termOf(holder: string): number {
    return this.#terms.termOf(holder, this.#ports.timing.mono());
  }

  /** What became of the verifiers that owed an ack for a change. */
  acknowledgements(sequence: number): Acknowledgements {
    const outcome = this.#outcomes.get(sequence);
    if (!outcome) return { acknowledged: 0, expired: 0 };
    const { owing, acknowledged, waitedFor } = outcome;
    const names = new Set(waitedFor);
    for (const { outstanding, name } of this.#behind) if (outstanding.owes(sequence)) names.add(name ?? unnamed);
    const counts = { acknowledged, expired: owing - acknowledged };
    return names.size === 0 ? counts : { ...counts, waitedFor: [...names].slice(0, mostNames) };
  }

  /** Those that changes wait for come first. */
  describe(): FenceDescription['verifiers'] {
    const [now, tail] = [this.#ports.timing.mono(), this.#around.tail()];
    const all = new Set([...this.#behind, ...this.#streams, ...this.#gone]);
    return [...all].slice(0, mostDescribed).map((connection) => {
      const { name, key, outstanding } = connection;
      return {
        name,
        key,
        attached: this.#streams.has(connection),
        lease: Math.max(0, Math.round(outstanding.until - now)),
        lag: outstanding.oldest === undefined ? 0 : tail - outstanding.oldest + 1,
      };
    });
  }

  /** How many seconds the oldest change has waited for a verifier, by name, for at most so many names. */
  lags(most: number): Map<string, number> {
    const now = this.#ports.timing.mono();
    const lags = new Map<string, number>();
    for (const { name = unnamed, outstanding } of [...this.#streams, ...this.#gone]) {
      const known = lags.get(name);
      if (known === undefined && lags.size >= most) continue;
      const since = outstanding.oldest === undefined ? now : (this.#outcomes.get(outstanding.oldest)?.at ?? now);
      lags.set(name, Math.max(known ?? 0, (now - since) / 1000));
    }
    return lags;
  }

  /** Grants leases to the verifiers that wait for one; to be called when the node's lease was renewed. */
  grantWanted(): void {
    for (const connection of this.#streams) connection.grantWanted();
  }

  // ---- What streams report

  /** @throws `too_many_streams` */
  admitting(connection: VerifierConnection): void {
    const { network } = connection;
    this.#takePlace(connection, `network ${network}`, limits.verifiersOfAddress);
    this.#admitting.add(connection);
  }

  /** Takes in a stream. Returns whether it was accepted. @throws `too_many_streams` */
  welcomed(connection: VerifierConnection): boolean {
    this.#admitting.delete(connection);
    connection.name = this.#nameFor(connection);
    const others = [...this.#streams, ...this.#gone].filter(({ holder }) => holder === connection.holder);
    // The hello was delayed: its holder has already left this stream for one of the others (R8).
    if (others.some(({ opened }) => opened > connection.opened)) {
      connection.cut();
      return false;
    }
    // R8: a holder that says hello again has dropped what its earlier streams gave it.
    for (const other of others) {
      this.#note(other.outstanding.forgive());
      this.#behind.delete(other);
      other.cut();
    }
    this.#takePlace(connection, `key named ${connection.key.name}`, limits.verifiersOfKey, connection.keyId);
    this.#streams.add(connection);
    this.raiseLowWatermark();
    return true;
  }

  acknowledged(connection: VerifierConnection, changes: readonly number[]): void {
    this.#note(changes);
    if (connection.outstanding.oldest === undefined) this.#behind.delete(connection);
    if (this.#behind.size === 0) this.raiseLowWatermark();
    else if (changes.length > 0) this.#timers.once('mark', watermarkPause, () => this.raiseLowWatermark());
    this.#wakeRelease();
  }

  ended(connection: VerifierConnection, dropped: boolean): void {
    if (dropped) this.dropped += 1;
    this.#admitting.delete(connection);
    for (const leave of this.#held.get(connection) ?? []) leave();
    this.#held.delete(connection);
    if (!this.#streams.delete(connection)) return;
    const { timing } = this.#ports;
    const left = connection.outstanding.until - timing.mono();
    if (left <= 0) return;
    this.#gone.add(connection);
    timing.after(
      left,
      () => {
        this.raiseLowWatermark();
        this.#gone.delete(connection);
      },
      'background',
    );
  }

  // ---- Changes

  /** Sends changes to every stream that they concern. Those with a lease owe an ack, closed ones too (R8). */
  tell(entries: readonly LogEntry[], changes: readonly Change[]): void {
    const now = this.#ports.timing.mono();
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
      const tail = this.#around.tail();
      if (isRevoked) {
        connection.letGo(tail);
        continue;
      }
      text ??= JSON.stringify({ type: 'changes', changes });
      connection.tell(text, tail);
    }
    for (const [i, { sequence }] of entries.entries()) {
      if (owing[i]! === 0) continue;
      this.#outcomes.set(sequence, { at: now, owing: owing[i]!, acknowledged: 0, waitedFor: new Set() });
    }
  }

  raiseLowWatermark(): void {
    if (this.#over) return;
    const now = this.#ports.timing.mono();
    let lowWatermark = this.#around.tail();
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
    if (Number.isFinite(next)) this.#timers.reset('expiry', Math.max(1, next - now), () => this.raiseLowWatermark());
    if (lowWatermark <= this.#lowWatermark) return;
    this.#lowWatermark = lowWatermark;
    this.#around.onLowWatermark(lowWatermark);
  }

  // ---- Its end

  /** Asks the verifiers to drop everything and to move to another node; resolves when nobody owes anything any more. */
  async release(): Promise<void> {
    for (const connection of this.#streams) connection.sayLeaving();
    const { timing } = this.#ports;
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
    this.cutAll();
  }

  cutAll(): void {
    for (const connection of [...this.#streams]) connection.cut();
  }

  stop(): void {
    this.#over = true;
    this.#timers.stop();
  }

  // ---- Inside

  /** One key or one address may not take the places of all others. `holder`: what tells it from others of this name. */
  #takePlace(connection: VerifierConnection, named: string, most: number, holder = named): void {
    if (this.#places.of(holder) >= most) {
      throw new CurfewError('too_many_streams', {
        detail: `The ${named} has ${most} verifiers attached to this server.`,
      });
    }
    this.#held.set(connection, [...(this.#held.get(connection) ?? []), this.#places.take(holder)]);
  }

  #noteRevoked(keyId: string): void {
    for (const connection of this.#admitting) connection.noteRevoked(keyId);
    for (const [name, owner] of this.#owners) if (owner === keyId) this.#owners.delete(name);
  }

  /** A name belongs to the key that used it first, so that another key's lapses are not attributed to it. */
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

  /** Forgets changes that nobody can wait for any more. */
  #forgetOutcomes(now: number): void {
    const kept = 2 * withMargin(this.#ports.assumedLease);
    for (const [sequence, { at }] of this.#outcomes) {
      if (now - at < kept) return;
      this.#outcomes.delete(sequence);
    }
  }

  /** Records that changes waited until a holder's lease had run out. */
  #noteLapse({ holder, name = unnamed }: VerifierConnection, changes: readonly number[], ranOutAt: number): void {
    this.expired += 1;
    this.#terms.lapsed(holder, ranOutAt, this.#ports.timing.mono());
    for (const sequence of changes) this.#outcomes.get(sequence)?.waitedFor.add(name);
    this.#around.onLapse(name);
  }
}
