import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CautiousClock, ExactCache, type Found, systemTiming } from 'curfew-client/fence';

const idOf = (n: number) => String(n).padStart(22, '0');
const tokenOf = (n: number) => `cfs_${idOf(n)}${'x'.repeat(49)}`;

/** A cache with a lease, and its questions, each of which is answered when the test does so. */
function leasedCache() {
  const clock = new CautiousClock(systemTiming());
  const questions: ((found: Found<string>) => void)[] = [];
  const cache = new ExactCache<string>({
    clock,
    capacity: 100,
    reportsUse: false,
    ask: () => new Promise((resolve) => questions.push(resolve)),
  });
  cache.lease.take(clock.now(), 60_000);
  const answer = (at: number, n: number, userId: string) =>
    questions[at]!({
      active: true,
      id: idOf(n),
      userId,
      value: userId,
      expiresIn: 60_000,
      idleIn: 60_000,
      idle: 60_000,
    });
  return { cache, questions, answer };
}

test('an answer is kept however often other users change meanwhile, and requested again if its own user does', async () => {
  const { cache, questions, answer } = leasedCache();
  const [ada, ben] = [cache.resolve(tokenOf(1)), cache.resolve(tokenOf(2))];
  for (let sequence = 1; sequence <= 100; sequence++) cache.drop({ sequence, userId: `user ${sequence % 7}` });
  cache.drop({ sequence: 101, userId: 'ben' });
  answer(0, 1, 'ada');
  answer(1, 2, 'ben');
  assert.deepEqual(await Promise.all([ada, ben]), [
    { active: true, value: 'ada' },
    { active: true, value: 'ben' },
  ]);
  assert.equal(cache.check(tokenOf(1)), 'ada');
  assert.equal(cache.check(tokenOf(2)), undefined);
  const again = cache.resolve(tokenOf(2));
  answer(2, 2, 'ben');
  await again;
  assert.equal(cache.check(tokenOf(2)), 'ben');
  assert.equal(questions.length, 3);
});

test('a change of all sessions of a user applies to open questions, whatever was answered in between', async () => {
  const { cache, answer } = leasedCache();
  const first = cache.resolve(tokenOf(1));
  cache.drop({ sequence: 1, userId: 'ada' });
  const second = cache.resolve(tokenOf(2));
  answer(1, 2, 'ada');
  await second;
  answer(0, 1, 'ada');
  await first;
  assert.equal(cache.check(tokenOf(1)), undefined, 'it may have been read before the change');
  assert.equal(cache.check(tokenOf(2)), 'ada', 'it was requested after the change');
});

test('a verification joins no question from before a change that may affect it', async () => {
  const { cache, questions } = leasedCache();
  void cache.resolve(tokenOf(1));
  void cache.resolve(tokenOf(1));
  assert.equal(questions.length, 1);
  cache.drop({ sequence: 1, sessionId: idOf(2) });
  void cache.resolve(tokenOf(1));
  assert.equal(questions.length, 1);
  for (const change of [
    { sequence: 2, userId: 'anybody' },
    { sequence: 3, sessionId: idOf(1) },
    { sequence: 4, all: true as const },
  ]) {
    cache.drop(change);
    const before: number = questions.length;
    void cache.resolve(tokenOf(1));
    assert.equal(questions.length, before + 1);
  }
});
