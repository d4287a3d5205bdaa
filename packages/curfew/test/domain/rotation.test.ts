import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { SessionId } from '../../src/domain/brand.ts';
import { newId } from '../../src/domain/ids.ts';
import { judgeRefresh, rotated, successorOf } from '../../src/domain/rotation.ts';
import type { RefreshState } from '../../src/domain/session.ts';
import { hashSecret, isSecret, newSecret } from '../../src/domain/tokens.ts';
import { random } from '../support/ports.ts';

const start = Date.UTC(2026, 0, 1);
const key = random(32);
const id = newId('ada', start, random) as SessionId;

/** A chain of refreshes a minute apart: every secret that was issued, and the state after each. */
function chain(length: number): { secrets: string[]; states: RefreshState[]; last: number } {
  const secrets = [newSecret(random)];
  const states: RefreshState[] = [
    { hash: hashSecret(secrets[0]!), previousHash: undefined, rotatedAt: undefined, rotations: 0 },
  ];
  let now = start;
  for (let i = 0; i < length; i++) {
    now += 60_000;
    const successor = successorOf(id, secrets[i]!, key);
    secrets.push(successor.refreshSecret);
    states.push(rotated(states[i]!, successor, now));
  }
  return { secrets, states, last: now };
}

test('the newest refresh token is current at any time', () => {
  fc.assert(
    fc.property(fc.nat(30), fc.nat(1e9), (length, later) => {
      const { secrets, states, last } = chain(length);
      assert.equal(judgeRefresh(id, states.at(-1)!, secrets.at(-1)!, key, last + later), 'current');
    }),
  );
});

test('the previous token is valid for 30 s after the first rotation, and a reuse after that', () => {
  const { secrets, states, last } = chain(5);
  assert.equal(judgeRefresh(id, states.at(-1)!, secrets.at(-2)!, key, last), 'grace');
  assert.equal(judgeRefresh(id, states.at(-1)!, secrets.at(-2)!, key, last + 30_000), 'grace');
  assert.equal(judgeRefresh(id, states.at(-1)!, secrets.at(-2)!, key, last + 30_001), 'reused');
});

test('every earlier generation is a reuse, even within those 30 s', () => {
  const { secrets, states, last } = chain(40);
  for (let i = 0; i < 39; i++) assert.equal(judgeRefresh(id, states.at(-1)!, secrets[i]!, key, last), 'reused', `${i}`);
});

test('a secret that was never issued is unknown and ends nothing', () => {
  const { states, last } = chain(40);
  for (let i = 0; i < 20; i++) assert.equal(judgeRefresh(id, states.at(-1)!, newSecret(random), key, last), 'unknown');
});

test('concurrent callers with one token derive the same successors', () => {
  const secret = newSecret(random);
  assert.deepEqual(successorOf(id, secret, key), successorOf(id, secret, key));
});

test('successors differ by kind, by session, by token and by key, and have the format of a secret', () => {
  const secret = newSecret(random);
  const { tokenSecret, refreshSecret } = successorOf(id, secret, key);
  assert.notEqual(tokenSecret, refreshSecret);
  assert.ok(isSecret(tokenSecret) && isSecret(refreshSecret));
  const others = [
    successorOf(newId('ada', start, random) as SessionId, secret, key),
    successorOf(id, newSecret(random), key),
    successorOf(id, secret, random(32)),
  ];
  for (const other of others) assert.notEqual(other.tokenSecret, tokenSecret);
});
