import type { Receipt, Wait } from './receipt.ts';
import type { VerifiedToken } from './verification.ts';

/** What a caller was let in by. */
export type Credential = { keyId: string } | { sessionId: string; userId: string };

/** The fence, as the authority needs it. */
export type Fence = {
  /** Waits until a change that has been stored is known wherever it could matter. */
  awaitEverywhere(sequence: number, wait: Wait): Promise<Omit<Receipt, 'endedAt' | 'changedAt'>>;
  /** Whether a token is good now, from this node's own exact cache, or from the store. */
  verifyFenced(token: string): Promise<VerifiedToken>;
  /** The same from memory alone; `undefined` when it takes a question. */
  check(token: string): VerifiedToken | undefined;
  /**
   * Calls back whenever a change touches what a caller was let in by, before anybody is told that the change is known
   * here; until what it answers with is called.
   */
  watch(credential: Credential, onTouch: () => void): () => void;
  close(): Promise<void>;
};
