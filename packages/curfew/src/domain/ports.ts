/* What the domain gets from outside, so that every rule can be tested without a real clock or random numbers. */

/** Milliseconds since the epoch. */
export type Clock = { now(): number };

/** Returns that many bytes from a cryptographically secure generator. */
export type Random = (bytes: number) => Uint8Array;
