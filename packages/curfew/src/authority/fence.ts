import type { Credential as SessionCredential } from 'curfew-client/protocol';
import type { Receipt, Wait } from './receipt.ts';
import type { VerifiedToken } from './verification.ts';

/** What a caller authenticated with. */
export type Credential = { keyId: string } | { sessionId: string; userId: string };

/** The fence, as the authority needs it. */
export type Fence = {
  /** Waits until a stored change is known wherever it could matter. */
  awaitEverywhere(sequence: number, wait: Wait): Promise<Omit<Receipt, 'endedAt' | 'changedAt'>>;
  /** Whether a token or an alias is valid now, from this node's own exact cache, or from the store. */
  verifyFenced(credential: SessionCredential): Promise<VerifiedToken>;
  /** The same from memory alone; `undefined` if the store has to be asked. */
  check(credential: SessionCredential): VerifiedToken | undefined;
  /**
   * Calls `onTouch` whenever a change affects the credential, before this node confirms to anybody that it knows the
   * change. The returned function stops the watch.
   */
  watch(credential: Credential, onTouch: () => void): () => void;
  /** Whether this node's lease is valid: what it has followed of the log is everything that others rely on. */
  readonly leased: boolean;
  /** How often the store turned out to be another one, after a failover or a restore, since the process started. */
  readonly replacements: number;
  close(): Promise<void>;
};
