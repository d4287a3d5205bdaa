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

/** What an application may say of an end that it makes for its user: they logged out, or somebody ended it for them. */
export const toldReasons = ['logout', 'ended_by_admin'] as const satisfies readonly EndReason[];
export type ToldReason = (typeof toldReasons)[number];

/** Who did something: a person by user id, an API key by id, the server's own rules, or the program (library). */
export type Actor = `user:${string}` | `key:${string}` | 'policy' | 'library';

/** An end: when, by whom, why. */
export type End = { at: number; by: Actor; reason: EndReason };

/** An end that the change log holds: `sequence` is the entry's number. */
export type SequencedEnd = End & { sequence: number };
