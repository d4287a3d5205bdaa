import { isDeepStrictEqual } from 'node:util';
import { CurfewError } from '../errors.ts';
import type { Change, Committed, Engine, Found } from '../stores/commit.ts';

/**
 * What a rule decides on a picture: an answer, or a change with the answer that its commit leads to. `untold`: nobody is
 * told the answer, so it need not be durable.
 */
export type Decision<Answer> =
  | { answer: Answer; untold?: boolean }
  | { change: Change; answered(committed: Committed): Answer };

/**
 * In how many rounds in a row the same picture may conflict. Each conflict comes from another change, which the next
 * picture shows, so more than one such round is rare.
 */
const mostAlike = 100;

/**
 * Decides on a picture, and again on what was found as long as commits conflict. Each conflict means that another change
 * was committed, so of any number of callers one advances in each round. An answer that follows from a picture alone tells
 * of earlier changes, so it waits until those are durable.
 * @throws `store_damaged` if commits conflict although nothing has changed
 */
export async function settle<Picture, Answer>(
  engine: Engine,
  first: Picture,
  decide: (picture: Picture) => Decision<Answer>,
  next: (found: Found) => Picture | Promise<Picture>,
): Promise<Answer> {
  let alike = 0;
  for (let picture = first; ; ) {
    const decision = decide(picture);
    if ('answer' in decision) {
      if (!decision.untold) await engine.durable?.();
      return decision.answer;
    }
    const outcome = await engine.commit(decision.change);
    if (outcome.kind === 'committed') return decision.answered(outcome);
    const found = await next(outcome.found);
    alike = isDeepStrictEqual(found, picture) ? alike + 1 : 0;
    if (alike === mostAlike) throw new CurfewError('store_damaged', { detail: endless });
    picture = found;
  }
}

const endless = 'A change conflicts again and again with what the store contains, which stays the same.';
