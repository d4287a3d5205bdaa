import type { SessionId, UserId } from '../../domain/brand.ts';
import { storeEvents } from '../../domain/events.ts';
import type { End } from '../../domain/reasons.ts';
import { endOf } from '../../domain/session.ts';
import type { EpochOutcome } from '../contract.ts';
import { decodeSession } from './codec.ts';
import type { Draft } from './commit.ts';
import { suspendedOfUser, userKey } from './keys.ts';
import { rewrite } from './sessions.ts';

/** Advances the user's epoch by one step; reads none of their sessions except the excepted one. */
export function endUser(
  draft: Draft,
  userId: UserId,
  end: End,
  { except }: { except?: SessionId | undefined } = {},
): EpochOutcome {
  const { tables } = draft;
  const row = except === undefined ? undefined : tables.sessions.get(except);
  const spared = row && decodeSession(except!, row);
  if (except !== undefined) {
    if (!spared || spared.userId !== userId || endOf(spared, draft.epochEnd(spared), end.at)) {
      return { kind: 'not_found' };
    }
  }
  const before = draft.epochsOf(userId);
  const active = activeOf(draft, userId, before);
  const sequence = draft.log({ userId }, end.at);
  draft.moveEpoch(userId, { ...end, sequence });
  draft.active -= active;
  if (spared) {
    const stamped = { ...spared, epochs: draft.epochsOf(userId), version: spared.version + 1 };
    rewrite(draft, spared, stamped, false);
  }
  const ended = active - (spared && !spared.suspended ? 1 : 0);
  draft.event(storeEvents.userEnded(userId, end, ended, except));
  return { kind: 'ended', sequence, ended };
}

export function endEveryone(draft: Draft, end: End): { sequence: number; ended: number } {
  const ended = draft.active;
  const sequence = draft.log({ all: true }, end.at);
  draft.moveEpoch(undefined, { ...end, sequence });
  draft.active = 0;
  draft.event(storeEvents.everyoneEnded(end, ended));
  return { sequence, ended };
}

/** A user's live sessions that are not suspended, whatever their deadlines. Those in the index are counted unread. */
function activeOf(draft: Draft, userId: UserId, epochs: { user: number; everyone: number }): number {
  const { live } = draft.tables;
  const placed = live.getValuesCount(userKey(userId, epochs)) - live.getValuesCount(suspendedOfUser(userId, epochs));
  return placed + draft.freshUnder(userId, epochs).length;
}
