import { type AliasCredential, longestAliasSecret } from './aliases.ts';

/*
 * The messages between verifier and node, as JSON, over one ordered stream. The verifier speaks first, and identifies
 * itself: a browser-like WebSocket cannot set headers, and whatever is in a URL ends up in logs.
 */

export const protocolVersion = 1;
export const fencePath = '/v1/fence';

/** What a change touches: a session, everything of a user, or everything. */
export type Change = { sequence: number } & ({ sessionId: string } | { userId: string } | { all: true });

/** A session as a verifier caches it. Times in epoch milliseconds. */
export type VerifiedSession = {
  readonly id: string;
  readonly userId: string;
  readonly name: string | undefined;
  readonly accessGroups: readonly string[];
  readonly authenticatedAt: number;
  readonly expiresAt: number;
  readonly metadata: { readonly [key: string]: unknown };
  /** Milliseconds without activity after which it ends. Only in answers about an alias. */
  readonly idle?: number;
  /** What the application keeps with it. Only in answers about an alias. */
  readonly data?: string | undefined;
};

/** What is left of a session's time, in milliseconds from the question; no clocks are compared. */
export type Remaining = { expiresIn: number; idleIn: number; idle: number };

export type Answer = ({ active: true; session: VerifiedSession } & Remaining) | { active: false; reason: string };

export type Trouble = { code: string; title: string; detail?: string | undefined; remedy: string; status: number };

export type FromVerifier =
  /**
   * `holder` is an id of the sending process, which has dropped everything from its earlier streams. `name` is the name
   * that people gave it, if any.
   */
  | { type: 'hello'; version: number; key: string; holder: string; name?: string }
  /** Requests a lease. `seen`: sessions and when they were last used, in whole milliseconds, on the node's clock as known from the grants. */
  | { type: 'renew'; ask: number; seen: readonly (readonly [id: string, at: number])[] }
  | { type: 'ask'; question: number; token: string }
  /** The same about an alias; only to a node whose welcome says `aliases`. */
  | ({ type: 'ask'; question: number } & AliasCredential)
  /** Everything that the changes up to this one touch has been dropped. */
  | { type: 'ack'; sequence: number }
  /** The verifier has dropped everything, and leaves. */
  | { type: 'bye' };

export type FromNode =
  /** `aliases`: it answers questions about aliases, too. */
  | { type: 'welcome'; node: string; lease: number; now: number; aliases?: boolean }
  | { type: 'grant'; ask: number; length: number; now: number }
  | { type: 'changes'; changes: readonly Change[] }
  | { type: 'answer'; question: number; answer: Answer }
  /** Refuses one question, or everything that this stream asks. */
  | { type: 'refused'; question?: number; trouble: Trouble }
  /** The node shuts down: the verifier must drop everything, send `bye`, and move to another node. */
  | { type: 'leaving' };

export type FromVerifierType = FromVerifier['type'];

const isText = (value: unknown, most: number): value is string => typeof value === 'string' && value.length <= most;
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isAlias = (value: unknown): boolean => {
  const { kind, secret } = (value ?? {}) as { kind?: unknown; secret?: unknown };
  return isText(kind, 32) && isText(secret, longestAliasSecret);
};
const isSeen = (value: unknown): boolean =>
  Array.isArray(value) && value.length === 2 && isText(value[0], 64) && isCount(value[1]);

/** The maximum number of sessions that one renewal reports. */
export const mostSeen = 1000;

/** The maximum length of a verifier's name, in characters. */
export const longestName = 64;

/** Parses a verifier's message; `undefined` if it is not of this protocol. */
export function readFromVerifier(text: string): FromVerifier | undefined {
  const message = readObject(text);
  if (!message) return undefined;
  const { type } = message;
  const good =
    (type === 'hello' &&
      isCount(message['version']) &&
      isText(message['key'], 256) &&
      isText(message['holder'], 64) &&
      (message['name'] === undefined || isText(message['name'], longestName))) ||
    (type === 'renew' &&
      isCount(message['ask']) &&
      Array.isArray(message['seen']) &&
      message['seen'].length <= mostSeen &&
      message['seen'].every(isSeen)) ||
    (type === 'ask' && isCount(message['question']) && (isText(message['token'], 256) || isAlias(message['alias']))) ||
    (type === 'ack' && isCount(message['sequence'])) ||
    type === 'bye';
  return good ? (message as FromVerifier) : undefined;
}

/** Parses a node's message; a node is trusted about the rest of the shape. */
export function readFromNode(text: string): FromNode | undefined {
  const message = readObject(text);
  return message && typeof message['type'] === 'string' ? (message as FromNode) : undefined;
}

function readObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
