import type { VerifiedToken } from './verify-session.ts';

/** How long an answer waits: until it is over everywhere, or until it is stored. */
export type Wait = 'everywhere' | 'stored';

/**
 * What an end, or another change, can say of itself. `everywhere` is the promise: no verification that begins from
 * now on, on any machine, will answer by what was before.
 */
export type Receipt = {
  /** The change's place in the change log. */
  sequence: number;
  /** When what it ends ended: a session, or a key (the first time, when it had ended already); epoch milliseconds. */
  endedAt?: number | undefined;
  /** When it was changed, for changes that end nothing. */
  changedAt?: number | undefined;
  everywhere: boolean;
  /** Whether every holder acknowledged, or the time ran out on which they stop trusting themselves. */
  by: 'acks' | 'timeout';
  /** Those of the node that answers which held the session; `waitedFor`: the names of those that ran out of time. */
  verifiers: { acknowledged: number; expired: number; waitedFor?: string[] };
  nodes: { applied: number; expired: number };
  waitedMs: number;
};

/** What a caller was let in by. */
export type Credential = { keyId: string } | { sessionId: string; userId: string };

/** The fence, as the authority needs it. */
export type Fence = {
  /** Waits until a change that has been stored is known wherever it could matter. */
  settle(sequence: number, wait: Wait): Promise<Omit<Receipt, 'endedAt' | 'changedAt'>>;
  /** Whether a token is good now, from this node's own exact cache, or from the store. */
  verify(token: string): Promise<VerifiedToken>;
  /** The same from memory alone; `undefined` when it takes a question. */
  check(token: string): VerifiedToken | undefined;
  /**
   * Calls back whenever a change touches what a caller was let in by, before anybody is told that the change is known
   * here; until what it answers with is called.
   */
  watch(credential: Credential, onTouch: () => void): () => void;
  close(): Promise<void>;
};
