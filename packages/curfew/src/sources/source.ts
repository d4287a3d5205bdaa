import { hash } from 'node:crypto';
import { CurfewError } from '../errors.ts';

/*
 * What an import reads: the stores in which other applications keep their sessions. A source knows the format of a kind
 * and nothing of Curfew's stores. It is read once from start to end, in bounded memory, and never written to.
 */

/** A JSON object. */
export type Json = { readonly [key: string]: unknown };

/** A session as another application keeps it. Times are epoch milliseconds. */
export type FoundSession = {
  /** The SHA-256 of what the browser holds, as Base64 for URLs; the secret itself goes no further. */
  hash: string;
  /** What the path to the user's id is looked up in. */
  json: unknown;
  /** What the application keeps in the session: a few values, or else text that only its own library reads. */
  data: Json;
  content?: string | undefined;
  /** `undefined`: it has no end. */
  expiresAt: number | undefined;
  createdAt?: number | undefined;
  lastSeenAt?: number | undefined;
  /** Milliseconds after its last use that it ends, if that is known. */
  idle?: number | undefined;
  ip?: string | undefined;
  userAgent?: string | undefined;
  /** Somebody else opened it for the user, so it shows no sign-in of the user's. */
  openedByAnother?: boolean | undefined;
};

/** Why an entry is no session that can be read. `not_a_session`: it is something else, as other keys of a Redis are. */
export const unreadableReasons = [
  'not_a_session',
  'broken_json',
  'broken_data',
  'pickled_data',
  'wrong_signature',
  'password_changed',
  'user_inactive',
  'user_deleted',
  'user_id_invalid',
] as const;
export type UnreadableReason = (typeof unreadableReasons)[number];

/** Thrown by the decoder of a kind. `detail`: a sentence without anything from the entry that may be secret. */
export class Unreadable extends Error {
  readonly reason: UnreadableReason;

  constructor(reason: UnreadableReason, detail: string) {
    super(detail);
    this.reason = reason;
  }
}

/** What a kind's decoder makes of an entry. */
export type Decoded = Omit<FoundSession, 'hash'>;

export type Found = FoundSession | { hash: string; unreadable: Unreadable };

/** Makes a driver's client, for which some URLs are wrong. @throws `import_option` */
export function clientFor<Client>(shown: string, make: () => Client): Client {
  try {
    return make();
  } catch (error) {
    throw new CurfewError('import_option', { detail: `--from: ${shown}: ${(error as Error).message}.` }, error);
  }
}

export interface Source {
  /** Where it is, without the password. */
  readonly shown: string;
  /** Roughly how many entries it has, for the progress bar. */
  readonly about: number;
  /** How many keys were read that are not this kind's, by their prefix. */
  readonly passedOver: number;
  /** What was not checked of its entries, or may have been read wrongly, as sentences for the receipt. */
  readonly notes: readonly string[];
  /** All entries, piece by piece. One that is there throughout comes at least once. @throws `source_…` */
  pieces(): AsyncIterable<readonly Found[]>;
  close(): Promise<void>;
}

/** The most entries of one piece. */
export const pieceSize = 1000;

/** Decodes an entry, and catches what makes it unreadable: one odd entry must not end the import of all others. */
export function decode(secret: string, hashOf: (secret: string) => string, read: () => Decoded): Found {
  const hash = hashOf(secret);
  try {
    return { hash, ...read() };
  } catch (error) {
    if (error instanceof Unreadable) return { hash, unreadable: error };
    // The message of any other error may quote the entry.
    const told = error instanceof Error ? error.name : 'Error';
    return { hash, unreadable: new Unreadable('broken_data', `It cannot be read: ${told}.`) };
  }
}

/** @throws `broken_json` */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's message quotes the text.
    throw new Unreadable('broken_json', `It has ${text.length} characters that are not JSON.`);
  }
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function sha256(secret: string): string {
  return hash('sha256', secret, 'base64url');
}

/** The last millisecond that a `Date` can have; the first one is as long before 1970. */
export const latestTime = 8.64e15;

/** A time as JSON has it: ISO text, or milliseconds. What no date can be is none. */
export function timeOf(value: unknown): number | undefined {
  const time = typeof value === 'number' ? value : typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Math.abs(time) <= latestTime ? Math.round(time) : undefined;
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
