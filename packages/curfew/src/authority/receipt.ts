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
