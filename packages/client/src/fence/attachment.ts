import { CurfewApiError } from '../errors.ts';
import {
  type AliasCredential,
  type Credential,
  type FromNode,
  type FromVerifier,
  mostSeen,
  protocolVersion,
  type Trouble,
  type VerifiedSession,
} from '../protocol/index.ts';
import { type CacheStatistics, ExactCache, type Found, type Verdict } from './exact-cache.ts';
import { frozen } from './frozen.ts';
import { CautiousClock, type Timing } from './timing.ts';

/** The sending half of an ordered stream; incoming messages are passed to the attachment. */
export type Stream = { send(message: FromVerifier): void; close(): void };

/** Why an attachment ended: the node ended it, or the stream was lost. */
export type Parting = { trouble?: Trouble | undefined; leaving: boolean };

export type AttachmentSettings = {
  timing: Timing;
  stream: Stream;
  key: string;
  holder: string;
  /** The name that people gave this verifier. */
  name?: string | undefined;
  capacity: number;
  /** Milliseconds that an answer may take. */
  patience: number;
  onReady(): void;
  onEnd(parting: Parting): void;
};

/** What is cached, and returned for each verification: created once, frozen with all it has, the same object every time. */
export type ActiveVerification = { readonly active: true; readonly session: VerifiedSession };

/** The stream was lost while a question was open: another node may still answer it. */
export class StreamLost extends Error {}

type Question = {
  readonly about: { token: string } | AliasCredential;
  readonly line: Line;
  resolve(found: Found<ActiveVerification>): void;
  reject(error: unknown): void;
  cancel(): void;
};

/** Questions of a kind: those in the queue are sent in their order, as soon as fewer than `most` are open at the node. */
type Line = { readonly most: number; open: number; readonly queue: Set<Question> };

/**
 * Renewals are requested every quarter of a lease, or sooner if the last grant would have expired by then: at three
 * fifths of it, or of a sixteenth of a lease if that is longer. A node that sends nothing for two leases is abandoned.
 */
const renewals = 4;
const ofGrant = 0.6;
const mostHalved = 16;
const silence = 2;
/**
 * Tokens and aliases have places of their own, so that neither waits for the other. Together they are half of what a
 * node allows.
 *
 * Answers about aliases may have data of 64 KiB, which is up to 128 KiB in a message, because each quote and backslash is
 * escaped there. A node cuts a stream on which it has queued 4 MiB: this many answers are at most 3 MiB and what they
 * have besides.
 */
const mostOpen = { tokens: 488, aliases: 24 };
const mostQueued = 10_000;

/**
 * A verifier's side of one stream: the lease, the cache and the open questions, which are created and discarded
 * together with it. The next attachment uses nothing of the previous one.
 */
export class Attachment {
  readonly #settings: AttachmentSettings;
  readonly #clock: CautiousClock;
  /** Those that are open at the node, by their numbers. */
  readonly #questions: Map<number, Question> = new Map();
  readonly #tokens: Line = newLine(mostOpen.tokens);
  readonly #aliases: Line = newLine(mostOpen.aliases);
  /** Verifications that wait for a lease. */
  #unleased: { resolve(): void; reject(error: unknown): void }[] = [];
  readonly #asked: Map<number, number> = new Map();
  readonly cache: ExactCache<ActiveVerification>;
  #lease = 0;
  /** Milliseconds of the last lease that was granted: shorter than a whole one for a holder that made others wait. */
  #length = 0;
  #numbers = 0;
  #over = false;
  #ready = false;
  #knowsAliases = false;
  #heardAt: number;
  /**
   * The node's clock and ours at the last grant: uses are reported by the node's clock, never as later than they
   * were.
   */
  #told: { theirs: number; ours: number } = { theirs: 0, ours: 0 };
  #groups: Map<string, readonly string[]> = new Map();
  #cancel: () => void = () => {};
  node = '';

  constructor(settings: AttachmentSettings, makeCache = newCache) {
    this.#settings = settings;
    this.#clock = new CautiousClock(settings.timing);
    this.#heardAt = settings.timing.mono();
    this.cache = makeCache(this.#clock, settings.capacity, (credential) => this.#ask(credential));
    const { key, holder, name, stream } = settings;
    stream.send({ type: 'hello', version: protocolVersion, key, holder, ...(name !== undefined && { name }) });
  }

  get over(): boolean {
    return this.#over;
  }

  get statistics(): CacheStatistics {
    return this.cache.statistics;
  }

  /**
   * Verifies a token or an alias, by a time of the monotonic clock. Without a lease it does not ask at once, because many other
   * callers would do the same: it gets the lease first, and then most verifications are answered from memory.
   */
  async verifyLeased(credential: Credential, until: number): Promise<Verdict<ActiveVerification>> {
    if (!this.cache.lease.valid) await this.#leased(until);
    return this.#inTime(this.cache.resolve(credential), until);
  }

  receive(message: FromNode): void {
    if (this.#over) return;
    this.#heardAt = this.#settings.timing.mono();
    switch (message.type) {
      case 'welcome':
        this.node = message.node;
        this.#knowsAliases = message.aliases === true;
        this.#lease = message.lease;
        this.#length = message.lease;
        this.#noteClock(message.now);
        this.#renew();
        return;
      case 'grant':
        this.#granted(message);
        return;
      case 'changes':
        for (const change of message.changes) this.cache.drop(change);
        // Dropped first, then acknowledged (R6).
        this.#settings.stream.send({ type: 'ack', sequence: message.changes.at(-1)!.sequence });
        return;
      case 'answer':
        this.#answered(message);
        return;
      case 'refused':
        if (message.question === undefined) this.end({ trouble: message.trouble, leaving: false });
        else this.#settle(message.question, ({ reject }) => reject(errorOf(message.trouble)));
        return;
      case 'leaving':
        this.leave(true);
    }
  }

  /** Says goodbye with an empty cache, so that nobody waits for what was granted. */
  leave(leaving = false): void {
    if (this.#over) return;
    this.cache.empty();
    this.#settings.stream.send({ type: 'bye' });
    this.end({ leaving });
  }

  /** Ends the attachment, because its stream was lost or is given up. */
  end(parting: Parting): void {
    if (this.#over) return;
    this.#over = true;
    this.#cancel();
    this.cache.empty();
    for (const { cancel, reject } of [...this.#questions.values(), ...this.#tokens.queue, ...this.#aliases.queue]) {
      cancel();
      reject(new StreamLost());
    }
    for (const all of [this.#questions, this.#tokens.queue, this.#aliases.queue]) all.clear();
    for (const { reject } of this.#unleased.splice(0)) reject(new StreamLost());
    this.#settings.stream.close();
    this.#settings.onEnd(parting);
  }

  #granted({ ask, length, now }: { ask: number; length: number; now: number }): void {
    const asked = this.#asked.get(ask);
    if (asked === undefined) return;
    for (const earlier of this.#asked.keys()) if (earlier <= ask) this.#asked.delete(earlier);
    this.#noteClock(now);
    this.cache.lease.take(asked, length);
    this.#length = Math.max(length, this.#lease / mostHalved);
    if (!this.cache.lease.valid) return;
    for (const { resolve } of this.#unleased.splice(0)) resolve();
    if (this.#ready) return;
    this.#ready = true;
    this.#settings.onReady();
  }

  /** Limits what a verification waits for an answer. The question itself stays open: others may have joined it since. */
  #inTime<Result>(answer: Promise<Result>, until: number): Promise<Result> {
    return new Promise((resolve, reject) => {
      const cancel = this.#atTheLatest(until, reject);
      answer.then(resolve, reject).finally(cancel);
    });
  }

  /** Rejects a verification that has no answer by then. Returns what cancels this. */
  #atTheLatest(until: number, reject: (error: unknown) => void): () => void {
    const { timing, patience } = this.#settings;
    return timing.after(Math.max(0, until - timing.mono()), () => reject(tooLate(patience)));
  }

  #leased(until: number): Promise<void> {
    if (this.#over) return Promise.reject(new StreamLost());
    if (this.#unleased.length >= mostQueued) return Promise.reject(tooMany());
    return new Promise((resolve, reject) => {
      const cancel = this.#atTheLatest(until, (error) => {
        this.#unleased = this.#unleased.filter((other) => other !== waiting);
        reject(error);
      });
      const waiting = {
        resolve: () => {
          cancel();
          resolve();
        },
        reject: (error: unknown) => {
          cancel();
          reject(error);
        },
      };
      this.#unleased.push(waiting);
    });
  }

  #noteClock(theirs: number): void {
    this.#told = { theirs, ours: this.#clock.now() };
  }

  #renew(): void {
    if (this.#over) return;
    const { timing, stream } = this.#settings;
    if (timing.mono() - this.#heardAt > silence * this.#lease) {
      this.end({ leaving: false });
      return;
    }
    const now = this.#clock.now();
    const ask = ++this.#numbers;
    // Requests from long ago would no longer grant anything.
    for (const [earlier, at] of this.#asked) if (now - at > silence * this.#lease) this.#asked.delete(earlier);
    this.#asked.set(ask, now);
    const sinceTold = now - this.#told.ours;
    const seen = this.cache
      .takeUsed(mostSeen)
      .map(([id, ago]) => [id, Math.round(this.#told.theirs + sinceTold - ago)] as const);
    stream.send({ type: 'renew', ask, seen });
    const pause = Math.min(this.#lease / renewals, this.#length * ofGrant);
    this.#cancel = timing.after(pause, () => this.#renew(), 'background');
  }

  #ask(credential: Credential): Promise<Found<ActiveVerification>> {
    if (typeof credential !== 'string' && !this.#knowsAliases) return Promise.reject(tooOld());
    if (this.#over) return Promise.reject(new StreamLost());
    const isToken = typeof credential === 'string';
    const line = isToken ? this.#tokens : this.#aliases;
    if (line.queue.size >= mostQueued) return Promise.reject(tooMany());
    const about = isToken ? { token: credential } : credential;
    const { timing, patience } = this.#settings;
    return new Promise((resolve, reject) => {
      const cancel = this.#atTheLatest(timing.mono() + patience, (error) => {
        reject(error);
        // If it was sent, it keeps its place until its answer comes: the node still works on it.
        line.queue.delete(question);
      });
      const question: Question = { about, line, resolve, reject, cancel };
      line.queue.add(question);
      this.#sendNext(line);
    });
  }

  #sendNext(line: Line): void {
    for (const next of line.queue) {
      if (line.open >= line.most) return;
      line.queue.delete(next);
      line.open += 1;
      const question = ++this.#numbers;
      this.#questions.set(question, next);
      this.#settings.stream.send({ type: 'ask', question, ...next.about });
    }
  }

  #answered({ question, answer }: Extract<FromNode, { type: 'answer' }>): void {
    this.#settle(question, ({ resolve }) => {
      if (!answer.active) return resolve(answer);
      const { session, expiresIn, idleIn, idle } = answer;
      const accessGroups = this.#shared(session.accessGroups);
      const value = frozen({ active: true, session: { ...session, accessGroups } } as const);
      resolve({ active: true, id: session.id, userId: session.userId, value, expiresIn, idleIn, idle });
    });
  }

  /** Many sessions have the same groups, so they share one list. */
  #shared(groups: readonly string[]): readonly string[] {
    const text = JSON.stringify(groups);
    const known = this.#groups.get(text);
    if (known) return known;
    if (this.#groups.size >= 10_000) this.#groups.clear();
    const frozen = Object.freeze([...groups]);
    this.#groups.set(text, frozen);
    return frozen;
  }

  #settle(number: number, how: (question: Question) => void): void {
    const question = this.#questions.get(number);
    if (!question) return;
    this.#questions.delete(number);
    question.cancel();
    how(question);
    question.line.open -= 1;
    this.#sendNext(question.line);
  }
}

function newLine(most: number): Line {
  return { most, open: 0, queue: new Set() };
}

function newCache(
  clock: CautiousClock,
  capacity: number,
  ask: (credential: Credential) => Promise<Found<ActiveVerification>>,
): ExactCache<ActiveVerification> {
  return new ExactCache({ clock, capacity, reportsUse: true, ask });
}

export function errorOf({ code, title, detail, remedy, status }: Trouble): CurfewApiError {
  const message = detail === undefined ? `${title}.` : `${title}. ${detail}`;
  return new CurfewApiError(code as CurfewApiError['code'], message, { status, remedy });
}

function tooOld(): CurfewApiError {
  return new CurfewApiError('fence_version', 'The server knows no aliases of sessions.', {
    remedy: 'Run a newer version of the server.',
  });
}

function tooMany(): CurfewApiError {
  return new CurfewApiError('overloaded', `More than ${mostQueued} verifications wait for an answer.`, {
    remedy: 'Send fewer at once, or find out why the server is slow.',
  });
}

function tooLate(patience: number): CurfewApiError {
  return new CurfewApiError('timeout', `No answer came within ${patience} ms.`, {
    remedy: 'Try again, or raise the timeout.',
  });
}
