import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CautiousClock, ExactCache, type Found, systemTiming } from 'curfew-client/fence';
import { textOf, tokenLength } from 'curfew-client/protocol';

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

const aliasOf = (n: number) => ({ alias: { kind: 'express', secret: `secret ${n}` } });

test('an answer about an alias is kept however often other sessions change meanwhile, and asked for again if its own does', async () => {
  const { cache, questions, answer } = leasedCache();
  const [first, second] = [cache.resolve(aliasOf(1)), cache.resolve(aliasOf(2))];
  for (let sequence = 1; sequence <= 100; sequence++) cache.drop({ sequence, sessionId: idOf(10 + (sequence % 7)) });
  cache.drop({ sequence: 101, sessionId: idOf(2) });
  answer(0, 1, 'ada');
  await first;
  answer(1, 2, 'ben');
  await second;
  assert.equal(cache.check(aliasOf(1)), 'ada');
  assert.equal(cache.check(aliasOf(2)), undefined, 'it may have been read before the change');
  // A change that was heard while nothing was open counts for no later question.
  cache.drop({ sequence: 102, sessionId: idOf(3) });
  const third = cache.resolve(aliasOf(3));
  answer(questions.length - 1, 3, 'cyd');
  await third;
  assert.equal(cache.check(aliasOf(3)), 'cyd');
});

test('a change of all sessions of a user, or of everyone, applies to an open question about an alias', async () => {
  for (const change of [
    { sequence: 1, userId: 'ada' },
    { sequence: 1, all: true as const },
  ]) {
    const { cache, answer } = leasedCache();
    const open = cache.resolve(aliasOf(1));
    cache.drop(change);
    answer(0, 1, 'ada');
    await open;
    assert.equal(cache.check(aliasOf(1)), undefined);
  }
});

test('what is known by an alias is dropped with its session, its user and everyone; a token and an alias do not replace each other', async () => {
  for (const change of [
    { sequence: 1, sessionId: idOf(1) },
    { sequence: 1, userId: 'ada' },
    { sequence: 1, all: true as const },
  ]) {
    const { cache, questions, answer } = leasedCache();
    for (const credential of [tokenOf(1), aliasOf(1), aliasOf(2)]) {
      const open = cache.resolve(credential);
      answer(questions.length - 1, 1, 'ada');
      await open;
    }
    for (const credential of [tokenOf(1), aliasOf(1), aliasOf(2)]) assert.equal(cache.check(credential), 'ada');
    cache.drop(change);
    for (const credential of [tokenOf(1), aliasOf(1), aliasOf(2)]) assert.equal(cache.check(credential), undefined);
    assert.equal(cache.sessions, 0);
  }
});

test('the text of an alias is not a token, even if it is as long as one', async () => {
  const { cache, questions, answer } = leasedCache();
  const kind = 'express';
  const alias = { alias: { kind, secret: 'x'.repeat(tokenLength - kind.length - 1) } };
  const open = cache.resolve(alias);
  answer(0, 1, 'ada');
  await open;
  assert.equal(cache.check(alias), 'ada');
  const text = textOf(alias);
  assert.equal(text.length, tokenLength);
  assert.equal(cache.check(text), undefined);
  assert.deepEqual(await cache.resolve(text), { active: false, reason: 'malformed' });
  assert.equal(questions.length, 1);
});

test('verifications of one alias share a question; if its answer is negative, those that joined ask again', async () => {
  const { cache, questions, answer } = leasedCache();
  const [first, second] = [cache.resolve(aliasOf(1)), cache.resolve(aliasOf(1))];
  assert.equal(questions.length, 1);
  // The session was created after the first question was asked, and before the second verification began.
  questions[0]!({ active: false, reason: 'unknown' });
  assert.deepEqual(await first, { active: false, reason: 'unknown' });
  assert.equal(questions.length, 2);
  answer(1, 1, 'ada');
  assert.deepEqual(await second, { active: true, value: 'ada' });
  const shared = [cache.resolve(aliasOf(2)), cache.resolve(aliasOf(2))];
  answer(2, 2, 'ben');
  await Promise.all(shared);
  assert.equal(questions.length, 3);
});

test('a verification joins no question about an alias from before a change of any session', () => {
  const { cache, questions } = leasedCache();
  void cache.resolve(aliasOf(1));
  cache.drop({ sequence: 1, sessionId: idOf(7) });
  void cache.resolve(aliasOf(1));
  assert.equal(questions.length, 2);
});

test('text that cannot be an alias is refused without a question, and the use of an alias is reported for its session', async () => {
  const { cache, questions } = leasedCache();
  const wrong = [
    { kind: 'Express', secret: 'x' },
    { kind: '', secret: 'x' },
    { kind: 'a'.repeat(33), secret: 'x' },
    { kind: 'express', secret: '' },
    { kind: 'express', secret: 'x'.repeat(1025) },
    { kind: 'express', secret: 5 as never },
  ];
  for (const alias of wrong) assert.deepEqual(await cache.resolve({ alias }), { active: false, reason: 'malformed' });
  assert.equal(questions.length, 0);

  const clock = new CautiousClock(systemTiming());
  const used = new ExactCache<string>({
    clock,
    capacity: 10,
    reportsUse: true,
    // It was last used half a second ago, so the next use is reported at once.
    ask: async () => ({
      active: true,
      id: idOf(1),
      userId: 'ada',
      value: 'ada',
      expiresIn: 60_000,
      idleIn: 500,
      idle: 1000,
    }),
  });
  used.lease.take(clock.now(), 60_000);
  await used.resolve(aliasOf(1));
  assert.equal(used.check(aliasOf(1)), 'ada');
  assert.deepEqual(
    used.takeUsed(10).map(([id]) => id),
    [idOf(1)],
  );
});
