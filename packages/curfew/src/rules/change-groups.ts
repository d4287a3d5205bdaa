import type { SessionId } from '../domain/brand.ts';
import { storeEvents } from '../domain/events.ts';
import { changeGroups as groupsAfter } from '../domain/groups.ts';
import { limits } from '../domain/limits.ts';
import { deadlineEnd, endOf, type StoredSession } from '../domain/session.ts';
import { CurfewError } from '../errors.ts';
import type { Engine, RowChange, Standing } from '../stores/commit.ts';
import type { GroupsOfUser, GroupsOutcome, SessionSnapshot } from '../stores/contract.ts';
import { type Decision, settle } from './deciding.ts';
import { type LiveSessions, sessionsOf } from './sessions-of.ts';

/**
 * Changes access groups on all of a user's sessions that have not ended, or on one of them.
 * @throws `too_many_groups`, `too_many_to_change`
 */
export async function changeGroups(engine: Engine, asked: GroupsOfUser): Promise<GroupsOutcome> {
  const outcome = await (asked.only === undefined ? changeAll(engine, asked) : changeOne(engine, asked, asked.only));
  return outcome === 'unchanged' ? { kind: 'changed', updated: 0, sequence: await engine.head() } : outcome;
}

type Changed = GroupsOutcome | 'unchanged';

async function changeAll(engine: Engine, asked: GroupsOfUser): Promise<Changed> {
  const read = () => sessionsOf(engine, asked.userId, limits.changedAtOnce);
  return settle(engine, await read(), (live) => decideAll(live, asked), read);
}

/** All are changed in one step, which keeps everybody else waiting, so there must not be very many. */
function decideAll({ on, sessions, more }: LiveSessions, asked: GroupsOfUser): Decision<Changed> {
  if (more) {
    const detail = `The user has more than ${limits.changedAtOnce}.`;
    throw new CurfewError('too_many_to_change', { detail });
  }
  return changing(
    on,
    sessions.filter((stored) => !deadlineEnd(stored, asked.now)),
    asked,
  );
}

async function changeOne(engine: Engine, asked: GroupsOfUser, only: SessionId): Promise<Changed> {
  return settle(
    engine,
    await engine.readSession(only),
    (found) => decideOne(found, asked),
    ({ sessions }) => sessions.get(only),
  );
}

function decideOne(found: SessionSnapshot | undefined, asked: GroupsOfUser): Decision<Changed> {
  const gone = !found || found.stored.userId !== asked.userId || endOf(found.stored, found.epochEnd, asked.now);
  if (gone) return { answer: { kind: 'not_found' } };
  return changing({ userId: asked.userId, ...found.stored.epochs }, [found.stored], asked);
}

function changing(
  on: Standing,
  sessions: readonly StoredSession[],
  { userId, change, only, by, now }: GroupsOfUser,
): Decision<Changed> {
  const rows: RowChange[] = sessions.flatMap((stored) => {
    const accessGroups = groupsAfter(stored.accessGroups, change);
    if (!accessGroups) return [];
    return [{ table: 'sessions', before: stored, after: { ...stored, accessGroups, version: stored.version + 1 } }];
  });
  if (rows.length === 0) return { answer: 'unchanged' };
  return {
    change: {
      at: now,
      on,
      rows,
      log: [{ userId }],
      events: [storeEvents.groupsChanged(userId, only, change, rows.length, by, now)],
    },
    answered: ({ sequences }) => ({ kind: 'changed', updated: rows.length, sequence: sequences[0]! }),
  };
}
