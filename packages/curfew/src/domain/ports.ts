/** What comes into the domain from outside, so that every rule can be tested without a clock or a die. */

/** Milliseconds since the epoch. */
export type Clock = { now(): number };

/** That many bytes from a cryptographically secure generator. */
export type Random = (bytes: number) => Uint8Array;
