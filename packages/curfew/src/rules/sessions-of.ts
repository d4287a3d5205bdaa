import { setImmediate } from 'node:timers/promises';
import type { SessionId, UserId } from '../domain/brand.ts';
import type { StoredSession } from '../domain/session.ts';
import type { Engine, Standing } from '../stores/commit.ts';

/** How many sessions are read in one turn of the event loop. */
const page = 250;

/** `more`: the user has others than these. */
export type LiveSessions = { on: Standing; sessions: readonly StoredSession[]; more: boolean };

/**
 * The oldest sessions of a user, at most `most`, whose end is not recorded and that no epoch has ended. Others have their
 * turn while very many are read; what is decided on all of them holds if no session was created or ended since `on`.
 */
export async function sessionsOf(engine: Engine, userId: UserId, most: number): Promise<LiveSessions> {
  const sessions: StoredSession[] = [];
  let on: Standing | undefined;
  let after: SessionId | undefined;
  do {
    if (on) await setImmediate();
    const limit = Math.min(page, most - sessions.length);
    const read = await engine.readSessionsOf(userId, { after, limit });
    on ??= read.on;
    sessions.push(...read.sessions);
    after = read.next;
  } while (after !== undefined && sessions.length < most);
  return { on, sessions, more: after !== undefined };
}
