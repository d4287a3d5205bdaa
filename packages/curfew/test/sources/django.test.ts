import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { deflateSync } from 'node:zlib';
import { checkUser, readSessionData } from '../../src/sources/kinds/django.ts';

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

test('a session is refused as Django refuses it: after a change of the password, and of a user who is inactive or deleted', () => {
  const { users, sessions: ofUsers } = JSON.parse(
    readFileSync(new URL('../fixtures/django-users.json', import.meta.url), 'utf8'),
  ) as { users: { id: number; password: string; isActive: boolean }[]; sessions: Record<string, string> };
  const reasons: Record<string, string | undefined> = {
    before: 'password_changed',
    after: undefined,
    inactive: 'user_inactive',
    inactiveAllowed: undefined,
    deleted: 'user_deleted',
  };
  for (const [name, reason] of Object.entries(reasons)) {
    const session = readSessionData(ofUsers[name]!, secretKey);
    const check = () =>
      checkUser(
        session,
        users.find(({ id }) => String(id) === session['_auth_user_id']),
        secretKey,
      );
    if (reason === undefined) check();
    else assert.throws(check, { reason }, name);
  }
  const { _auth_user_hash: _, ...withoutHash } = readSessionData(ofUsers['after']!, secretKey);
  for (const hash of [undefined, '', 7, 'ab', '0'.repeat(40), '0'.repeat(64)]) {
    const session = hash === undefined ? withoutHash : { ...withoutHash, _auth_user_hash: hash };
    assert.throws(() => checkUser(session, users[0], secretKey), { reason: 'password_changed' });
  }
});

test('a session from before Django 3.1 has a hash with SHA-1, which counts too', () => {
  const user = { password: 'md5$salt$hash', isActive: true };
  // What Django 3.0 makes of it.
  const derived = createHash('sha1')
    .update(`django.contrib.auth.models.AbstractBaseUser.get_session_auth_hash${secretKey}`)
    .digest();
  const hash = createHmac('sha1', derived).update(user.password).digest('hex');
  checkUser({ _auth_user_id: '7', _auth_user_hash: hash }, user, secretKey);
  const other = { ...user, password: 'md5$salt$other' };
  assert.throws(() => checkUser({ _auth_user_id: '7', _auth_user_hash: hash }, other, secretKey), {
    reason: 'password_changed',
  });
});
