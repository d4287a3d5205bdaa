import { anonymousUser, isAliasKind, prefixes } from 'curfew-client/protocol';
import { CurfewError } from '../errors.ts';
import { normalAddress } from './address.ts';
import { type Alias, nameOfAlias } from './alias.ts';
import type { AccessGroup, SessionId, SessionName, UserId } from './brand.ts';
import { boundedGroups } from './groups.ts';
import { isId } from './ids.ts';
import { limits } from './limits.ts';
import type { Actor } from './reasons.ts';
import type { Metadata } from './session.ts';
import { isReadable, oneLine } from './steering.ts';
import { kindOfToken } from './tokens.ts';

/*
 * Turns what a caller sent into what the rules trust. Each function checks one kind of value, and nothing after it
 * checks again. Every error names what it refuses; values are quoted in short form, and never if they may be secrets.
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

/** The user id of somebody: not the one under which sessions are kept in which nobody is signed in. @throws the same */
export function parsePersonId(text: string): UserId {
  if (text !== anonymousUser) return parseUserId(text);
  throw invalid(`The user id ${anonymousUser} is reserved for sessions in which nobody is signed in.`);
}

/** Letters, digits and a few signs; but not `.` or `..`, which mean folders in a URL. */
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

/** The displayed name of a key or an account; it must not be able to look like another one. @throws `invalid_value` */
export function parseShownName(text: string, most: number): string {
  if (text.length <= most && isReadable(text)) return text;
  throw invalid(
    `A name has at most ${most} characters, and none that controls a terminal or changes the writing direction; this one is ${quoted(oneLine(text.toWellFormed()))}.`,
  );
}

/** @throws `too_many_groups`, `invalid_value` */
export function parseGroups(texts: readonly string[]): AccessGroup[] {
  return boundedGroups(boundedGroups(texts as readonly AccessGroup[]).map(parseGroup));
}

/** @throws `invalid_value` */
export function parseAliases(given: readonly Alias[]): Alias[] {
  if (given.length > limits.aliasesPerSession) {
    throw invalid(`A session has at most ${limits.aliasesPerSession} aliases; there are ${given.length}.`);
  }
  const aliases = given.map(parseAlias);
  if (new Set(aliases.map(nameOfAlias)).size === aliases.length) return aliases;
  throw invalid('Two aliases of a session are the same.');
}

export function parseAlias({ kind, hash }: Alias): Alias {
  if (!isAliasKind(kind)) {
    throw invalid(
      `The kind of an alias has 1 to 32 characters of a-z 0-9 - and begins with a letter; this one is ${quoted(kind)}.`,
    );
  }
  // Of 43 characters the last has four bits: another spelling of the same hash would never be found.
  if (/^[\w-]{42}[AEIMQUYcgkosw048]$/.test(hash)) return { kind, hash };
  throw invalid('The hash of an alias is a SHA-256 in base64url without padding: 43 characters.');
}

/** @throws `session_not_found`, also if the text is not an id */
export function parseSessionId(text: string): SessionId {
  if (isId(text)) return text;
  throw new CurfewError('session_not_found', { detail: `No session has the id ${quoted(text)}.` });
}

/** What an application keeps with a session. @throws `session_data_too_large`, `invalid_value` */
export function parseSessionData(text: string): string {
  const bytes = Buffer.byteLength(text);
  if (bytes > limits.dataBytes) throw new CurfewError('session_data_too_large', { detail: `It has ${bytes} bytes.` });
  if (plain(text)) return text;
  throw invalid('The data of a session must be well-formed text without control characters, such as JSON in one line.');
}

/** @throws `metadata_too_large`, `invalid_value` */
export function parseMetadata(value: Metadata | undefined): Metadata {
  if (value === undefined) return {};
  const depth = depthOf(value);
  if (depth > limits.metadataDepth)
    throw new CurfewError('metadata_too_large', { detail: `It is ${depth} levels deep.` });
  const bytes = Buffer.byteLength(JSON.stringify(value));
  if (bytes > limits.metadataBytes) throw new CurfewError('metadata_too_large', { detail: `It has ${bytes} bytes.` });
  if (isWellFormedJson(value)) return value;
  throw invalid('The texts in metadata must be well-formed: one of them has half a surrogate pair.');
}

/** A user agent is only a client's own claim: it is cut to the limit, never refused. */
export function parseUserAgent(text: string | undefined): string | undefined {
  return text?.slice(0, limits.userAgent).toWellFormed() || undefined;
}

/** An address in the canonical form, which all comparisons use. @throws `invalid_value` */
export function parseAddress(text: string | undefined): string | undefined {
  const normal = text === undefined ? undefined : normalAddress(text);
  if (text === undefined || normal !== undefined) return normal;
  throw invalid(`ip must be an IPv4 or IPv6 address; this one is ${quoted(text)}.`);
}

/** The origin of web pages, in the form in which browsers send it. @throws `invalid_value` */
export function parseOrigin(text: string): string {
  if (URL.canParse(text)) {
    const { origin, protocol } = new URL(text);
    if (origin === text && /^https?:$/.test(protocol)) return origin;
  }
  throw invalid(`An origin is like https://app.example.com, without a path; this one is ${quoted(text)}.`);
}

/** Who did something, in the form that events use. @throws `invalid_value` */
export function parseActor(text: string): Actor {
  if (text === 'policy' || text === 'library') return text;
  if (/^(user|key):./s.test(text) && plain(text)) return text as Actor;
  throw invalid(`An actor is user:<id>, key:<id>, policy or library; this one is ${quoted(text)}.`);
}

/** At most 40 characters of what was sent, for an error's text; of a token, only its prefix. */
export function quoted(text: string): string {
  const kind = kindOfToken(text);
  if (kind) return JSON.stringify(`${prefixes[kind]}…`);
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}

function plain(text: string): boolean {
  return text.isWellFormed() && !controls.test(text);
}

/**
 * Whether all keys and texts of a JSON value are well-formed (RFC 7493, section 2.1). Half a surrogate pair cannot be
 * encoded, and some stores would keep another character instead.
 */
export function isWellFormedJson(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed();
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every(([key, inner]) => key.isWellFormed() && isWellFormedJson(inner));
}

/** How deeply a value is nested; counting stops soon after the limit, so that a hostile value costs nothing. */
function depthOf(value: unknown, depth = 0): number {
  if (typeof value !== 'object' || value === null || depth > limits.metadataDepth) return depth;
  let deepest = depth + 1;
  for (const inner of Object.values(value)) deepest = Math.max(deepest, depthOf(inner, depth + 1));
  return deepest;
}

function invalid(detail: string): CurfewError {
  return new CurfewError('invalid_value', { detail });
}
