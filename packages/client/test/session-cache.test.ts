import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { SessionCache } from '../src/fence/session-cache.ts';

type Step =
  | { do: 'put'; session: number; token: number }
  | { do: 'put alias'; session: number; token: number }
  | { do: 'drop'; session: number }
  | { do: 'drop user'; user: number }
  | { do: 'clear' };

const sessions = 40;
const users = 5;
const userOf = (session: number) => `user ${session % users}`;
const idOf = (session: number) => `session ${session}`;

/** Colliding hashes: their first words are few, so that rows are far from their ideal places, and wrap around. */
function hashOf(session: number, token: number): string {
  const rest = createHash('sha256').update(`${session} ${token}`).digest('binary');
  return `${String.fromCharCode(253 + (session % 3), 255, 255, 255)}${rest.slice(4)}`;
}

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 12,
      arbitrary: fc.record({
        do: fc.constant('put' as const),
        session: fc.nat(sessions - 1),
        token: fc.nat(1),
      }),
    },
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant('put alias' as const),
        session: fc.nat(sessions - 1),
        token: fc.integer({ min: 2, max: 3 }),
      }),
    },
    { weight: 5, arbitrary: fc.record({ do: fc.constant('drop' as const), session: fc.nat(sessions - 1) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('drop user' as const), user: fc.nat(users - 1) }) },
    { weight: 1, arbitrary: fc.constant({ do: 'clear' as const }) },
  ),
  { maxLength: 300 },
);

/** Applies the steps to a cache and to a plain map, and compares what both know after each. */
function agree(done: readonly Step[], most: number): void {
  const cache = new SessionCache<string>(most);
  const known = new Map<number, number>();
  /** The aliases of each session: what is put beside its token. */
  const aliases = new Set<string>();
  const forget = (test: (session: number) => boolean) => {
    for (const session of known.keys()) if (test(session)) known.delete(session);
    for (const alias of aliases) if (test(Number(alias.split(' ')[0]))) aliases.delete(alias);
  };
  const found = (session: number, token: number) => cache.findToken(hashOf(session, token));
  const noteEvicted = () => {
    for (const other of known.keys()) if (cache.find(idOf(other)) < 0) known.delete(other);
    for (const alias of aliases) {
      const [session, token] = alias.split(' ').map(Number) as [number, number];
      if (found(session, token) < 0) aliases.delete(alias);
    }
  };
  for (const step of done) {
    if (step.do === 'put') {
      const { session, token } = step;
      const value = `${session} ${token}`;
      const times = { expires: 10, idleUntil: 10, idle: 10 };
      const tokenHash = hashOf(session, token);
      cache.put({ id: idOf(session), userId: userOf(session), tokenHash, value, ...times });
      known.set(session, token);
      // Which entry is evicted is the cache's decision; but it must be a known one, and no more than necessary.
      noteEvicted();
      assert.equal(known.get(session), token, 'what was just put is gone');
    } else if (step.do === 'put alias') {
      const { session, token } = step;
      const value = `${session} ${token}`;
      const tokenHash = hashOf(session, token);
      const times = { expires: 10, idleUntil: 10, idle: 10 };
      cache.put({ id: idOf(session), alias: tokenHash, userId: userOf(session), tokenHash, value, ...times });
      aliases.add(value);
      noteEvicted();
      assert.ok(aliases.has(value), 'what was just put is gone');
    } else if (step.do === 'drop') {
      cache.drop(idOf(step.session));
      forget((session) => session === step.session);
    } else if (step.do === 'drop user') {
      cache.dropUser(`user ${step.user}`);
      forget((session) => session % users === step.user);
    } else {
      cache.clear();
      forget(() => true);
    }
    assert.equal(cache.size, known.size + aliases.size);
    for (let session = 0; session < sessions; session++) {
      for (const token of [0, 1, 2, 3]) {
        const row = found(session, token);
        const isKnown = known.get(session) === token || aliases.has(`${session} ${token}`);
        const expected = isKnown ? `${session} ${token}` : undefined;
        assert.equal(row < 0 ? undefined : cache.valueOf(row), expected);
      }
    }
  }
}

describe('the cache of sessions', () => {
  it('knows the same sessions by token, by alias and by id, whatever was put, dropped and evicted', () => {
    fc.assert(
      fc.property(steps, fc.constantFrom(1, 2, 7, 16, 64), (done, most) => {
        agree(done, most);
      }),
      { numRuns: 300 },
    );
  });

  it('grows, and still finds everything', () => {
    const most = 5000;
    const cache = new SessionCache<number>(most);
    const hash = (i: number) => createHash('sha256').update(String(i)).digest('binary');
    for (let i = 0; i < most * 2; i++) {
      cache.put({ id: `s${i}`, userId: `u${i}`, tokenHash: hash(i), expires: 1, idleUntil: 1, idle: 1, value: i });
    }
    assert.equal(cache.size, most);
    let found = 0;
    for (let i = 0; i < most * 2; i++) {
      const row = cache.findToken(hash(i));
      assert.equal(row, cache.find(`s${i}`));
      if (row >= 0) {
        assert.equal(cache.valueOf(row), i);
        found += 1;
      }
    }
    assert.equal(found, most);
  });
});
