import { randomInt } from 'node:crypto';
import type { TestContext } from 'node:test';
import { historyOf, lineOf, type Step } from './history.ts';
import { Difference, type Engine, replay } from './replay.ts';

/** Seconds for new histories. */
const seconds = Number(process.env['DIFFERENTIAL_SECONDS'] ?? 20);
/** The one history to replay, instead of new ones. */
const asked = process.env['DIFFERENTIAL_SEED'];
/** Milliseconds for the search for the smallest history that shows a difference. */
const longestSearch = 60_000;
/** Steps between two comparisons of everything. */
const lookEvery = 10;

/** How long a test with one comparison may take. */
export const comparisonTimeout: number = seconds * 1000 + longestSearch + 120_000;

/** Applies random histories to stores of several kinds, and fails with the smallest history in which they differ. */
export async function compareEngines(t: TestContext, engines: readonly Engine[]): Promise<void> {
  const until = performance.now() + seconds * 1000;
  const first = asked === undefined ? randomInt(2 ** 31 - 1_000_000) : Number(asked);
  const reached = new Set<string>();
  let [seed, steps] = [first, 0];
  do {
    const history = historyOf(seed);
    const difference = await differenceIn(engines, history, reached, lookEvery);
    if (difference) throw new Error(await reportOf(engines, seed, history, difference));
    steps += history.length;
    seed += 1;
  } while (asked === undefined && performance.now() < until);
  t.diagnostic(
    `${seed - first} histories from seed ${first}, ${steps} steps; reached ${[...reached].sort().join(', ')}`,
  );
}

/** Whether and how the engines differ in a history; any other error of a store is a difference too. */
async function differenceIn(
  engines: readonly Engine[],
  history: readonly Step[],
  reached: Set<string>,
  lookEvery: number,
): Promise<Difference | undefined> {
  try {
    await replay(engines, history, reached, lookEvery);
    return undefined;
  } catch (error) {
    return error instanceof Difference ? error : new Difference(history.length, `an error: ${(error as Error).stack}`);
  }
}

async function reportOf(
  engines: readonly Engine[],
  seed: number,
  history: readonly Step[],
  difference: Difference,
): Promise<string> {
  const { smallest, shows } = await reduce(engines, history, difference);
  const lines = smallest.map((step, i) => `${String(i + 1).padStart(4)} ${lineOf(step)}`);
  return [
    `The stores differ in ${shows.message}`,
    `after step ${shows.steps} of`,
    ...lines,
    `This is the smallest part of the history of seed ${seed}, in which they first differ after step ${difference.steps}; DIFFERENTIAL_SEED=${seed} repeats it.`,
  ].join('\n');
}

/** Leaves out steps, many at once and then one by one, as long as there still is a difference. */
async function reduce(engines: readonly Engine[], history: readonly Step[], difference: Difference) {
  const until = performance.now() + longestSearch;
  let [smallest, shows] = [history.slice(0, difference.steps), difference];
  for (let size = Math.ceil(smallest.length / 2); size >= 1; ) {
    const before = smallest.length;
    for (let at = 0; at < smallest.length && performance.now() < until; ) {
      const fewer = smallest.toSpliced(at, size);
      const found = await differenceIn(engines, fewer, new Set(), Number.POSITIVE_INFINITY);
      if (found) [smallest, shows] = [fewer.slice(0, found.steps), found];
      else at += size;
    }
    if (size > 1) size = Math.ceil(size / 2);
    else if (smallest.length === before || performance.now() >= until) break;
  }
  return { smallest, shows };
}
