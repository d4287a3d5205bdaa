import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settle } from '../../../src/rules/deciding.ts';
import type { Engine, Found, Outcome } from '../../../src/stores/commit.ts';

type Picture = { version: number };

const found: Found = {
  sessions: new Map(),
  slots: new Map(),
  accounts: new Map(),
  keys: new Map(),
  on: undefined,
};
const committed = { kind: 'committed', sequences: [], ended: 0 } as const;

/** Decides on pictures of an engine of which only commits are asked, and counts those. */
async function settleOn(
  outcomeOf: (commits: number) => Outcome,
  next: (commits: number) => Picture,
): Promise<{ commits: number; settled: Promise<string> }> {
  let commits = 0;
  const engine = {
    commit: async () => {
      commits += 1;
      return outcomeOf(commits);
    },
  } as Pick<Engine, 'commit'> as Engine;
  const settled = settle<Picture, string>(
    engine,
    next(0),
    () => ({ change: { at: 0 }, answered: () => 'committed' }),
    () => next(commits),
  );
  await settled.catch(() => {});
  return { commits, settled };
}

test('a change that conflicts although nothing has changed is given up: the store must be damaged', async () => {
  const { commits, settled } = await settleOn(
    () => ({ kind: 'conflict', found }),
    () => ({ version: 1 }),
  );
  await assert.rejects(settled, { code: 'store_damaged', message: /again and again/ });
  assert.ok(commits >= 64 && commits <= 1000, `${commits} commits`);
});

test('however many others change the same before it, a change is made', async () => {
  const { settled } = await settleOn(
    (commits) => (commits <= 5000 ? { kind: 'conflict', found } : committed),
    (commits) => ({ version: commits }),
  );
  assert.equal(await settled, 'committed');
});

test('a picture that a change elsewhere has left as it was does not count for ever', async () => {
  const { settled } = await settleOn(
    (commits) => (commits <= 5000 ? { kind: 'conflict', found } : committed),
    (commits) => ({ version: Math.floor(commits / 10) }),
  );
  assert.equal(await settled, 'committed');
});
