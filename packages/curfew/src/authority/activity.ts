import type { SessionId } from '../domain/brand.ts';
import { minute, second } from '../domain/limits.ts';
import type { StoredSession } from '../domain/session.ts';
import type { Store } from '../stores/contract.ts';

/** A session's activity is written down once a minute; sooner where its idle limit is short. */
const coalesce = minute;
const partOfIdle = 10;
/** Sessions that may wait to be written: when there are more, none waits any longer. */
const mostPending = 50_000;
/** Sessions that are written at a time. */
const piece = 1000;

/** `pause`: milliseconds from one writing to the next. */
type Seen = { at: number; due: number; pause: number };

/**
 * When sessions were last seen. A verification never writes: it notes the moment here, and batches go to the store.
 * What is noted counts for the idle limit at once on this node, and on the others when it is flushed.
 */
export class Activity {
  readonly #store: Store;
  #seen: Map<SessionId, Seen> = new Map();
  #flushing: Promise<void> | undefined;

  constructor(store: Store) {
    this.#store = store;
  }

  /** The later of what is kept and what was noted. */
  lastSeen(stored: StoredSession): number {
    const noted = this.#seen.get(stored.id);
    return noted && noted.at > stored.lastSeenAt ? noted.at : stored.lastSeenAt;
  }

  note(stored: StoredSession, now: number): void {
    const noted = this.#seen.get(stored.id);
    if (noted) noted.at = now;
    else {
      const pause = pauseOf(stored);
      this.#seen.set(stored.id, { at: now, due: stored.lastSeenAt + pause, pause });
    }
  }

  /**
   * As {@link note}, of a session that this process remembers: what it knows of its activity moves on once it is due
   * to be written down, so that it is not due again at once.
   */
  noteRemembered(stored: StoredSession, now: number): void {
    this.note(stored, now);
    if (now >= stored.lastSeenAt + pauseOf(stored)) stored.lastSeenAt = now;
  }

  /** Notes what a verifier has reported, which has taken its time to gather it already. */
  report(id: SessionId, at: number): void {
    const noted = this.#seen.get(id);
    if (!noted) this.#seen.set(id, { at, due: at, pause: 0 });
    else if (at > noted.at) noted.at = at;
  }

  /**
   * Writes down what is due at `now`, or, without, all of it. One flush at a time, each for itself: what is under way
   * may leave out what is asked for now.
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
    const due = [...this.#seen].filter(([, seen]) => crowded || seen.due <= now).map(([id, { at }]) => ({ id, at }));
    for (let from = 0; from < due.length; from += piece) {
      const activities = due.slice(from, from + piece);
      await this.#store.touchSessions(activities);
      for (const { id, at } of activities) {
        // Noted again meanwhile: that moment waits for the next turn.
        const seen = this.#seen.get(id);
        if (seen && seen.at > at) seen.due = at + seen.pause;
        else this.#seen.delete(id);
      }
    }
  }
}

function pauseOf({ idle }: StoredSession): number {
  return Math.min(coalesce, idle / partOfIdle);
}

/** How often the due ones are looked for. */
export const flushInterval = second;
