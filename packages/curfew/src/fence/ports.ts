import type { FromNode, Timing } from 'curfew-client/fence';
import type { VerifiedToken } from '../authority/verification.ts';
import type { SessionId } from '../domain/brand.ts';
import type { StoredSession } from '../domain/session.ts';
import type { Store } from '../stores/contract.ts';
import type { LossReason } from './log-follower.ts';

/** What the fence needs of a store. */
export type FenceStore = Pick<
  Store,
  'readLog' | 'logHead' | 'renewNode' | 'listNodes' | 'removeNode' | 'confirmIncarnation' | 'watchLog'
>;

/** The node's half of a verifier's stream, whatever carries it. */
export type VerifierStream = {
  /** Queues a message; the stream keeps the order. */
  send(message: FromNode): void;
  /** Queues the same changes as every other stream gets: made into text once for all. */
  sendText(text: string): void;
  /** Bytes that are queued and not yet taken by the network. */
  readonly queued: number;
  /** Ends it, whatever is queued. */
  close(): void;
};

/** What a stream hands to the node. */
export type StreamHandler = { receive(text: string): void; closed(): void };

/** The API key that a stream was opened with. */
export type Admitted = { id: string; name: string };

export type FencePorts = {
  store: FenceStore;
  timing: Timing;
  /** A fresh id for a node. */
  newId(): string;
  /** Reads the store and says what a token is worth now: never from a cache. */
  verifyFromStore(token: string): Promise<VerifiedToken>;
  /** The authority's time, epoch milliseconds. */
  now(): number;
  /** When a session was last seen, as far as is known here. */
  lastSeen(stored: StoredSession): number;
  /** Notes that a session was used. */
  noteUse(id: SessionId, at: number): void;
  /**
   * Hears the store's clock (epoch milliseconds) with the node's start and each renewal, and what the monotonic clock
   * said right before the question and right after the answer.
   */
  noteStoreTime?: ((now: number, sentAt: number, receivedAt: number) => void) | undefined;
  /** The key that may attach a verifier, as the store has it now. @throws what it lacks */
  admit(token: string): Promise<Admitted>;
  /** Milliseconds. */
  lease: number;
  /** Sessions that the node's own verifier remembers at most. */
  capacity: number;
  /** A node starts over under a new id (R10): why, and what gave it away. */
  onRestart?: ((reason: LossReason, detail: string) => void) | undefined;
  /** The store was failed over or restored; called by each process that notices, now that it follows the present one. */
  onFailover?: ((incarnation: string) => void) | undefined;
  onError(error: unknown): void;
};

/** What the metrics tell of the fence. */
export type FenceStatistics = {
  node: string;
  leased: boolean;
  /** Verifiers that are attached. */
  verifiers: number;
  /** The newest change that is applied here. */
  tail: number;
  /** The newest change that nobody who is attached here may still be without. */
  applied: number;
  nodes: number;
  waiting: number;
  settled: { acks: number; timeout: number };
  /** Leases of verifiers that ran out before an ack. */
  expired: number;
  /** Streams that were closed because they did not keep up, or broke the protocol. */
  dropped: number;
  /** Times that the node started over, by reason. */
  restarts: Readonly<Record<LossReason, number>>;
  /** Times that the node's lease ran out before it was renewed. */
  leaseLosses: number;
  /** How often a verifier's lease ran out while a change waited for it, by the name that its application gave it. */
  waitedFor: ReadonlyMap<string, number>;
  own: { sessions: number; hits: number; misses: number; asked: number };
};
