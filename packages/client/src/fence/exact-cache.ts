import { hash } from 'node:crypto';
import {
  type AliasCredential,
  type Change,
  type Credential,
  idOf,
  looksLike,
  looksLikeAlias,
  type Remaining,
  textOf,
} from '../protocol/index.ts';
import { Lease } from './lease.ts';
import { SessionCache } from './session-cache.ts';
import type { CautiousClock } from './timing.ts';

/** The answer to a question about a token or an alias: what to cache of its session, or why it is not valid. */
export type Found<Value> =
  | ({ active: true; id: string; userId: string; value: Value } & Remaining)
  | { active: false; reason: string };

export type Verdict<Value> = { active: true; value: Value } | { active: false; reason: string };

export type CacheStatistics = {
  /** Verifications that were answered from memory. */
  hits: number;
  /** Verifications that asked a question, or joined one that was open. */
  misses: number;
  /** Questions that were asked. */
  asked: number;
};

type Fill<Value> = {
  /** The session's; of an alias it is known only from the answer. */
  id: string | undefined;
  promise: Promise<Verdict<Value>>;
  /** Whether a change of its session, or of all sessions, arrived after it was asked (R13). */
  spoiled: boolean;
  /** How many changes of a whole user had arrived when it was asked: its user is known only from the answer. */
  heard: number;
  /** The same of changes of single sessions, which matter to a question about an alias. */
  touched: number;
  /** Whether the lease was valid when it was asked, and how often it had been broken until then (R14). */
  leased: boolean;
  breaks: number;
};

type Settings<Value> = {
  clock: CautiousClock;
  /** The maximum number of cached sessions. */
  capacity: number;
  /** Whether the use of sessions is collected for `takeUsed`. */
  reportsUse: boolean;
  /** Asks a reader of the store, which answers with what it read after it got the question (R12). */
  ask(credential: Credential): Promise<Found<Value>>;
};

/** Milliseconds between questions about tokens with a wrong secret for the same cached session. */
const mismatchPause = 1000;

/**
 * What a verifier knows: sessions, trusted while the lease is valid, and the open questions. Changes only drop entries
 * (R6). In an application the changes come from a stream; in a node, from the log itself.
 */
export class ExactCache<Value> {
  readonly lease: Lease;
  readonly statistics: CacheStatistics = { hits: 0, misses: 0, asked: 0 };
  readonly #clock: CautiousClock;
  readonly #ask: Settings<Value>['ask'];
  readonly #reportsUse: boolean;
  readonly #cache: SessionCache<Value>;
  /** Every open question: an earlier one still hears of changes after a later one about the same credential was asked. */
  readonly #open: Set<Fill<Value>> = new Set();
  /** The question that a verification of a credential may join. */
  readonly #newest: Map<string, Fill<Value>> = new Map();
  readonly #mismatches: Map<string, number> = new Map();
  /**
   * The number of changes of a whole user so far; and each user's last one, as far back as the oldest open question.
   */
  #heard = 0;
  readonly #users: Map<string, number> = new Map();
  /** The same of changes of single sessions: each one's last, as long as a question about an alias is open. */
  #touched = 0;
  readonly #sessions: Map<string, number> = new Map();
  #openAliases = 0;
  /** The names of rows. */
  #used: Set<string> = new Set();

  constructor({ clock, capacity, reportsUse, ask }: Settings<Value>) {
    this.#reportsUse = reportsUse;
    this.#clock = clock;
    this.#ask = ask;
    this.lease = new Lease(clock);
    this.#cache = new SessionCache(capacity);
  }

  /**
   * What is known about a token or an alias now; `undefined` if a question is needed. Checking the lease, looking up and
   * answering are one step (R11): nothing is awaited between them.
   */
  check(credential: Credential): Value | undefined {
    return typeof credential === 'string' ? this.#checkToken(credential) : this.#checkAlias(credential);
  }

  #checkToken(token: string): Value | undefined {
    const now = this.#clock.now();
    // Aliases are in the same table. Without the prefix of a token, the text of an alias would count as one.
    if (!this.lease.validAt(now) || !looksLike('session', token)) return undefined;
    return this.#known(hashOf(token), now);
  }

  #checkAlias(alias: AliasCredential): Value | undefined {
    const now = this.#clock.now();
    if (!this.lease.validAt(now) || !looksLikeAlias(alias)) return undefined;
    return this.#known(hashOf(textOf(alias)), now);
  }

  #known(hash: string, now: number): Value | undefined {
    const row = this.#cache.findToken(hash);
    if (row < 0) return undefined;
    // A deadline known here has passed, but another application may have seen activity since: ask.
    if (!this.#cache.lives(row, now)) return undefined;
    if (this.#cache.use(row, now) && this.#reportsUse) this.#used.add(this.#cache.nameOf(row));
    this.statistics.hits += 1;
    return this.#cache.valueOf(row);
  }

  async resolve(credential: Credential): Promise<Verdict<Value>> {
    const isToken = typeof credential === 'string';
    const hasForm = isToken ? looksLike('session', credential) : looksLikeAlias(credential);
    if (!hasForm) return { active: false, reason: 'malformed' };
    const value = this.check(credential);
    if (value !== undefined) return { active: true, value };
    this.statistics.misses += 1;
    const id = isToken ? idOf(credential) : undefined;
    const text = textOf(credential);
    if (id !== undefined && this.#isGuess(id, text)) return { active: false, reason: 'unknown' };
    const open = this.#newest.get(text);
    if (!open || !this.mayJoin(open)) return this.#fill(id, credential, text);
    if (id !== undefined) return open.promise;
    // Unlike a token, an alias exists before its session: a question from before that one was created knows nothing of it,
    // and no change tells of a creation.
    const verdict = await open.promise;
    return verdict.active ? verdict : this.#fill(id, credential, text);
  }

  /** Receives the changes, in the order of the log. */
  drop(change: Change): void {
    if ('sessionId' in change) this.#cache.drop(change.sessionId);
    else if ('userId' in change) this.#cache.dropUser(change.userId);
    else this.#cache.clear();
    if ('sessionId' in change) this.#noteSession(change.sessionId);
    if ('userId' in change) this.noteUser(change.userId);
    else for (const fill of this.#open) if (!('sessionId' in change) || change.sessionId === fill.id) this.spoil(fill);
  }

  /** Drops everything: answers to open questions will not be cached. */
  empty(): void {
    this.lease.drop();
    this.#cache.clear();
    this.#used.clear();
    for (const fill of this.#open) fill.spoiled = true;
    this.#newest.clear();
  }

  /** Sessions whose use is to be reported, and how long ago their last use was; at most `most` of them. */
  takeUsed(most: number): [id: string, ago: number][] {
    const now = this.#clock.now();
    const taken: [string, number][] = [];
    for (const name of this.#used) {
      if (taken.length === most) break;
      this.#used.delete(name);
      const row = this.#cache.findNamed(name);
      if (row >= 0) taken.push([this.#cache.idOf(row), now - this.#cache.lastUse(row)]);
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
    // A user who changes again moves to the end.
    this.#users.delete(userId);
    this.#users.set(userId, this.#heard);
  }

  #noteSession(id: string): void {
    this.#touched += 1;
    if (this.#openAliases === 0) return;
    this.#sessions.delete(id);
    this.#sessions.set(id, this.#touched);
  }

  /** R14: a verification joins a question only if no change can have been missed since it was asked. */
  protected mayJoin(fill: Fill<Value>): boolean {
    const unchanged = !fill.spoiled && fill.heard === this.#heard;
    if (fill.id === undefined && fill.touched !== this.#touched) return false;
    return unchanged && fill.leased && fill.breaks === this.lease.breaks && this.lease.valid;
  }

  /** R13: an answer is cached only if neither the session, its user nor everyone has changed since the question. */
  protected mayKeep(fill: Fill<Value>, id: string, userId: string): boolean {
    if (fill.id === undefined && (this.#sessions.get(id) ?? 0) > fill.touched) return false;
    return !fill.spoiled && (this.#users.get(userId) ?? 0) <= fill.heard;
  }

  #fill(id: string | undefined, credential: Credential, text: string): Promise<Verdict<Value>> {
    const fill: Fill<Value> = {
      id,
      promise: undefined as never,
      spoiled: false,
      heard: this.#heard,
      touched: this.#touched,
      leased: this.lease.valid,
      breaks: this.lease.breaks,
    };
    fill.promise = this.#answer(fill, credential, text);
    this.#open.add(fill);
    if (id === undefined) this.#openAliases += 1;
    this.#newest.set(text, fill);
    return fill.promise;
  }

  async #answer(fill: Fill<Value>, credential: Credential, text: string): Promise<Verdict<Value>> {
    this.statistics.asked += 1;
    // Durations count from the question: the store was read later, so no more time than that was left.
    const asked = this.#clock.now();
    try {
      const found = await this.#ask(credential);
      if (!found.active) return found;
      const { userId, value, idle } = found;
      const { id = found.id } = fill;
      if (this.mayKeep(fill, id, userId)) {
        const tokenHash = hashOf(text);
        this.#cache.put({
          id,
          alias: fill.id === undefined ? tokenHash : undefined,
          userId,
          tokenHash,
          expires: asked + found.expiresIn,
          idleUntil: asked + found.idleIn,
          idle,
          value,
        });
        if (fill.id !== undefined) this.#mismatches.delete(fill.id);
      }
      return { active: true, value };
    } finally {
      this.#close(fill);
      // A later question may have replaced it.
      if (this.#newest.get(text) === fill) this.#newest.delete(text);
    }
  }

  #close(fill: Fill<Value>): void {
    this.#open.delete(fill);
    const [oldest] = this.#open;
    for (const [userId, last] of this.#users) {
      if (oldest && last > oldest.heard) break;
      this.#users.delete(userId);
    }
    if (fill.id === undefined) this.#closeAlias();
  }

  /** Forgets the changes that no open question about an alias has to be compared with. */
  #closeAlias(): void {
    this.#openAliases -= 1;
    const oldest = this.#openAliases > 0 ? [...this.#open].find(({ id }) => id === undefined) : undefined;
    for (const [id, last] of this.#sessions) {
      if (oldest && last > oldest.touched) break;
      this.#sessions.delete(id);
    }
  }

  /**
   * Whether the session is cached with a secret other than this token's, and was asked about a moment ago: somebody who
   * guesses causes one question a second. A session's own new token comes with a change, which drops the cached
   * session.
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

/** The SHA-256 of a token as text of 32 characters: a buffer would cost three times as much as computing the hash. */
function hashOf(token: string): string {
  return hash('sha256', token, 'binary');
}
