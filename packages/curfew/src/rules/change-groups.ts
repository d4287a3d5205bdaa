import { storeEvents } from '../domain/events.ts';
import { changeGroups as groupsAfter } from '../domain/groups.ts';
import { deadlineEnd } from '../domain/session.ts';
import type { Engine, RowChange, SessionsOfUser } from '../stores/commit.ts';
import type { GroupsOfUser, GroupsOutcome } from '../stores/contract.ts';
import { type Decision, settle } from './deciding.ts';

/**
 * Changes access groups on all of a user's sessions that have not ended, or on one of them.
 * @throws `too_many_groups`
 */
export async function changeGroups(engine: Engine, asked: GroupsOfUser): Promise<GroupsOutcome> {
  const outcome = await settle(
    engine,
    await engine.readSessionsOf(asked.userId),
    (picture) => decide(picture, asked),
    () => engine.readSessionsOf(asked.userId),
  );
  return outcome === 'unchanged' ? { kind: 'changed', updated: 0, sequence: await engine.head() } : outcome;
}

function decide(
  { on, sessions }: SessionsOfUser,
  { userId, change, only, by, now }: GroupsOfUser,
): Decision<GroupsOutcome | 'unchanged'> {
  const live = sessions.filter((stored) => !deadlineEnd(stored, now));
  const chosen = only === undefined ? live : live.filter(({ id }) => id === only);
  if (only !== undefined && chosen.length === 0) return { answer: { kind: 'not_found' } };
  const rows: RowChange[] = chosen.flatMap((stored) => {
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
