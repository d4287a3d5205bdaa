/**
 * The suite that every store must pass, as a list of cases: any test runner can run it.
 *
 *     import { conformanceCases, runCase } from 'curfew/conformance';
 *     for (const rule of conformanceCases) test(rule.name, () => runCase(rule, harness));
 */
import { accountCases } from './accounts.ts';
import { aliasCases } from './aliases.ts';
import { epochCases } from './epochs.ts';
import { eventCases } from './events.ts';
import { fingerprintCases } from './fingerprint.ts';
import { groupCases } from './groups.ts';
import { type Case, type Harness, StoreFixture } from './harness.ts';
import { incarnationCases } from './incarnations.ts';
import { interruptionCases } from './interruptions.ts';
import { limitCases } from './limits.ts';
import { listCases } from './lists.ts';
import { logCases } from './log.ts';
import { nodeCases } from './nodes.ts';
import { sessionCases } from './sessions.ts';
import { sweepCases } from './sweep.ts';
import { textCases } from './texts.ts';
import { timeCases } from './time.ts';

export type { Case, Harness, Opened } from './harness.ts';

export const conformanceCases: readonly Case[] = [
  ...sessionCases,
  ...aliasCases,
  ...epochCases,
  ...groupCases,
  ...listCases,
  ...limitCases,
  ...accountCases,
  ...eventCases,
  ...logCases,
  ...timeCases,
  ...fingerprintCases,
  ...sweepCases,
  ...textCases,
  ...incarnationCases,
  ...nodeCases,
  ...interruptionCases,
];

/** Runs one case on a store of its own; rejects if the store breaks the rule. */
export async function runCase(rule: Case, harness: Harness): Promise<void> {
  const opened = await harness.open();
  try {
    await rule.run(new StoreFixture(opened));
  } finally {
    await opened.dispose();
  }
}
