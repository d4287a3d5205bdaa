import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { inflateSync } from 'node:zlib';
import type { FoundUser, Kind } from '../kind.ts';
import { isObject, type Json, parseJson, Unreadable } from '../source.ts';

/** Django's sessions in the database (`db`, or `cached_db`), with its JSON serializer. */
export const django: Kind = {
  alias: 'django',
  user: ['_auth_user_id'],
  slides: false,
  postgres: {
    table: 'django_session',
    secret: 'session_key',
    expires: 'expire_date',
    content: 'session_data',
    read: ({ content, times }, _now, key) => {
      const json = readSessionData(content, key);
      // Only for the check below: it is a hash of the user's password, as that was at the sign-in.
      const { _auth_user_hash: _, ...data } = json;
      return { json, data, ...times };
    },
    users: {
      table: 'auth_user',
      idOf: ({ json }) => {
        const id = (json as Json)['_auth_user_id'];
        return id === undefined || id === null ? undefined : String(id);
      },
      check: ({ json }, user, key) => checkUser(json as Json, user, key),
      unchecked: (why) =>
        why === undefined
          ? 'NOT CHECKED: without --secret, neither the signatures were checked nor whether users have changed their passwords since they signed in. Cookies that Django refuses may work again.'
          : `NOT CHECKED: whether users have changed their passwords since they signed in, or are inactive. ${why} Cookies that Django refuses may work again. Name the table of the users with --users-table.`,
    },
  },
};

/**
 * Refuses a session as Django does at each request: its user must exist and be active, and have the password with which
 * they signed in, or have had the session changed with the password.
 * https://github.com/django/django/blob/main/django/contrib/auth/__init__.py
 * @throws `user_deleted`, `user_inactive`, `password_changed`
 */
export function checkUser(session: Json, user: FoundUser | undefined, key: string): void {
  const { _auth_user_hash: hash, _auth_user_backend: backend } = session;
  if (!user) throw new Unreadable('user_deleted', 'The table of the users has no row for its user.');
  if (!user.isActive && backend !== 'django.contrib.auth.backends.AllowAllUsersModelBackend') {
    throw new Unreadable('user_inactive', 'Its user is not active.');
  }
  // SHA-256 since version 3.1; SHA-1 before, which 3.1 and 3.2 accept too.
  const algorithm = typeof hash === 'string' && hash.length === 40 ? 'sha1' : 'sha256';
  const made = hmac(algorithm, 'django.contrib.auth.models.AbstractBaseUser.get_session_auth_hash', key, user.password);
  if (isSame(Buffer.from(typeof hash === 'string' ? hash : '', 'hex'), made)) return;
  throw new Unreadable('password_changed', 'Its user has another password now, or none was noted at the sign-in.');
}

/** The most bytes that a session's data may unpack to: far more than any session, far less than the memory. */
const mostUnpacked = 4 * 1024 * 1024;

/**
 * Django's `session_data`. Since 3.1 it is what `signing.dumps` makes; before, it was Base64 of a digest, a colon and
 * the JSON. It is signed, not encrypted, so `key` (the application's `SECRET_KEY`) is needed only to check the signature.
 * https://github.com/django/django/blob/main/django/core/signing.py
 * @throws `wrong_signature`, `broken_data`, `broken_json`, `pickled_data`
 */
export function readSessionData(text: string, key: string | undefined): Json {
  const signed = /^(\.?)([A-Za-z0-9_-]+):([A-Za-z0-9]+):([A-Za-z0-9_-]+)$/.exec(text);
  return signed ? readSigned(signed, key) : readEarlier(text, key);
}

/** `[.]data:time:signature`; a dot means that the data is compressed. */
function readSigned([, dot, packed, time, signature]: RegExpExecArray, key: string | undefined): Json {
  if (key !== undefined) {
    const made = hmac('sha256', 'django.contrib.sessions.SessionStoresigner', key, `${dot}${packed}:${time}`);
    refuseOther(Buffer.from(signature!, 'base64url'), made);
  }
  const bytes = Buffer.from(packed!, 'base64url');
  return jsonOf(dot === '' ? bytes : unpack(bytes));
}

/** As `django.contrib.sessions` wrote it before version 3.1. */
function readEarlier(text: string, key: string | undefined): Json {
  const bytes = Buffer.from(text, 'base64');
  const colon = bytes.indexOf(':');
  const digest = bytes.subarray(0, Math.max(0, colon)).toString('latin1');
  if (!/^[0-9a-f]{40}$/.test(digest)) {
    throw new Unreadable('broken_data', `Its ${text.length} characters are in no format of session data.`);
  }
  const content = bytes.subarray(colon + 1);
  if (key !== undefined) {
    refuseOther(Buffer.from(digest, 'hex'), hmac('sha1', 'django.contrib.sessionsSessionStore', key, content));
  }
  return jsonOf(content);
}

/** Django's `salted_hmac`. */
function hmac(algorithm: 'sha1' | 'sha256', salt: string, key: string, value: string | Uint8Array): Buffer {
  const derived = createHash(algorithm).update(salt).update(key).digest();
  return createHmac(algorithm, derived).update(value).digest();
}

function refuseOther(given: Buffer, made: Buffer): void {
  if (isSame(given, made)) return;
  throw new Unreadable('wrong_signature', 'Its signature was not made with the SECRET_KEY in --secret.');
}

function isSame(given: Buffer, made: Buffer): boolean {
  return given.length === made.length && timingSafeEqual(given, made);
}

function unpack(bytes: Uint8Array): Uint8Array {
  try {
    return inflateSync(bytes, { maxOutputLength: mostUnpacked });
  } catch (error) {
    throw new Unreadable('broken_data', `It cannot be unpacked: ${(error as Error).message}.`);
  }
}

/** The protocol of pickles that Django writes begins with byte 128. They are programs, and none is ever run here. */
const pickle = 0x80;

function jsonOf(bytes: Uint8Array): Json {
  if (bytes[0] === pickle) {
    throw new Unreadable('pickled_data', "It was written by Django's PickleSerializer, and only JSON is read.");
  }
  const json = parseJson(Buffer.from(bytes).toString());
  if (isObject(json)) return json;
  throw new Unreadable('broken_data', 'It is JSON, but no object.');
}
