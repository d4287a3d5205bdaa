import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { inflateSync } from 'node:zlib';
import type { Kind } from '../kind.ts';
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
      const data = readSessionData(content, key);
      return { json: data, data, ...times };
    },
  },
};

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
  if (given.length === made.length && timingSafeEqual(given, made)) return;
  throw new Unreadable('wrong_signature', 'Its signature was not made with the SECRET_KEY in --secret.');
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
