import { day } from '../../domain/limits.ts';
import type { Change, Committed, Engine, Outcome } from '../commit.ts';
import type { Part } from '../redis/part.ts';
import type { GroupEngine } from './group-engine.ts';
import { forgetDone } from './scripts.ts';

/** The answer if it was done before: which entry tells of it is not known any more. */
const before: Committed = { kind: 'committed', sequences: [0], ended: 0 };

/**
 * An engine for one change that is made once, however often it is tried under a key, by whatever servers: what ends all of
 * somebody's sessions must not end later ones when it is completed.
 */
export function once({ store, link }: Part, engine: GroupEngine, key: string): Engine {
  const done = `did:${key}`;
  const commit = async (change: Change): Promise<Outcome> => {
    const outcome = await store.engine.commit(change, [{ key: done, stands: '', row: '1' }]);
    const isDone = outcome.kind === 'conflict' && (await link.read(done))[0] !== null;
    return isDone ? before : outcome;
  };
  return { ...engine, commit };
}

/** It is done everywhere: it is forgotten once no server can still be about to try it. */
export async function forget({ link }: Part, key: string): Promise<void> {
  await link.run(forgetDone, [`did:${key}`, String(day)]);
}
