import { hash } from 'node:crypto';
import { Lease } from './lease.ts';
import type { Change, Remaining } from './messages.ts';
import { SessionCache } from './session-cache.ts';
import type { CautiousClock } from './timing.ts';

/** What whoever is asked says of a token: what to keep of its session, or why it is not good. */
export type Found<Value> =
  | ({ active: true; id: string; userId: string; value: Value } & Remaining)
  | { active: false; reason: string };

export type Verdict<Value> = { active: true; value: Value } | { active: false; reason: string };

export type CacheStatistics = {
  /** Verifications that were answered from memory. */
  hits: number;
  /** Verifications that asked, or joined one that asked. */
  misses: number;
  /** Questions. */
  asked: number;
};

type Fill<Value> = {
  id: string;
  promise: Promise<Verdict<Value>>;
  /** A change of its session, or of all sessions, came after it was asked (R13). */
  spoiled: boolean;
  /** How many changes of all of a user had been heard of when it was asked: its user is known only from the answer. */
  heard: number;
  /** Whether the lease held when it was asked, and how often it had been broken until then (R14). */
  leased: boolean;
  breaks: number;
};

type Settings<Value> = {
  clock: CautiousClock;
  /** Sessions that are kept at most. */
  capacity: number;
  /** Whether somebody takes what was used, with `takeUsed`. */
  reportsUse: boolean;
  /** Asks whoever can read the store, and answers with what was read after the question came (R12). */
  ask(token: string): Promise<Found<Value>>;
};

const prefix = 'cfs_';
const idEnd = 26;
const tokenLength = 75;
/** How often a token with a wrong secret for a known session is asked about. */
const mismatchPause = 1000;

/**
 * What a verifier knows: sessions, believed for as long as the lease holds, and the questions that are open. Changes
 * only drop (R6). In an application it hangs on a stream; in a node it is fed by the log itself.
 */
export class ExactCache<Value> {
  readonly lease: Lease;
  readonly statistics: CacheStatistics = { hits: 0, misses: 0, asked: 0 };
  readonly #clock: CautiousClock;
  readonly #ask: Settings<Value>['ask'];
  readonly #reportsUse: boolean;
  readonly #cache: SessionCache<Value>;
  /** Every question that is open: a later one about the same token does not make the earlier unheard of changes. */
  readonly #open: Set<Fill<Value>> = new Set();
  /** The one that a verification of a token may join. */
  readonly #newest: Map<string, Fill<Value>> = new Map();
  readonly #mismatches: Map<string, number> = new Map();
  /** Changes of all of a user so far; and which one was a user's last, as far back as the oldest open question goes. */
  #heard = 0;
  readonly #users: Map<string, number> = new Map();
  #used: Set<string> = new Set();

  constructor({ clock, capacity, reportsUse, ask }: Settings<Value>) {
    this.#reportsUse = reportsUse;
    this.#clock = clock;
    this.#ask = ask;
    this.lease = new Lease(clock);
    this.#cache = new SessionCache(capacity);
  }

  /**
   * What is known of a token now; `undefined` when it takes a question. Lease, look-up and answer are one step (R11):
   * nothing is awaited between them.
   */
  check(token: string): Value | undefined {
    const now = this.#clock.now();
    if (!this.lease.validAt(now) || token.length !== tokenLength) return undefined;
    const row = this.#cache.findToken(hashOf(token));
    if (row < 0) return undefined;
    // Past a deadline as it is known here: another application may have seen activity, so that is a question.
    if (!this.#cache.lives(row, now)) return undefined;
    if (this.#cache.use(row, now) && this.#reportsUse) this.#used.add(sessionIdOf(token));
    this.statistics.hits += 1;
    return this.#cache.valueOf(row);
  }

  async resolve(token: string): Promise<Verdict<Value>> {
    if (token.length !== tokenLength || !token.startsWith(prefix)) return { active: false, reason: 'malformed' };
    const value = this.check(token);
    if (value !== undefined) return { active: true, value };
    this.statistics.misses += 1;
    const id = sessionIdOf(token);
    if (this.#isGuess(id, token)) return { active: false, reason: 'unknown' };
    const open = this.#newest.get(token);
    return open && this.mayJoin(open) ? open.promise : this.#fill(id, token);
  }

  /** Hears of changes, in the order of the log. */
  drop(change: Change): void {
    if ('sessionId' in change) this.#cache.drop(change.sessionId);
    else if ('userId' in change) this.#cache.dropUser(change.userId);
    else this.#cache.clear();
    if ('userId' in change) this.noteUser(change.userId);
    else for (const fill of this.#open) if (!('sessionId' in change) || change.sessionId === fill.id) this.spoil(fill);
  }

  /** Lets go of everything: nothing that is still asked will be kept. */
  empty(): void {
    this.lease.drop();
    this.#cache.clear();
    this.#used.clear();
    for (const fill of this.#open) fill.spoiled = true;
    this.#newest.clear();
  }

  /** Sessions whose use is to be reported, and how long ago the last one was; at most so many. */
  takeUsed(most: number): [id: string, ago: number][] {
    const now = this.#clock.now();
    const taken: [string, number][] = [];
    for (const id of this.#used) {
      if (taken.length === most) break;
      this.#used.delete(id);
      const at = this.#cache.lastUse(id);
      if (at !== undefined) taken.push([id, now - at]);
    }
    return taken;
  }

  get openQuestions(): number {
    return this.#open.size;
  }

  get sessions(): number {
    return this.#cache.size;
  }

  protected spoil(fill: Fill<Value>): void {
    fill.spoiled = true;
  }

  protected noteUser(userId: string): void {
    this.#heard += 1;
    if (this.#open.size === 0) return;
    // The last one stands last.
    this.#users.delete(userId);
    this.#users.set(userId, this.#heard);
  }

  /** R14: a verification joins a question only if nothing could have changed unheard since it was asked. */
  protected mayJoin(fill: Fill<Value>): boolean {
    const unchanged = !fill.spoiled && fill.heard === this.#heard;
    return unchanged && fill.leased && fill.breaks === this.lease.breaks && this.lease.valid;
  }

  /** R13: what is kept has not changed since it was asked for: neither the session, nor all of its user, nor all. */
  protected mayKeep(fill: Fill<Value>, userId: string): boolean {
    return !fill.spoiled && (this.#users.get(userId) ?? 0) <= fill.heard;
  }

  #fill(id: string, token: string): Promise<Verdict<Value>> {
    const fill: Fill<Value> = {
      id,
      promise: undefined as never,
      spoiled: false,
      heard: this.#heard,
      leased: this.lease.valid,
      breaks: this.lease.breaks,
    };
    fill.promise = this.#answer(fill, token);
    this.#open.add(fill);
    this.#newest.set(token, fill);
    return fill.promise;
  }

  async #answer(fill: Fill<Value>, token: string): Promise<Verdict<Value>> {
    this.statistics.asked += 1;
    // Durations count from the question: what was read later had at most that much left.
    const asked = this.#clock.now();
    try {
      const found = await this.#ask(token);
      if (!found.active) return found;
      const { userId, value, idle } = found;
      if (this.mayKeep(fill, userId)) {
        this.#cache.put({
          id: fill.id,
          userId,
          tokenHash: hashOf(token),
          expires: asked + found.expiresIn,
          idleUntil: asked + found.idleIn,
          idle,
          value,
        });
        this.#mismatches.delete(fill.id);
      }
      return { active: true, value };
    } finally {
      this.#close(fill);
      // A later one may have taken its place.
      if (this.#newest.get(token) === fill) this.#newest.delete(token);
    }
  }

  #close(fill: Fill<Value>): void {
    this.#open.delete(fill);
    const [oldest] = this.#open;
    for (const [userId, last] of this.#users) {
      if (oldest && last > oldest.heard) break;
      this.#users.delete(userId);
    }
  }

  /**
   * Whether a token has another secret than the session's, which is known, and was asked about a moment ago: whoever
   * guesses costs one question a second. A session's own new token comes with a change, which drops what is known.
   */
  #isGuess(id: string, token: string): boolean {
    if (!this.lease.valid) return false;
    const row = this.#cache.find(id);
    if (row < 0 || this.#cache.matches(row, hashOf(token))) return false;
    const now = this.#clock.now();
    if (now - (this.#mismatches.get(id) ?? Number.NEGATIVE_INFINITY) < mismatchPause) return true;
    if (this.#mismatches.size >= 1000) this.#mismatches.clear();
    this.#mismatches.set(id, now);
    return false;
  }
}

/** The session that a token is of, by what it says itself. */
export function sessionIdOf(token: string): string {
  return token.slice(prefix.length, idEnd);
}

/** As text of 32 characters: a buffer would cost three times what the hash does. */
function hashOf(token: string): string {
  return hash('sha256', token, 'binary');
}
