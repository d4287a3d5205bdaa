/** How long an answer waits: until the change is in force everywhere, or until it is stored. */
export type Wait = 'everywhere' | 'stored';

/**
 * What is known about an end or another change. `everywhere` is the promise: no verification that begins from now on,
 * on any machine, answers with the state before the change.
 */
export type Receipt = {
  /** The change's position in the change log. */
  sequence: number;
  /** When the session or key ended (the first time, if it had ended already); epoch milliseconds. */
  endedAt?: number | undefined;
  /** When the change was made, for changes that end nothing. */
  changedAt?: number | undefined;
  everywhere: boolean;
  /** Whether every holder acknowledged, or the time after which they stop trusting their own state ran out. */
  by: 'acks' | 'timeout';
  /** The answering node's verifiers that held the session; `waitedFor`: the names of those that ran out of time. */
  verifiers: { acknowledged: number; expired: number; waitedFor?: string[] };
  nodes: { applied: number; expired: number };
  waitedMs: number;
};
