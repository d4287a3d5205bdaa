import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));

export type Result = { schedules: number; first: number; violated?: { seed: number; violations: string[] } };
export type Found = { schedules: number; seed: number };

/** A schedule for each mutant that shows it: a search takes minutes, and does not always find rare violations. */
const seedsFile = here('seeds.json');
const seeds = JSON.parse(readFileSync(seedsFile, 'utf8')) as Record<string, number>;

/** How many schedules are searched for a mutant at a time, and how many times. */
const lot = 2000;
const lots = 4;

/** Runs schedules in their own process until the first violation, with one rule removed if a mutant is named. */
export function simulate(schedules: number, mutant?: string, seed?: number): Promise<Result> {
  const args = ['--conditions=curfew-source', ...(mutant ? ['--import', here('mutate.ts')] : [])];
  const given = [String(schedules), ...(seed === undefined ? [] : [String(seed)])];
  return new Promise((resolve, reject) => {
    const env = { ...process.env, ...(mutant && { MUTANT: mutant }) };
    execFile(process.execPath, [...args, here('simulate.ts'), ...given], { env }, (error, out, err) => {
      if (out.startsWith('{')) resolve(JSON.parse(out) as Result);
      else reject(new Error(`${error?.message}: ${err}`));
    });
  });
}

/** Whether a test fails once a rule is removed, and others in its file do not. */
export function isShownBy(test: string, mutant: string): Promise<boolean> {
  const args = ['--conditions=curfew-source', '--import', here('mutate.ts'), '--test-reporter=tap', here(`../${test}`)];
  // Otherwise it would report to the runner of this test.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  return new Promise((resolve) => {
    execFile(process.execPath, args, { env: { ...env, MUTANT: mutant } }, (_error, out) =>
      resolve(/^# pass [1-9]/m.test(out) && /^# fail [1-9]/m.test(out)),
    );
  });
}

/** Replays the known schedule of a mutant; a change of the code or of the schedules may have altered it. */
export async function replay(mutant: string): Promise<Found | undefined> {
  const seed = seeds[mutant];
  if (seed === undefined) return undefined;
  const { violated } = await simulate(1, mutant, seed);
  return violated && { schedules: 1, seed };
}

/** Searches for a mutant. Seeds are fresh each time, and rare violations are not in every lot. */
export async function search(mutant: string): Promise<Found | undefined> {
  for (let before = 0; before < lots * lot; before += lot) {
    const { violated, schedules } = await simulate(lot, mutant);
    if (violated) return { schedules: before + schedules, seed: violated.seed };
  }
  return undefined;
}

/** Records where a mutant was found. */
export function keepSeed(mutant: string, seed: number): void {
  seeds[mutant] = seed;
  const sorted = Object.fromEntries(Object.entries(seeds).sort(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(seedsFile, `${JSON.stringify(sorted, null, 2)}\n`);
}
