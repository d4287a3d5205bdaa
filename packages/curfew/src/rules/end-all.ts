import type { SessionId, UserId } from '../domain/brand.ts';
import { storeEvents } from '../domain/events.ts';
import type { End } from '../domain/reasons.ts';
import { endOf, type StoredSession } from '../domain/session.ts';
import type { Change, Engine } from '../stores/commit.ts';
import type { EpochOutcome, SessionSnapshot } from '../stores/contract.ts';
import { type Decision, settle } from './deciding.ts';

/** Ends all sessions of a user, or all but one. Without an exception there is nothing to read, and no conflict. */
export async function endSessionsOfUser(
  engine: Engine,
  userId: UserId,
  end: End,
  { except }: { except?: SessionId | undefined } = {},
): Promise<EpochOutcome> {
  if (except === undefined)
    return settle(
      engine,
      undefined,
      () => endingAll(userId, end, undefined),
      () => undefined,
    );
  return settle(
    engine,
    await engine.readSession(except),
    (spared) => decide(spared, userId, end),
    ({ sessions }) => sessions.get(except),
  );
}

function decide(spared: SessionSnapshot | undefined, userId: UserId, end: End): Decision<EpochOutcome> {
  const gone = !spared || spared.stored.userId !== userId || endOf(spared.stored, spared.epochEnd, end.at);
  return gone ? { answer: { kind: 'not_found' } } : endingAll(userId, end, spared.stored);
}

function endingAll(userId: UserId, end: End, spared: StoredSession | undefined): Decision<EpochOutcome> {
  return {
    change: stepOf(userId, end, spared),
    answered: ({ sequences, ended }) => ({ kind: 'ended', sequence: sequences[0]!, ended }),
  };
}

/** Moves a user's epoch past all sessions but one, which gets the new number. */
export function stepOf(userId: UserId, end: End, spared: StoredSession | undefined): Change {
  const event = storeEvents.userEnded(userId, end, 0, spared?.id);
  const next = spared && { ...spared.epochs, user: spared.epochs.user + 1 };
  return {
    at: end.at,
    urgent: true,
    on: spared && { userId, ...spared.epochs },
    rows: spared
      ? [{ table: 'sessions', before: spared, after: { ...spared, epochs: next!, version: spared.version + 1 } }]
      : [],
    step: { userId, end, left: spared && !spared.suspended ? 1 : 0, event },
    log: [{ userId }],
  };
}

export async function endEveryone(engine: Engine, end: End): Promise<{ sequence: number; ended: number }> {
  const change: Change = {
    at: end.at,
    urgent: true,
    step: { userId: undefined, end, left: 0, event: storeEvents.everyoneEnded(end, 0) },
    log: [{ all: true }],
  };
  return settle(
    engine,
    undefined,
    () => ({ change, answered: ({ sequences, ended }) => ({ sequence: sequences[0]!, ended }) }),
    () => undefined,
  );
}
