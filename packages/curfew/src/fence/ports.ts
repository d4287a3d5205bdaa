import type { Timing } from 'curfew-client/fence';
import type { Credential, FromNode } from 'curfew-client/protocol';
import type { VerifiedToken } from '../authority/verification.ts';
import type { SessionId } from '../domain/brand.ts';
import type { StoredSession } from '../domain/session.ts';
import type { Store } from '../stores/contract.ts';
import type { LossReason } from './log-follower.ts';

/** The methods of a store that the fence needs. */
export type FenceStore = Pick<
  Store,
  'readLog' | 'logHead' | 'renewNode' | 'listNodes' | 'removeNode' | 'confirmIncarnation' | 'watchLog'
>;

/** The node's end of a verifier's stream, over any transport. */
export type VerifierStream = {
  /** Queues a message; messages are sent in order. */
  send(message: FromNode): void;
  /** Queues the same changes that other streams get, serialized only once. */
  sendText(text: string): void;
  /** Bytes that are queued and that the network has not taken yet, with what they cost besides. */
  readonly queued: number;
  /** The network that it comes from: an IPv4 address, or the first 64 bits of an IPv6 address. */
  readonly network: string;
  /** Ends the stream, whatever is queued. */
  close(): void;
};

/** What a stream reports to the node. */
export type StreamHandler = { receive(text: string): void; closed(): void };

/** The API key with which a stream was opened. */
export type Admitted = { id: string; name: string };

export type FencePorts = {
  store: FenceStore;
  timing: Timing;
  /** Returns a new text, from which a node's id is made. */
  newId(): string;
  /** Verifies a token or an alias by reading the store, never from a cache. */
  verifyFromStore(credential: Credential): Promise<VerifiedToken>;
  /** The authority's time, epoch milliseconds. */
  now(): number;
  /** When a session was last seen, as far as this process knows. */
  lastSeen(stored: StoredSession): number;
  /** Notes that a session was used. */
  noteUse(id: SessionId, at: number): void;
  /**
   * Gets the store's clock (epoch milliseconds) at the node's start and at each renewal, with the monotonic clock right
   * before the question and right after the answer.
   */
  noteStoreTime?: ((now: number, sentAt: number, receivedAt: number) => void) | undefined;
  /** Reads a key from the store and checks that it may attach a verifier. @throws an error if it may not */
  admit(token: string): Promise<Admitted>;
  /** Milliseconds. */
  lease: number;
  /**
   * Milliseconds: after a failover, the leases of nodes whose rows it has lost are assumed to be no longer than this, or
   * than those that this process has seen (R10).
   */
  assumedLease: number;
  /** How many sessions the node's own verifier remembers at most. */
  capacity: number;
  /** Called when a node starts over under a new id (R10): why, and how that was noticed. */
  onRestart?: ((reason: LossReason, detail: string) => void) | undefined;
  /**
   * Called when the store was failed over or restored: in each process that notices, once it follows the current store.
   */
  onFailover?: ((incarnation: string) => void) | undefined;
  onError(error: unknown): void;
};

/** The fence's numbers for the metrics. */
export type FenceStatistics = {
  node: string;
  leased: boolean;
  /** How many verifiers are attached. */
  verifiers: number;
  /** The newest change that this node has applied. */
  tail: number;
  /** The newest change that no verifier with a valid lease lacks. */
  applied: number;
  /** How many seconds the oldest change has waited for a verifier, by the name that the application gave it. */
  lags: ReadonlyMap<string, number>;
  nodes: number;
  waiting: number;
  settled: { acks: number; timeout: number };
  /** How many leases of verifiers ran out before an acknowledgement. */
  expired: number;
  /** How many streams were closed because they did not keep up or broke the protocol. */
  dropped: number;
  /** How often the node started over, by reason. */
  restarts: Readonly<Record<LossReason, number>>;
  /** How often the node's lease ran out before it was renewed. */
  leaseLosses: number;
  /** How often a verifier's lease ran out while a change waited for it, by the name that the application gave it. */
  waitedFor: ReadonlyMap<string, number>;
  own: { sessions: number; hits: number; misses: number; asked: number };
};

/** The nodes of a store, and the verifiers that are attached to this one. Lags are numbers of changes. */
export type FenceDescription = {
  nodes: {
    id: string;
    /** Whether it is the node that answers. */
    here: boolean;
    /** How many changes it, or a verifier that is attached to it, has not applied yet. */
    lag: number;
    /** Milliseconds for which this node has not seen it renew its lease. */
    silent: number;
    /** Whether others still wait for it: it has renewed its lease within the lease's length. */
    alive: boolean;
  }[];
  verifiers: {
    name: string | undefined;
    /** The key with which it is attached. */
    key: { id: string; name: string };
    /** Whether its stream is open; if not, its lease may still be valid. */
    attached: boolean;
    /** Milliseconds that are left of its lease; 0 if it holds none. */
    lease: number;
    lag: number;
  }[];
};
