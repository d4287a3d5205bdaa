import type { SessionId, UserId } from '../../domain/brand.ts';
import type { End } from '../../domain/reasons.ts';
import { endOf } from '../../domain/session.ts';
import { stepOf } from '../../rules/end-all.ts';
import { decodeSession } from './codec.ts';
import type { Draft } from './commit.ts';
import { apply } from './engine.ts';

/** Ends all sessions of an account but one, if that is the account's and has not ended. Returns the end's sequence. */
export function endUser(draft: Draft, userId: UserId, end: End, except?: SessionId): number {
  const row = except && draft.tables.sessions.get(except);
  const found = row && decodeSession(except!, row);
  const spared = found && found.userId === userId && !endOf(found, draft.epochEnd(found), end.at) ? found : undefined;
  const outcome = apply(draft, stepOf(userId, end, spared));
  if (outcome.kind === 'conflict') throw new Error('The session was read in the same step.');
  return outcome.sequences[0]!;
}
