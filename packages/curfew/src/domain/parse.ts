import { CurfewError } from '../errors.ts';
import { normalAddress } from './address.ts';
import type { AccessGroup, SessionId, SessionName, UserId } from './brand.ts';
import { boundedGroups } from './groups.ts';
import { isId } from './ids.ts';
import { limits } from './limits.ts';
import type { Actor } from './reasons.ts';
import type { Metadata } from './session.ts';
import { isReadable, oneLine } from './steering.ts';
import { kindOfToken, prefixes } from './tokens.ts';

/*
 * From what a caller sent to what the rules trust. Each function checks one kind of value once; nothing behind it
 * checks again. Every refusal names the thing; values are quoted short, and never when they may be secrets.
 */

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it refuses
const controls = /[\u0000-\u001f\u007f]/;

/** @throws `user_id_too_long`, `invalid_value` */
export function parseUserId(text: string): UserId {
  const bytes = Buffer.byteLength(text);
  if (bytes > limits.userIdBytes) throw new CurfewError('user_id_too_long', { detail: `It has ${bytes} bytes.` });
  if (bytes === 0) throw invalid('A user id must not be empty.');
  if (!plain(text)) throw invalid('A user id must be well-formed text without control characters.');
  return text as UserId;
}

/** Of letters, digits and a few signs; `.` and `..` are none, because in a URL they stand for folders. */
export function isSessionName(text: string): text is SessionName {
  return text.length <= limits.sessionName && /^(?!\.{1,2}$)[A-Za-z0-9._@:+-]+$/.test(text);
}

/** @throws `invalid_value` */
export function parseSessionName(text: string): SessionName {
  if (isSessionName(text)) return text;
  throw invalid(
    `A session name has 1 to ${limits.sessionName} characters of A-Z a-z 0-9 . _ @ : + -; this one is ${quoted(text)}.`,
  );
}

/** @throws `invalid_value` */
export function parseGroup(text: string): AccessGroup {
  const bytes = Buffer.byteLength(text);
  if (bytes >= 1 && bytes <= limits.groupBytes && plain(text)) return text as AccessGroup;
  throw invalid(
    `An access group has 1 to ${limits.groupBytes} bytes and no control characters; this one is ${quoted(text)}.`,
  );
}

/** The name that people see of a key, or of an account: nothing in it passes for another one. @throws `invalid_value` */
export function parseShownName(text: string, most: number): string {
  if (text.length <= most && isReadable(text)) return text;
  throw invalid(
    `A name has at most ${most} characters, and none that controls a terminal or turns the direction of writing; this one is ${quoted(oneLine(text.toWellFormed()))}.`,
  );
}

/** @throws `too_many_groups`, `invalid_value` */
export function parseGroups(texts: readonly string[]): AccessGroup[] {
  return boundedGroups(boundedGroups(texts as readonly AccessGroup[]).map(parseGroup));
}

/** @throws `session_not_found`: a text that is no id is the id of no session. */
export function parseSessionId(text: string): SessionId {
  if (isId(text)) return text;
  throw new CurfewError('session_not_found', { detail: `No session has the id ${quoted(text)}.` });
}

/** @throws `metadata_too_large` */
export function parseMetadata(value: Metadata | undefined): Metadata {
  if (value === undefined) return {};
  const depth = depthOf(value);
  if (depth > limits.metadataDepth)
    throw new CurfewError('metadata_too_large', { detail: `It is ${depth} levels deep.` });
  const bytes = Buffer.byteLength(JSON.stringify(value));
  if (bytes > limits.metadataBytes) throw new CurfewError('metadata_too_large', { detail: `It has ${bytes} bytes.` });
  return value;
}

/** A user agent is what a client says of itself: cut to its bound, never refused. */
export function parseUserAgent(text: string | undefined): string | undefined {
  return text?.slice(0, limits.userAgent).toWellFormed() || undefined;
}

/** An address in the one form that everything is compared by. @throws `invalid_value` */
export function parseAddress(text: string | undefined): string | undefined {
  const normal = text === undefined ? undefined : normalAddress(text);
  if (text === undefined || normal !== undefined) return normal;
  throw invalid(`ip must be an IPv4 or IPv6 address; this one is ${quoted(text)}.`);
}

/** Who did something, as events say it. @throws `invalid_value` */
export function parseActor(text: string): Actor {
  if (text === 'policy' || text === 'library') return text;
  if (/^(user|key):./s.test(text) && plain(text)) return text as Actor;
  throw invalid(`An actor is user:<id>, key:<id>, policy or library; this one is ${quoted(text)}.`);
}

/** At most 40 characters of what was sent, for an error's text; of a token no more than its prefix. */
export function quoted(text: string): string {
  const kind = kindOfToken(text);
  if (kind) return JSON.stringify(`${prefixes[kind]}…`);
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}

function plain(text: string): boolean {
  return text.isWellFormed() && !controls.test(text);
}

/** How deep a value nests; stops counting soon after the bound, so that a hostile value costs nothing. */
function depthOf(value: unknown, depth = 0): number {
  if (typeof value !== 'object' || value === null || depth > limits.metadataDepth) return depth;
  let deepest = depth + 1;
  for (const inner of Object.values(value)) deepest = Math.max(deepest, depthOf(inner, depth + 1));
  return deepest;
}

function invalid(detail: string): CurfewError {
  return new CurfewError('invalid_value', { detail });
}
