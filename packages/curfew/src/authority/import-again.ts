import { pauseBetweenUses } from 'curfew-client/protocol';
import type { Alias } from '../domain/alias.ts';
import { aliasIn } from '../domain/alias.ts';
import type { UserId } from '../domain/brand.ts';
import { endOf, type StoredSession } from '../domain/session.ts';
import { CurfewError } from '../errors.ts';
import type { SessionSnapshot, Store } from '../stores/contract.ts';

/** A session as its own store has it at a later import. Times are epoch milliseconds. */
export type FoundAgain = {
  alias: Alias;
  userId: UserId;
  lastSeenAt: number;
  idle: number;
  /** Whether its own store knows an end of it; without one, nothing shows that it was used. */
  hasEnd: boolean;
};

/**
 * `renewed`: it was used there since, which counts here as well. `timedOut`: the same, but it has ended here meanwhile,
 * because nobody used it here.
 */
export type AgainOutcome = 'already' | 'renewed' | 'timedOut';

/** How often a change is tried that others make in vain. */
const tries = 3;

/**
 * What becomes of a session whose alias is here already. If an earlier import made it and it was used in its own store
 * since, its last use and with it its end here move forward. A session that has ended here stays ended.
 * @throws `alias_taken` if it is another user's
 */
export async function importAgain(
  store: Store,
  holder: SessionSnapshot,
  found: FoundAgain,
  now: number,
  dryRun: boolean,
): Promise<AgainOutcome> {
  let current: SessionSnapshot | undefined = holder;
  for (let tried = 0; current && tried < tries; tried += 1) {
    const { stored, epochEnd }: SessionSnapshot = current;
    if (stored.userId !== found.userId) {
      throw new CurfewError('alias_taken', { detail: `Session ${stored.id} has it, which is another user's.` });
    }
    const use = laterUse(stored, found);
    if (!use) return 'already';
    const end = endOf(stored, epochEnd, now);
    if (end) return end.reason === 'idle' || end.reason === 'expired' ? 'timedOut' : 'already';
    if (dryRun || (await setUse(store, stored, use, now))) return 'renewed';
    current = await store.readSessionByAlias(found.alias);
  }
  return 'already';
}

/** The last use and the idle limit with which it ends when it ends there, if that is later than here. */
function laterUse(stored: StoredSession, found: FoundAgain): { lastSeenAt: number; idle: number } | undefined {
  // Only an import opens sessions with no permission at all. One that has its own tokens is used here.
  const isImported = stored.openedWith?.length === 0 && stored.refresh.rotations === 0;
  if (!found.hasEnd || !isImported || stored.suspended) return undefined;
  if (aliasIn(stored, found.alias)?.spentAt !== undefined) return undefined;
  const end = found.lastSeenAt + found.idle;
  // The end is not known to the millisecond, so that most sessions would move a little at each import.
  const least = stored.lastSeenAt + stored.idle + pauseBetweenUses(stored.idle);
  if (Math.min(end, stored.expiresAt) < least) return undefined;
  // The idle limit is never shortened.
  const lastSeenAt = Math.max(stored.lastSeenAt, Math.min(found.lastSeenAt, end - stored.idle));
  return { lastSeenAt, idle: end - lastSeenAt };
}

/** Whether it was set; if not, the session has changed since it was read. */
async function setUse(
  store: Store,
  { id, version, idle: before }: StoredSession,
  { lastSeenAt, idle }: { lastSeenAt: number; idle: number },
  now: number,
): Promise<boolean> {
  if (idle > before) {
    const change = { id, version, set: { lastSeenAt, idle }, logged: true, now };
    return (await store.changeSession(change)).kind === 'changed';
  }
  await store.touchSessions([{ id, at: lastSeenAt }]);
  return true;
}
