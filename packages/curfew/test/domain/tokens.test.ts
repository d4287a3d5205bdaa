import assert from 'node:assert/strict';
import { test } from 'node:test';
import { idLength } from 'curfew-client/protocol';
import fc from 'fast-check';
import { decodeNumber, digitsOf, encodeNumber } from '../../src/domain/base62.ts';
import { isId, newId, shardTag, timeOfId } from '../../src/domain/ids.ts';
import { formatToken, hashSecret, newSecret, parseToken, secretMatches } from '../../src/domain/tokens.ts';
import { random } from '../support/ports.ts';

const kinds = ['session', 'refresh', 'key'] as const;
const now = Date.UTC(2026, 0, 1);
const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

test('a token parses into the id and the secret that it was made from', () => {
  fc.assert(
    fc.property(fc.constantFrom(...kinds), fc.string(), (kind, user) => {
      const id = newId(user, now, random);
      const secret = newSecret(random);
      assert.deepEqual(parseToken(kind, formatToken(kind, id, secret)), { id, secret });
    }),
  );
});

test('a token of one kind is invalid as another', () => {
  const token = formatToken('session', newId('ada', now, random), newSecret(random));
  assert.equal(parseToken('refresh', token), undefined);
  assert.equal(parseToken('key', token), undefined);
});

test('CVE-2026-27840: a token that is truncated, extended or mistyped anywhere is refused by its checksum', () => {
  const token = formatToken('session', newId('ada', now, random), newSecret(random));
  for (let length = 0; length < token.length; length++)
    assert.equal(parseToken('session', token.slice(0, length)), undefined);
  fc.assert(
    fc.property(
      fc.nat(token.length - 1),
      fc.constantFrom(...digits),
      fc.string({ minLength: 1 }),
      (at, digit, tail) => {
        assert.equal(parseToken('session', token + tail), undefined);
        const flipped = token.slice(0, at) + digit + token.slice(at + 1);
        assert.equal(parseToken('session', flipped) === undefined, flipped !== token);
      },
    ),
    { numRuns: 2000 },
  );
});

test('any two swapped digits are detected', () => {
  const token = formatToken('session', newId('ada', now, random), newSecret(random));
  for (let at = 4; at < token.length - 1; at++) {
    const swapped = token.slice(0, at) + token[at + 1] + token[at] + token.slice(at + 2);
    if (swapped !== token) assert.equal(parseToken('session', swapped), undefined, `digits ${at} and ${at + 1}`);
  }
});

test('Fuzz: no text makes the parser throw', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => parseToken('session', text) === undefined));
});

test('a secret matches its own hash and no other', () => {
  const secret = newSecret(random);
  assert.ok(secretMatches(secret, hashSecret(secret)));
  assert.ok(!secretMatches(newSecret(random), hashSecret(secret)));
});

test('7.2.3: the digits of a secret are drawn evenly', () => {
  const counts = new Map<string, number>();
  const draws = 20_000;
  for (let i = 0; i < draws; i++)
    for (const digit of newSecret(random)) counts.set(digit, (counts.get(digit) ?? 0) + 1);
  assert.equal(counts.size, 62);
  const expected = (draws * 43) / 62;
  const chiSquare = [...counts.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  // With 61 degrees of freedom a fair draw exceeds 130 once in a million runs.
  assert.ok(chiSquare < 130, `chi-square ${chiSquare}`);
});

test('an id contains its creation time, sorts by it and contains the tag of its user', () => {
  fc.assert(
    fc.property(fc.nat(2 ** 45), fc.nat(2 ** 45), fc.string(), (one, other, user) => {
      const [a, b] = [newId(user, one, random), newId(user, other, random)];
      assert.equal(a.length, idLength);
      assert.ok(isId(a));
      assert.equal(timeOfId(a), one);
      if (one !== other) assert.equal(a < b, one < other);
      assert.equal(a.slice(8, 10), shardTag(user));
      assert.equal(a.slice(8, 10), b.slice(8, 10));
    }),
  );
});

test('a number in base 62 survives a round trip', () => {
  fc.assert(fc.property(fc.nat(2 ** 47), (n) => decodeNumber(encodeNumber(n, 8)) === n));
});

test('CVE-2025-12390, CVE-2022-3916: a hundred thousand ids of one moment are all different', () => {
  const ids = new Set(Array.from({ length: 100_000 }, () => newId('ada', now, random)));
  assert.equal(ids.size, 100_000);
});

test('bytes become the digits of their number, lowest first, cut or padded to any length', () => {
  const simple = (bytes: Uint8Array, length: number) => {
    let number = bytes.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
    let text = '';
    for (; text.length < length; number /= 62n) text += digits[Number(number % 62n)];
    return text;
  };
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(bytes, fc.nat(60), (some, length) => assert.equal(digitsOf(some, length), simple(some, length))),
    { numRuns: 2000 },
  );
  for (const byte of [0, 1, 61, 62, 255]) {
    const all = new Uint8Array(32).fill(byte);
    assert.equal(digitsOf(all, 43), simple(all, 43), `${byte}`);
  }
});
