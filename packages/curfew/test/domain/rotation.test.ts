import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { SessionId } from '../../src/domain/brand.ts';
import { newId } from '../../src/domain/ids.ts';
import { judgeRefresh, rotated, successorOf, tokensForAlias } from '../../src/domain/rotation.ts';
import type { RefreshState } from '../../src/domain/session.ts';
import { hashSecret, isSecret, newSecret } from '../../src/domain/tokens.ts';
import { countCalls } from '../support/count-calls.ts';
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

test('a token has the successors that it has always had: tokens of every release are in use', () => {
  const own = '0'.repeat(22) as SessionId;
  const fixed = Uint8Array.from({ length: 32 }, (_, i) => i);
  const successors = [
    ['s2FDuX0z7heCN3tQFsEFfTZcVNzOgD4cLaQfvy0lLYK', 'VJGHCqn3D6qP3KHkshppfEfB1eNB3Zx2u9BZmB34mYT'],
    ['64834namZJC3ttBlHIvDDFxiPExaDL0wU5Gx1sbZMIv', 'izNDrRw0EIsTEuiBFPlJzbcJXuVPjxPceRCGDsANa8r'],
    ['i5dWicSveoHgvlrB0yDImumv6h48aTQo4WYQfHrL89y', 'u4r7anHZf1TfrdCrZIvRSqvpuHNUcyZiQTzfWO0FRIX'],
  ] as const;
  let presented = '0'.repeat(43);
  for (const [tokenSecret, refreshSecret] of successors) {
    assert.deepEqual(successorOf(own, presented, fixed), { tokenSecret, refreshSecret });
    presented = refreshSecret;
  }
  assert.deepEqual(tokensForAlias(own, { kind: 'express-session', secret: 's' }, fixed), {
    tokenSecret: 'Wb1a1OiIPnisAqxD5xDeEuZac7sPvjtMHcnVRFCi9ht',
    refreshSecret: '8LuZDMjsfO9438LcJDXmrrKnkxVeIRrOHfYfx3JDsug',
  });
});

test('a token is recognised a hundred generations later, and not after that', () => {
  const { secrets, states, last } = chain(101);
  const judge = (generation: number) => judgeRefresh(id, states.at(-1)!, secrets[generation]!, key, last);
  assert.deepEqual([judge(1), judge(0)], ['reused', 'unknown']);
});

test('a forged token, for which an id is enough, costs one derivation for each generation, and only one key', (t) => {
  const { states, last } = chain(120);
  const derivations = countCalls(t, 'createHmac');
  const keys = countCalls(t, 'createSecretKey');
  assert.equal(judgeRefresh(id, states.at(-1)!, newSecret(random), key, last), 'unknown');
  assert.deepEqual([derivations(), keys()], [100, 1]);
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
