import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { deflateSync } from 'node:zlib';
import { readSessionData } from '../../src/sources/kinds/django.ts';

/** What Django itself wrote: `fixtures/django_sessions.py`. */
const { secretKey, sessions } = JSON.parse(
  readFileSync(new URL('../fixtures/django-sessions.json', import.meta.url), 'utf8'),
) as { secretKey: string; sessions: Record<string, { data: object; text: string }> };

const readable = ['current', 'compressed', 'anonymous', 'earlier'];

test('session data of Django is read in each of its formats, with and without the key', () => {
  for (const name of readable) {
    const { data, text } = sessions[name]!;
    assert.deepEqual(readSessionData(text, undefined), data, name);
    assert.deepEqual(readSessionData(text, secretKey), data, name);
  }
  assert.ok(sessions['compressed']!.text.startsWith('.'), 'nothing was compressed');
});

test('a signature made with another key, or over other data, is refused in each format', () => {
  for (const name of readable) {
    const { text } = sessions[name]!;
    assert.throws(() => readSessionData(text, `${secretKey}!`), { reason: 'wrong_signature' }, name);
  }
  const { text } = sessions['current']!;
  const [data, time, signature] = text.split(':');
  const forged = Buffer.from('{"_auth_user_id":"1"}').toString('base64url');
  for (const changed of [
    `${forged}:${time}:${signature}`,
    `${data}:1zzzzz:${signature}`,
    `${data}:${time}:${signature!.slice(1)}`,
  ]) {
    assert.throws(() => readSessionData(changed, secretKey), { reason: 'wrong_signature' });
  }
  // Without the key, nothing is checked.
  assert.deepEqual(readSessionData(`${forged}:${time}:${signature}`, undefined), { _auth_user_id: '1' });
});

test('a pickle is a program: it is refused, and never run', () => {
  for (const name of ['pickled', 'pickledEarlier']) {
    for (const key of [undefined, secretKey]) {
      assert.throws(() => readSessionData(sessions[name]!.text, key), { reason: 'pickled_data' }, name);
    }
  }
});

test('what Django never wrote is broken data, whatever it is', () => {
  const packed = (bytes: Uint8Array) => `.${Buffer.from(bytes).toString('base64url')}:1abcde:c2ln`;
  const texts = {
    broken_data: [
      '',
      'hello',
      '{"a":1}',
      'a:b',
      packed(Buffer.from('not deflated')),
      packed(deflateSync('[1]')),
      packed(deflateSync(Buffer.alloc(5_000_000, ' '))),
    ],
    broken_json: [packed(deflateSync('{"a":')), `${Buffer.from('{"a"').toString('base64url')}:1abcde:c2ln`],
  };
  for (const [reason, all] of Object.entries(texts)) {
    for (const text of all) assert.throws(() => readSessionData(text, undefined), { reason }, text.slice(0, 40));
  }
});
