import { mostDataBytes } from 'curfew-client/protocol';

/** Every limit on what a caller may send; they are defined only here. */
export const limits = {
  /** Bytes of UTF-8. */
  userIdBytes: 255,
  /** Characters, of `A-Z a-z 0-9 . _ @ : + -`. */
  sessionName: 100,
  groupsPerSession: 100,
  /** Bytes of UTF-8 of one access group. */
  groupBytes: 128,
  /** Bytes of metadata as JSON. */
  metadataBytes: 4096,
  metadataDepth: 8,
  aliasesPerSession: 4,
  /** Bytes of UTF-8 of the data that an application keeps with a session. */
  dataBytes: mostDataBytes,
  userAgent: 1024,
  /** Items per page. */
  pageMax: 100,
  pageDefault: 50,
  /** Items of a list that has no pages, as another system defines it. */
  listed: 1000,
  /** Characters of a free-text filter. */
  filter: 200,
  /** The most matches across users that are sorted in any order other than newest first. */
  sortedMatches: 10_000,
  /** The most sessions of a user whose access groups are changed in one step. */
  changedAtOnce: 1000,
  /** The most sessions past their deadline, without a recorded end, that one count examines. */
  dueCounted: 1000,
  /** Sessions that a preview may leave out. */
  previewExcept: 100,
  /** Event streams open at once on a server: of one key or user, and from one address. */
  streamsOfCaller: 32,
  streamsOfAddress: 100,
  /**
   * Verifiers attached at once to a server: with one key, and from one address (for IPv6, a 64-bit network). All processes
   * of an application have one key, and several applications may be behind one address.
   */
  verifiersOfKey: 2000,
  verifiersOfAddress: 4000,
  /** Bytes of a request body. */
  bodyBytes: 65_536,
  /** Levels of nesting in a request body. */
  jsonDepth: 64,
  username: 64,
  email: 254,
  displayName: 200,
  passwordMin: 8,
  passwordMax: 1024,
  keyName: 100,
  /** Bytes of a named session's configuration as JSON. */
  configBytes: 16_384,
} as const;

/** Milliseconds. */
export const second = 1000;
export const minute = 60 * second;
export const hour = 60 * minute;
export const day = 24 * hour;

/** How long a confirmed second factor is remembered for a session token. */
export const factorRemembered = 5 * minute;
/** How recent a sign-in must be to end another of one's own sessions, or to change one's account. */
export const freshSignIn = 15 * minute;
/**
 * How long after a refresh the previous token still gives the same successor: longer than a client waits for an answer
 * and retries, so that a lost answer does not end the session.
 */
export const refreshGrace = 30 * second;
/** How long an alias that was exchanged for tokens still works: see {@link refreshGrace}. */
export const aliasGrace: number = refreshGrace;
