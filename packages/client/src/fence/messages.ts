/*
 * What verifier and node tell each other, as JSON, over one ordered stream. The verifier speaks first, and says who
 * it is: a browser-like WebSocket can set no headers, and what stands in an address ends up in logs.
 */

export const protocolVersion = 1;
export const fencePath = '/v1/fence';

/** What a change touched: a session, everything of a user, or everything. */
export type Change = { sequence: number } & ({ sessionId: string } | { userId: string } | { all: true });

/** A session as a verifier keeps it. Moments in epoch milliseconds. */
export type VerifiedSession = {
  readonly id: string;
  readonly userId: string;
  readonly name: string | undefined;
  readonly accessGroups: readonly string[];
  readonly authenticatedAt: number;
  readonly expiresAt: number;
  readonly metadata: { readonly [key: string]: unknown };
};

/** What is left of a session's time, in milliseconds from when it was asked about; no clock is compared. */
export type Remaining = { expiresIn: number; idleIn: number; idle: number };

export type Answer = ({ active: true; session: VerifiedSession } & Remaining) | { active: false; reason: string };

export type Trouble = { code: string; title: string; detail?: string | undefined; remedy: string; status: number };

export type FromVerifier =
  /**
   * `holder` is an id of the process that speaks: it has emptied itself of whatever an earlier stream of its gave it.
   * `name` is what people call it, if they gave it a name.
   */
  | { type: 'hello'; version: number; key: string; holder: string; name?: string }
  /** Asks for a lease. `seen`: sessions and when they were last used, by the node's clock as the grants tell it. */
  | { type: 'renew'; ask: number; seen: readonly (readonly [id: string, at: number])[] }
  | { type: 'ask'; question: number; token: string }
  /** Everything up to this change is dropped. */
  | { type: 'ack'; sequence: number }
  /** It has emptied itself, and goes. */
  | { type: 'bye' };

export type FromNode =
  | { type: 'welcome'; node: string; lease: number; now: number }
  | { type: 'grant'; ask: number; length: number; now: number }
  | { type: 'changes'; changes: readonly Change[] }
  | { type: 'answer'; question: number; answer: Answer }
  /** To a question, or to all that this stream asks. */
  | { type: 'refused'; question?: number; trouble: Trouble }
  /** The node closes: empty yourself, say bye, and go to another. */
  | { type: 'leaving' };

export type FromVerifierType = FromVerifier['type'];

const isText = (value: unknown, most: number): value is string => typeof value === 'string' && value.length <= most;
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isSeen = (value: unknown): boolean =>
  Array.isArray(value) && value.length === 2 && isText(value[0], 64) && Number.isFinite(value[1]);

/** Sessions that one renewal reports at most. */
export const mostSeen = 1000;

/** Characters that the name of a verifier has at most. */
export const longestName = 64;

/** Reads what a verifier says; `undefined` when it is nothing of this protocol. */
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
    (type === 'ask' && isCount(message['question']) && isText(message['token'], 256)) ||
    (type === 'ack' && isCount(message['sequence'])) ||
    type === 'bye';
  return good ? (message as FromVerifier) : undefined;
}

/** Reads what a node says; a node is believed about the rest of the shape. */
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
