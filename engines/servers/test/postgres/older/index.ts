import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { Migration } from '../../../../../packages/curfew/src/stores/postgres/migrations/index.ts';

/** The steps as they were until number 18, with the functions of those versions, which wrote what is upgraded today. */
const steps = JSON.parse(
  gunzipSync(readFileSync(new URL('steps.json.gz', import.meta.url))).toString(),
) as readonly Migration[];

export const newestOlder: number = steps.at(-1)!.number;

/** The schema of an earlier version. */
export function stepsUntil(version: number): readonly Migration[] {
  return steps.filter(({ number }) => number <= version);
}
