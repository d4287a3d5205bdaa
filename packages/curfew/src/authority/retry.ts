import { CurfewError } from '../errors.ts';
import { confirmCaller } from './authenticate.ts';
import { actorOf, type Caller } from './caller.ts';
import type { AuthorityContext } from './context.ts';

const attempts = 20;

/**
 * Repeats a read and write for as long as another writer writes in between. In every round one writer succeeds, so
 * twenty rounds are far more than writers ever need.
 * @throws `changed_meanwhile`
 */
export async function retryConflicts<T>(attempt: () => Promise<T | 'conflict'>): Promise<T> {
  for (let round = 0; round < attempts; round++) {
    const result = await attempt();
    if (result !== 'conflict') return result;
  }
  throw new CurfewError('changed_meanwhile');
}

/**
 * The same for a change that depends on what the caller may do. The writer in between may have been the one who took that
 * away: so before each further round, the caller is confirmed.
 * @throws `changed_meanwhile`, and what {@link confirmCaller} throws
 */
export function retryAs<T>(
  context: AuthorityContext,
  caller: Caller,
  attempt: (caller: Caller) => Promise<T | 'conflict'>,
): Promise<T> {
  let present: Caller | undefined;
  return retryConflicts(async () => {
    present = present ? await confirmCaller(context, present) : caller;
    return attempt(present);
  });
}

/**
 * Runs the work on a subject after what was asked for before. Waiting for that may take long, and the caller may have lost
 * access meanwhile. Of one caller only a few calls may wait, so that those of others need not wait for very many.
 * @throws `server_busy`, and what {@link confirmCaller} throws
 */
export function inTurn<T>(
  context: AuthorityContext,
  caller: Caller,
  subject: string,
  work: (caller: Caller) => Promise<T>,
): Promise<T> {
  return runInTurn(context, caller, subject, work, actorOf(caller));
}

/** The same for an end. These are counted on their own: a caller with too many other calls waiting can still end something. */
export function endInTurn<T>(
  context: AuthorityContext,
  caller: Caller,
  subject: string,
  work: (caller: Caller) => Promise<T>,
): Promise<T> {
  return runInTurn(context, caller, subject, work, `end by ${actorOf(caller)}`);
}

function runInTurn<T>(
  context: AuthorityContext,
  caller: Caller,
  subject: string,
  work: (caller: Caller) => Promise<T>,
  countedAs: string,
): Promise<T> {
  return context.queue.runOf(countedAs, subject, async () => work(await confirmCaller(context, caller)));
}
