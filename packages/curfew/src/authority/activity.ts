import type { SessionId } from '../domain/brand.ts';
import { minute, second } from '../domain/limits.ts';
import type { StoredSession } from '../domain/session.ts';
import type { Store } from '../stores/contract.ts';

/** A session's activity is written down once a minute; sooner where its idle limit is short. */
const coalesce = minute;
const partOfIdle = 10;
/** Sessions that may wait to be written; more are flushed at once. */
const mostPending = 50_000;

type Seen = { at: number; due: number };

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
      this.#seen.set(stored.id, { at: now, due: stored.lastSeenAt + pauseOf(stored) });
      if (this.#seen.size > mostPending) void this.flush(now).catch(() => {});
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
    if (!noted) this.#seen.set(id, { at, due: at });
    else if (at > noted.at) noted.at = at;
    if (this.#seen.size > mostPending) void this.flush(at).catch(() => {});
  }

  /** Writes down what is due at `now`, or, without, all of it. One flush at a time. */
  flush(now: number = Number.POSITIVE_INFINITY): Promise<void> {
    this.#flushing ??= this.#flush(now).finally(() => {
      this.#flushing = undefined;
    });
    return this.#flushing;
  }

  async #flush(now: number): Promise<void> {
    const due = [...this.#seen].filter(([, seen]) => seen.due <= now);
    if (due.length === 0) return;
    await this.#store.touchSessions(due.map(([id, { at }]) => ({ id, at })));
    for (const [id, { at }] of due) {
      // Noted again meanwhile: that moment waits for the next turn.
      const seen = this.#seen.get(id);
      if (seen && seen.at > at) seen.due = at + coalesce;
      else this.#seen.delete(id);
    }
  }
}

function pauseOf({ idle }: StoredSession): number {
  return Math.min(coalesce, idle / partOfIdle);
}

/** How often the due ones are looked for. */
export const flushInterval = second;
