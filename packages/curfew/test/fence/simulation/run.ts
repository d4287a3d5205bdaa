import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));

export type Result = { schedules: number; first: number; violated?: { seed: number; violations: string[] } };

/** Schedules that are looked through for a mutant at a time, and how many times. */
const lot = 2000;
const lots = 4;

/** Runs schedules in a process of their own, up to the first violation; with one rule taken out where a mutant is named. */
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

/** Looks for a mutant. Seeds are fresh each time, and what breaks rarely is not in every lot. */
export async function find(mutant: string): Promise<{ schedules: number; seed: number } | undefined> {
  for (let before = 0; before < lots * lot; before += lot) {
    const { violated, schedules } = await simulate(lot, mutant);
    if (violated) return { schedules: before + schedules, seed: violated.seed };
  }
  return undefined;
}
