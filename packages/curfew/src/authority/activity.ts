import { pauseBetweenUses } from 'curfew-client/protocol';
import type { SessionId } from '../domain/brand.ts';
import { second } from '../domain/limits.ts';
import type { StoredSession } from '../domain/session.ts';
import { isCurfewError } from '../errors.ts';
import { PartlyTouched, type Store } from '../stores/contract.ts';

/** The number of sessions that may wait to be written; if there are more, all are written immediately. */
const mostPending = 50_000;
/** How many sessions are written together. */
const piece = 1000;

/**
 * `pause`: milliseconds from one write to the next. `until`: the idle deadline, by what is written; a use after it counts
 * because of the one `before` it, which is written first.
 */
type Seen = { at: number; due: number; pause: number; idle: number; until: number; before?: number };

type Touch = { id: SessionId; at: number };

/**
 * When sessions were last seen. A verification never writes: it notes the time here, and batches are written to the
 * store. A noted time counts for the idle limit at once on this node, and on the others once it is flushed.
 */
export class Activity {
  readonly #store: Store;
  #seen: Map<SessionId, Seen> = new Map();
  #flushing: Promise<void> | undefined;

  constructor(store: Store) {
    this.#store = store;
  }

  /** The later of the stored time and the noted one. */
  lastSeen(stored: StoredSession): number {
    const noted = this.#seen.get(stored.id);
    return noted && noted.at > stored.lastSeenAt ? noted.at : stored.lastSeenAt;
  }

  note(stored: StoredSession, now: number): void {
    const noted = this.#seen.get(stored.id);
    if (noted) {
      if (now >= noted.until) noted.before ??= noted.at;
      noted.at = now;
    } else {
      const pause = pauseBetweenUses(stored.idle);
      const { lastSeenAt, idle } = stored;
      this.#seen.set(stored.id, { at: now, due: lastSeenAt + pause, pause, idle, until: lastSeenAt + idle });
    }
  }

  /**
   * Like {@link note}, for a session in this process's memory: its own `lastSeenAt` is updated once it is due to be
   * written, so that it is not due again at once.
   */
  noteRemembered(stored: StoredSession, now: number): void {
    this.note(stored, now);
    if (now >= stored.lastSeenAt + pauseBetweenUses(stored.idle)) stored.lastSeenAt = now;
  }

  /** Notes what a verifier has reported. It is due at once, because the verifier has already held it for a while. */
  report(id: SessionId, at: number): void {
    const noted = this.#seen.get(id);
    const never = Number.POSITIVE_INFINITY;
    if (!noted) this.#seen.set(id, { at, due: at, pause: 0, idle: never, until: never });
    else if (at > noted.at) noted.at = at;
  }

  /**
   * Writes what is due at `now`, or, without `now`, everything. Flushes run one at a time; none is shared, because one
   * that is running may leave out what this call asks for. What cannot be written is kept for the next flush.
   */
  async flush(now: number = Number.POSITIVE_INFINITY): Promise<void> {
    while (this.#flushing) await this.#flushing.catch(() => {});
    this.#flushing = this.#flush(now);
    try {
      await this.#flushing;
    } finally {
      this.#flushing = undefined;
    }
  }

  async #flush(now: number): Promise<void> {
    const crowded = this.#seen.size > mostPending;
    const due = [...this.#seen].filter(([, seen]) => crowded || seen.due <= now);
    // Earlier uses come first, in calls of their own: without them, the store takes later ones for too late.
    const earlier = due.flatMap(([id, { before }]) => (before === undefined ? [] : [{ id, at: before }]));
    const failures: unknown[] = [];
    const isLost = (id: SessionId) => failures.some((fault) => lacks(fault, id));
    for (const touches of [earlier, due.map(([id, { at }]) => ({ id, at }))]) {
      for (let from = 0; from < touches.length; from += piece) {
        // One try is enough for each part of the store, and the rest does not wait.
        const activities = touches.slice(from, from + piece).filter(({ id }) => !isLost(id));
        if (activities.length === 0) continue;
        try {
          await this.#store.touchSessions(activities);
          this.#written(activities);
        } catch (fault) {
          failures.push(fault);
          if (fault instanceof PartlyTouched) this.#written(activities.filter(({ id }) => !fault.lacks(id)));
        }
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  #written(activities: readonly Touch[]): void {
    for (const { id, at } of activities) {
      // The session was seen again meanwhile; the later time waits for the next flush.
      const seen = this.#seen.get(id);
      if (seen && seen.at > at) {
        seen.due = at + seen.pause;
        seen.until = at + seen.idle;
        if (seen.before === at) delete seen.before;
      } else this.#seen.delete(id);
    }
  }
}

/** Whether a fault says that the part of the store that has a session is out of reach. */
function lacks(fault: unknown, id: SessionId): boolean {
  if (fault instanceof PartlyTouched) return fault.lacks(id);
  return isCurfewError(fault, 'store_unavailable', 'outcome_unknown');
}

/** How often due sessions are flushed. */
export const flushInterval = second;
