/** Why a session ended. */
export const endReasons = [
  'logout',
  'ended_by_admin',
  'expired',
  'idle',
  'replaced',
  'refresh_reuse',
  'account_disabled',
  'all_of_user',
  'everyone',
] as const;

export type EndReason = (typeof endReasons)[number];

/**
 * The reasons that an application may give when it ends a session for its user: a logout, or somebody else ended it.
 */
export const toldReasons = ['logout', 'ended_by_admin'] as const satisfies readonly EndReason[];
export type ToldReason = (typeof toldReasons)[number];

/**
 * Who did something: a person by user id, an API key by id, the server's own rules, or the program that uses Curfew.
 */
export type Actor = `user:${string}` | `key:${string}` | 'policy' | 'library';

/** An end: when, by whom, why. */
export type End = { at: number; by: Actor; reason: EndReason };

/** An end that is in the change log: `sequence` is the number of its entry. */
export type SequencedEnd = End & { sequence: number };
