import { randomUUID } from 'node:crypto';
import {
  type Account,
  type Alias,
  type ApiKey,
  accountMentions,
  aliasIn,
  CurfewError,
  changeGroups,
  day,
  deadlineEnd,
  type End,
  type Epochs,
  type Event,
  endOf,
  type LogEntry,
  type LogHead,
  type LogPosition,
  type LogScope,
  limits,
  matchesEvent,
  matchesText,
  type NamedSession,
  type NewEvent,
  type NodeRow,
  refuseUsed,
  type SequencedEnd,
  type SessionId,
  type SessionName,
  type SessionSnapshot,
  type Store,
  type StoredSession,
  type StoreRecord,
  storeEvents,
  touch,
  type UserId,
  viewOf,
} from 'curfew/engine';

/** A step of an epoch: it ended all sessions whose number is lower. */
type Step = { number: number; end: SequencedEnd };
/** A session, and when its end was recorded. */
type Kept = { stored: StoredSession; writtenAt?: number };
type Attempts = { taken: number; resetAt: number };

/** Candidates that a search examines before others get their turn. */
const slice = 200;

/**
 * A store in memory, for tests and for reading: the simplest one that fulfils the contract. Every write is one
 * synchronous piece of code, so that no other call ever sees half of it. Nothing in it is ever changed in place: a change
 * puts a new value, so that what was returned stays as it was. It searches everything for each list and each sweep, which
 * other stores must not.
 */
export class MemoryStore implements Store {
  readonly kind = 'memory';
  readonly #sessions: Map<SessionId, Kept> = new Map();
  readonly #accounts: Map<UserId, Account> = new Map();
  readonly #keys: Map<string, ApiKey> = new Map();
  readonly #slots: Map<SessionName, NamedSession> = new Map();
  readonly #attempts: Map<string, Attempts> = new Map();
  readonly #nodes: Map<string, NodeRow> = new Map();
  /** The steps of each user's epoch, and of everyone's, lowest first; the last one has the present number. */
  readonly #steps: Map<UserId, readonly Step[]> = new Map();
  #everyone: readonly Step[] = [];
  #log: readonly LogEntry[] = [];
  #events: readonly Event[] = [];
  #head = 0;
  #lastEvent = 0;
  #time = 0;
  #fingerprint: string | undefined;
  /** Nothing outlives the process, so each store is an incarnation of its own. */
  readonly #incarnation: string = randomUUID();
  #confirmed = false;
  #closed = false;
  readonly #watchers: Set<() => void> = new Set();

  // ---- Sessions

  createSession: Store['createSession'] = this.#call(({ session: asked, epochs, limit, by, now }) => {
    const already = this.#sessions.get(asked.id);
    if (already) return { kind: 'created', session: already.stored, replaced: [], sequence: undefined };
    const session: StoredSession = { ...asked, epochs: this.#epochsOf(asked.userId) };
    const { user, everyone } = session.epochs;
    if (epochs !== 'current' && (epochs.user !== user || epochs.everyone !== everyone)) return { kind: 'epoch_moved' };
    const slot = session.name === undefined ? undefined : this.#slots.get(session.name);
    if (slot?.sessionId && this.#isLive(slot.sessionId, now)) return { kind: 'name_taken' };
    if (slot && !slot.started) return { kind: 'name_stopped' };
    const active = this.#underEpochs(session.userId).filter((other) => !deadlineEnd(other, now));
    const over = limit ? active.length + 1 - limit.max : 0;
    if (over > 0 && limit?.excess === 'refuse') return { kind: 'too_many', active: active.length };
    const holder = session.aliases.map((alias) => this.#holderOf(alias)).find((id) => id !== undefined);
    if (holder !== undefined) return { kind: 'alias_taken', holder };
    const replaced = active.slice(0, Math.max(0, over));
    let sequence: number | undefined;
    for (const old of replaced) sequence = this.#end(old, { at: now, by: 'policy', reason: 'replaced' }, now).sequence;
    if (session.name !== undefined) this.#holdName(session.name, session.id, now);
    this.#sessions.set(session.id, { stored: session });
    this.#tell(storeEvents.created(session, by));
    return { kind: 'created', session, replaced: replaced.map(({ id }) => id), sequence };
  });

  readSession: Store['readSession'] = this.#call((id) => this.#snapshot(id));

  readNamedSession: Store['readNamedSession'] = this.#call((name) => {
    const id = this.#slots.get(name)?.sessionId;
    return id === undefined ? undefined : this.#snapshot(id);
  });

  readSessionByAlias: Store['readSessionByAlias'] = this.#call((alias) => {
    const id = this.#holderOf(alias);
    return id === undefined ? undefined : this.#snapshot(id);
  });

  changeSession: Store['changeSession'] = this.#call(({ id, version, set, logged, event, now }) => {
    const found = this.#snapshot(id);
    if (!found) return { kind: 'not_found' };
    const { stored, epochEnd } = found;
    if (endOf(stored, epochEnd, now)) return { kind: 'ended' };
    if (stored.version !== version) return { kind: 'conflict' };
    const lastSeenAt = Math.max(stored.lastSeenAt, set.lastSeenAt ?? 0);
    const session: StoredSession = { ...stored, ...set, lastSeenAt, version: version + 1 };
    this.#sessions.set(id, { stored: session });
    const sequence = logged ? this.#note({ sessionId: id }, now) : undefined;
    if (event) this.#tell(event);
    return { kind: 'changed', session, sequence };
  });

  endSession: Store['endSession'] = this.#call((id, asked, { userId } = {}) => {
    const found = this.#snapshot(id);
    if (!found || (userId !== undefined && found.stored.userId !== userId)) return { kind: 'not_found' };
    const { stored, epochEnd } = found;
    const earlier = endOf(stored, epochEnd, asked.at);
    if (earlier?.sequence !== undefined) {
      return { kind: 'already', session: stored, end: { ...earlier, sequence: earlier.sequence } };
    }
    // A deadline that nobody has recorded yet is recorded now.
    const end = this.#end(stored, earlier ?? asked, asked.at);
    return { kind: earlier ? 'already' : 'ended', session: this.#sessions.get(id)!.stored, end };
  });

  endSessionsOfUser: Store['endSessionsOfUser'] = this.#call((userId, end, { except } = {}) =>
    this.#endUser(userId, end, except),
  );

  endEveryone: Store['endEveryone'] = this.#call((end) => {
    const ended = this.#all().filter((stored) => this.#isCounted(stored)).length;
    const sequence = this.#note({ all: true }, end.at);
    this.#everyone = [...this.#everyone, { number: numberOf(this.#everyone) + 1, end: { ...end, sequence } }];
    this.#tell(storeEvents.everyoneEnded(end, ended));
    return { sequence, ended };
  });

  changeGroups: Store['changeGroups'] = this.#call(({ userId, change, only, by, now }) => {
    const live = this.#underEpochs(userId).filter((stored) => !deadlineEnd(stored, now));
    const chosen = only === undefined ? live : live.filter(({ id }) => id === only);
    if (only !== undefined && chosen.length === 0) return { kind: 'not_found' };
    if (chosen.length > limits.changedAtOnce) throw new CurfewError('too_many_to_change');
    // All of them are computed before the first is written: one with too many groups makes the whole change fail.
    const changed = chosen.flatMap((stored) => {
      const accessGroups = changeGroups(stored.accessGroups, change);
      return accessGroups ? [{ ...stored, accessGroups, version: stored.version + 1 }] : [];
    });
    if (changed.length === 0) return { kind: 'changed', updated: 0, sequence: this.#head };
    for (const stored of changed) this.#sessions.set(stored.id, { stored });
    const sequence = this.#note({ userId }, now);
    this.#tell(storeEvents.groupsChanged(userId, only, change, changed.length, by, now));
    return { kind: 'changed', updated: changed.length, sequence };
  });

  touchSessions: Store['touchSessions'] = this.#call((activities) => {
    for (const { id, at } of activities) {
      const found = this.#snapshot(id);
      const touched = found && !found.epochEnd ? touch(found.stored, at) : undefined;
      if (touched) this.#sessions.set(id, { stored: touched });
    }
  });

  listSessions: Store['listSessions'] = async ({ filter, after, limit, now, budget }) => {
    this.#open();
    const began = performance.now();
    const ids = [...this.#sessions.keys()].sort().reverse();
    const sessions: SessionSnapshot[] = [];
    let position = after;
    let looked = 0;
    for (const id of ids) {
      if (after !== undefined && id >= after) continue;
      const found = this.#snapshot(id);
      if (found && matches(found, filter, now)) {
        if (sessions.length === limit) return { sessions, next: sessions.at(-1)!.stored.id, partial: false };
        sessions.push(found);
      }
      position = id;
      looked += 1;
      if (looked % slice > 0) continue;
      if (performance.now() - began >= budget) return { sessions, next: position, partial: true };
      await new Promise(setImmediate);
    }
    return { sessions, next: undefined, partial: false };
  };

  countActive: Store['countActive'] = this.#call((now, userId) => {
    const active = this.#all().filter((stored) => this.#isCounted(stored) && !deadlineEnd(stored, now));
    return active.filter((stored) => userId === undefined || stored.userId === userId).length;
  });

  // ---- Users, accounts, keys

  readUser: Store['readUser'] = this.#call((userId) => ({
    account: this.#accounts.get(userId),
    epochs: this.#epochsOf(userId),
  }));

  findAccount: Store['findAccount'] = this.#call((by) => {
    const account = [...this.#accounts.values()].find((one) =>
      'username' in by ? one.username === by.username : one.email === by.email,
    );
    return account && { account, epochs: this.#epochsOf(account.id) };
  });

  createAccount: Store['createAccount'] = this.#call((account, event) => {
    if (this.#accounts.has(account.id)) return 'created';
    const taken = this.#takenName(account);
    if (taken) return taken;
    this.#accounts.set(account.id, account);
    this.#tell(event);
    return 'created';
  });

  changeAccount: Store['changeAccount'] = this.#call(({ id, version, set, event, end, except, witness }) => {
    const account = this.#accounts.get(id);
    if (!account) return { kind: 'not_found' };
    if (account.version !== version || !this.#stands(witness)) return { kind: 'conflict' };
    const changed: Account = { ...account, ...set, version: version + 1 };
    const taken = this.#takenName(changed);
    if (taken) return { kind: taken };
    let [sequence, ended]: [number | undefined, number] = [undefined, 0];
    if (end) {
      const spared = this.#endUser(id, end, except);
      // The excepted session has itself just ended, so all of them end.
      const outcome = spared.kind === 'ended' ? spared : this.#endUser(id, end, undefined);
      if (outcome.kind === 'ended') ({ sequence, ended } = outcome);
    }
    this.#accounts.set(id, changed);
    if (event) this.#tell(event);
    return { kind: 'changed', account: changed, sequence, ended };
  });

  deleteAccount: Store['deleteAccount'] = this.#call(({ id, version, event, end, witness }) => {
    const account = this.#accounts.get(id);
    if (!account) return { kind: 'not_found' };
    if (account.version !== version || !this.#stands(witness)) return { kind: 'conflict' };
    this.#endUser(id, end, undefined);
    this.#accounts.delete(id);
    this.#tell(event);
    return { kind: 'deleted', sequence: this.#head };
  });

  listAccounts: Store['listAccounts'] = async ({ after, limit, text, budget = Number.POSITIVE_INFINITY }) => {
    this.#open();
    const began = performance.now();
    const accounts: Account[] = [];
    let looked = 0;
    for (const account of sortedBy([...this.#accounts.values()], ({ username }) => username)) {
      if (after !== undefined && compareText(account.username, after) <= 0) continue;
      if (text === undefined || accountMentions(account, text)) {
        if (accounts.length === limit) return { accounts, next: accounts.at(-1)!.username, partial: false };
        accounts.push(account);
      }
      looked += 1;
      if (looked % slice > 0) continue;
      if (performance.now() - began >= budget) return { accounts, next: account.username, partial: true };
      await new Promise(setImmediate);
    }
    return { accounts, next: undefined, partial: false };
  };

  createKey: Store['createKey'] = this.#call((key, event) => {
    if (this.#keys.has(key.id)) return;
    this.#keys.set(key.id, key);
    this.#tell(event);
  });

  readKey: Store['readKey'] = this.#call((id) => this.#keys.get(id));

  revokeKey: Store['revokeKey'] = this.#call((id, at, event) => {
    const key = this.#keys.get(id);
    if (!key) return undefined;
    if (key.revokedAt !== undefined) return { key, sequence: this.#head };
    const revoked = { ...key, revokedAt: at };
    this.#keys.set(id, revoked);
    this.#tell(event);
    return { key: revoked, sequence: this.#note({ keyId: id }, at) };
  });

  touchKeys: Store['touchKeys'] = this.#call((uses) => {
    for (const { id, at } of uses) {
      const key = this.#keys.get(id);
      if (key && at > (key.lastUsedAt ?? 0)) this.#keys.set(id, { ...key, lastUsedAt: at });
    }
  });

  listKeys: Store['listKeys'] = this.#call(({ after, limit }) => {
    const all = sortedBy([...this.#keys.values()], ({ id }) => id).reverse();
    const keys = all.filter(({ id }) => after === undefined || id < after);
    return { keys: keys.slice(0, limit), next: keys.length > limit ? keys[limit - 1]!.id : undefined };
  });

  // ---- Named sessions

  createNamed: Store['createNamed'] = this.#call((slot, event) => {
    if (this.#slots.has(slot.name)) return 'exists';
    this.#slots.set(slot.name, slot);
    this.#tell(event);
    return 'created';
  });

  readNamed: Store['readNamed'] = this.#call((name) => this.#slots.get(name));

  changeNamed: Store['changeNamed'] = this.#call(({ name, version, set, now, event }) => {
    const slot = this.#slots.get(name);
    if (!slot) return 'not_found';
    if (slot.version !== version) return 'conflict';
    const changed: NamedSession = { ...slot, ...set, kept: true, updatedAt: now, version: version + 1 };
    this.#slots.set(name, changed);
    if (event) this.#tell(event);
    return changed;
  });

  removeNamed: Store['removeNamed'] = this.#call((name, version, event) => {
    const slot = this.#slots.get(name);
    if (!slot) return 'removed';
    const isHeld = slot.sessionId !== undefined && this.#isLive(slot.sessionId, event.at);
    if (isHeld || slot.version !== version) return 'conflict';
    this.#slots.delete(name);
    this.#tell(event);
    return 'removed';
  });

  listNamed: Store['listNamed'] = this.#call(({ after, limit }) => {
    const all = sortedBy([...this.#slots.values()], ({ name }) => name);
    const slots = all.filter(({ name }) => after === undefined || compareText(name, after) > 0);
    return { slots: slots.slice(0, limit), next: slots.length > limit ? slots[limit - 1]!.name : undefined };
  });

  // ---- Limits

  takeAttempt: Store['takeAttempt'] = this.#call((bucket, { max, window }, now) => {
    const kept = this.#attempts.get(bucket);
    const { taken, resetAt } = kept && kept.resetAt > now ? kept : { taken: 0, resetAt: now + window };
    const allowed = taken < max;
    if (allowed) this.#attempts.set(bucket, { taken: taken + 1, resetAt });
    return { allowed, remaining: max - taken - Number(allowed), resetAt, open: 0, latest: now };
  });

  /** The one process that owns this store knows which of its own guesses are open. */
  failAttempt: Store['failAttempt'] = this.#call(() => {});

  clearAttempts: Store['clearAttempts'] = this.#call((bucket) => {
    this.#attempts.delete(bucket);
  });

  // ---- Events, log, nodes

  appendEvent: Store['appendEvent'] = this.#call((event) => this.#tell(event));

  readEvents: Store['readEvents'] = async (query) => {
    this.#open();
    const { after, before, limit, since, until, budget = Number.POSITIVE_INFINITY } = query;
    const began = performance.now();
    const events: Event[] = [];
    let reached = after ?? before ?? this.#lastEvent + 1;
    // What is outside the requested time does not cost the search anything.
    const inTime = this.#events.filter((event) => matchesEvent(event, { since, until }));
    const ahead =
      after === undefined
        ? inTime.filter(({ sequence }) => sequence < reached).reverse()
        : inTime.filter(({ sequence }) => sequence > reached);
    let looked = 0;
    for (const event of ahead) {
      if (matchesEvent(event, query)) {
        if (events.length === limit) return { events, next: reached, reached, partial: false };
        events.push(event);
      }
      reached = event.sequence;
      looked += 1;
      if (looked % slice > 0) continue;
      if (performance.now() - began >= budget) return { events, next: reached, reached, partial: true };
      await new Promise(setImmediate);
    }
    return { events, next: undefined, reached, partial: false };
  };

  readLog: Store['readLog'] = this.#call((from, limit) =>
    this.#log.filter(({ sequence }) => sequence >= from).slice(0, limit),
  );

  logHead: Store['logHead'] = this.#call(() => this.#logHead());

  renewNode: Store['renewNode'] = this.#call((row) => {
    this.#nodes.set(row.id, { ...row });
    return this.#logHead();
  });

  listNodes: Store['listNodes'] = this.#call((tail) => ({
    nodes: [...this.#nodes.values()].map((row) => ({ ...row, current: this.#has(row.tail) })),
    follows: !tail || this.#has(tail),
    incarnation: this.#incarnation,
    confirmed: this.#confirmed,
  }));

  removeNode: Store['removeNode'] = this.#call((id, counter) => {
    if (counter === undefined || this.#nodes.get(id)?.counter === counter) this.#nodes.delete(id);
  });

  confirmIncarnation: Store['confirmIncarnation'] = this.#call((incarnation) => {
    if (incarnation === this.#incarnation) this.#confirmed = true;
  });

  watchLog = (onGrowth: () => void): (() => void) => {
    this.#watchers.add(onGrowth);
    return () => this.#watchers.delete(onGrowth);
  };

  // ---- Upkeep

  sweep: Store['sweep'] = this.#call(({ now, keepEnded, keepEvents, batch, lastSeen }) => {
    const outcome = { expired: 0, endsWritten: 0, forgotten: 0 };
    const until = now - keepEnded;
    const isFull = () => outcome.expired + outcome.endsWritten + outcome.forgotten >= batch;
    for (const stored of this.#all()) {
      if (isFull()) return { ...outcome, more: true };
      const epochEnd = this.#epochEnd(stored);
      const end = stored.end ? undefined : endOf(stored, epochEnd, now, lastSeen?.(stored));
      if (!end) continue;
      // An epoch has its own entry in the log and its own event.
      if (end.sequence !== undefined) this.#bury(stored, { ...end, sequence: end.sequence }, now);
      else this.#end(stored, end, now);
      outcome[end.sequence === undefined ? 'expired' : 'endsWritten'] += 1;
    }
    for (const [id, { writtenAt = Number.POSITIVE_INFINITY }] of this.#sessions) {
      if (writtenAt > until) continue;
      if (isFull()) return { ...outcome, more: true };
      this.#sessions.delete(id);
      outcome.forgotten += 1;
    }
    // Of the entries that are too old the newest stays, so that a reader there can continue.
    const firstKept = this.#log.findIndex(({ at }) => at > until);
    this.#log = this.#log.slice(Math.max(0, (firstKept < 0 ? this.#log.length : firstKept) - 1));
    const firstTold = this.#events.findIndex(({ at }) => at > now - keepEvents);
    this.#events = firstTold < 0 ? [] : this.#events.slice(firstTold);
    for (const [bucket, { resetAt }] of this.#attempts) if (resetAt <= now) this.#attempts.delete(bucket);
    this.#forgetSteps(until);
    return { ...outcome, more: false };
  });

  exportRecords = (): AsyncIterable<StoreRecord> => {
    this.#open();
    return toStream([...this.#records()]);
  };

  importRecords: Store['importRecords'] = async (records, fingerprint) => {
    this.#open();
    const tables = [this.#sessions, this.#accounts, this.#keys, this.#slots];
    const isUsed = tables.some(({ size }) => size > 0) || this.#events.length > 0 || this.#log.length > 0;
    refuseUsed(isUsed, this.#fingerprint, fingerprint);
    // Everything is read before anything is written.
    const all: StoreRecord[] = [];
    for await (const record of records) all.push(record);
    for (const record of all) this.#import(record);
    this.#fingerprint ??= fingerprint;
  };

  keyFingerprint: Store['keyFingerprint'] = this.#call(() => this.#fingerprint);

  keepKeyFingerprint: Store['keepKeyFingerprint'] = this.#call((fingerprint, instead) => {
    if (this.#fingerprint === undefined || this.#fingerprint === instead) this.#fingerprint = fingerprint;
    return this.#fingerprint;
  });

  latestTime: Store['latestTime'] = this.#call(() => this.#time);

  mendTime: Store['mendTime'] = this.#call((now) => {
    this.#time = Math.min(this.#time, now);
    for (const [bucket, { resetAt }] of this.#attempts) if (resetAt > now + day) this.#attempts.delete(bucket);
  });

  ping: Store['ping'] = this.#call(() => {});

  tryWriting: Store['tryWriting'] = this.#call(() => {});

  describe: Store['describe'] = this.#call(() => ({
    kind: this.kind,
    engine: 'memory',
    format: 1,
    location: 'this process',
    bytes: 0,
    facts: { sessions: this.#sessions.size, logHead: this.#head },
    warnings: ['Everything is lost when the process ends.'],
  }));

  close = async (): Promise<void> => {
    this.#closed = true;
  };

  // ---- Inside

  /** An operation that is one synchronous piece. */
  #call<Args extends unknown[], Answer>(operation: (...args: Args) => Answer): (...args: Args) => Promise<Answer> {
    return async (...args) => {
      this.#open();
      return operation(...args);
    };
  }

  #open(): void {
    if (this.#closed) throw new CurfewError('store_unavailable', { detail: 'The store is closed.' });
  }

  /** Every session, oldest first: an id begins with its time. */
  #all(): StoredSession[] {
    return sortedBy(
      [...this.#sessions.values()].map(({ stored }) => stored),
      ({ id }) => id,
    );
  }

  #snapshot(id: SessionId): SessionSnapshot | undefined {
    const stored = this.#sessions.get(id)?.stored;
    return stored && { stored, epochEnd: this.#epochEnd(stored) };
  }

  /** The session that has an alias, live or ended. */
  #holderOf(alias: Alias): SessionId | undefined {
    return this.#all().find((stored) => aliasIn(stored, alias))?.id;
  }

  #epochsOf(userId: UserId): Epochs {
    return { user: numberOf(this.#steps.get(userId)), everyone: numberOf(this.#everyone) };
  }

  /** The end that an epoch gave a session: the earlier one, if both have moved past it. */
  #epochEnd({ userId, epochs, end }: StoredSession): SequencedEnd | undefined {
    if (end) return undefined;
    const byUser = this.#steps.get(userId)?.find(({ number }) => number > epochs.user)?.end;
    const byEveryone = this.#everyone.find(({ number }) => number > epochs.everyone)?.end;
    if (!byUser || !byEveryone) return byUser ?? byEveryone;
    return byUser.sequence < byEveryone.sequence ? byUser : byEveryone;
  }

  #isLive(id: SessionId, now: number): boolean {
    const found = this.#snapshot(id);
    return found !== undefined && !endOf(found.stored, found.epochEnd, now);
  }

  /** A user's sessions that nothing but a deadline can have ended, oldest first. */
  #underEpochs(userId: UserId): StoredSession[] {
    return this.#all().filter((stored) => stored.userId === userId && !stored.end && !this.#epochEnd(stored));
  }

  /** Whether a session counts as active, whatever its deadlines. */
  #isCounted(stored: StoredSession): boolean {
    return !stored.end && !stored.suspended && !this.#epochEnd(stored);
  }

  /** Advances a user's epoch, which ends all of the user's sessions but one. */
  #endUser(userId: UserId, end: End, except: SessionId | undefined): Awaited<ReturnType<Store['endSessionsOfUser']>> {
    const spared = except === undefined ? undefined : this.#sessions.get(except)?.stored;
    if (except !== undefined && (spared?.userId !== userId || !this.#isLive(except, end.at))) {
      return { kind: 'not_found' };
    }
    const counted = this.#underEpochs(userId).filter((stored) => this.#isCounted(stored) && stored.id !== except);
    const sequence = this.#note({ userId }, end.at);
    const number = this.#epochsOf(userId).user + 1;
    this.#steps.set(userId, [...(this.#steps.get(userId) ?? []), { number, end: { ...end, sequence } }]);
    if (spared) {
      const stored = { ...spared, epochs: this.#epochsOf(userId), version: spared.version + 1 };
      this.#sessions.set(spared.id, { stored });
    }
    this.#tell(storeEvents.userEnded(userId, end, counted.length, except));
    return { kind: 'ended', sequence, ended: counted.length };
  }

  /** Records an end that has no sequence yet: log entry, event, and the session with it. */
  #end(stored: StoredSession, why: End, now: number): SequencedEnd {
    const sequence = this.#note({ sessionId: stored.id }, now);
    this.#tell(storeEvents.ended(stored, why));
    const end = { at: why.at, by: why.by, reason: why.reason, sequence };
    this.#bury(stored, end, now);
    return end;
  }

  /** Writes an end down with its session, and removes the slot that only the session's creation made. */
  #bury(stored: StoredSession, end: SequencedEnd, now: number): void {
    this.#sessions.set(stored.id, { stored: { ...stored, end, version: stored.version + 1 }, writtenAt: now });
    const slot = stored.name === undefined ? undefined : this.#slots.get(stored.name);
    if (slot && !slot.kept && slot.sessionId === stored.id) this.#slots.delete(slot.name);
  }

  #holdName(name: SessionName, sessionId: SessionId, now: number): void {
    const slot = this.#slots.get(name);
    const dates = { createdAt: now, updatedAt: now };
    this.#slots.set(
      name,
      slot
        ? { ...slot, sessionId, updatedAt: now, version: slot.version + 1 }
        : { name, config: {}, started: true, sessionId, kept: false, ...dates, version: 1 },
    );
  }

  #takenName({ id, username, email }: Account): 'username_taken' | 'email_taken' | undefined {
    const others = [...this.#accounts.values()].filter((other) => other.id !== id);
    if (others.some((other) => other.username === username)) return 'username_taken';
    return email !== undefined && others.some((other) => other.email === email) ? 'email_taken' : undefined;
  }

  #stands(witness: { id: UserId; version: number } | undefined): boolean {
    return witness === undefined || this.#accounts.get(witness.id)?.version === witness.version;
  }

  /** Appends to the change log. @returns the entry's sequence */
  #note(scope: LogScope, at: number): number {
    this.#head += 1;
    this.#log = [...this.#log, { sequence: this.#head, mark: randomUUID(), at, ...scope }];
    this.#time = Math.max(this.#time, at);
    for (const onGrowth of this.#watchers) queueMicrotask(onGrowth);
    return this.#head;
  }

  #tell(event: NewEvent): void {
    this.#lastEvent += 1;
    this.#events = [...this.#events, { ...event, sequence: this.#lastEvent }];
    this.#time = Math.max(this.#time, event.at);
  }

  #logHead(): LogHead {
    const { mark } = this.#log.at(-1) ?? { mark: '' };
    return { sequence: this.#head, mark, incarnation: this.#incarnation, now: Date.now() };
  }

  #has({ sequence, mark }: LogPosition): boolean {
    return sequence === 0 ? mark === '' : this.#log.some((entry) => entry.sequence === sequence && entry.mark === mark);
  }

  /** Forgets the steps of epochs that are old and that no session needs. Everyone's last one stays for good. */
  #forgetSteps(until: number): void {
    const needed = new Map<UserId | undefined, 'any' | 'last'>();
    for (const { stored } of this.#sessions.values()) {
      const { user, everyone } = this.#epochsOf(stored.userId);
      const isBehind = !stored.end && stored.epochs.user < user;
      if (isBehind || !needed.has(stored.userId)) needed.set(stored.userId, isBehind ? 'any' : 'last');
      if (!stored.end && stored.epochs.everyone < everyone) needed.set(undefined, 'any');
    }
    const isOld = (steps: readonly Step[]) => (steps.at(-1)?.end.at ?? 0) <= until;
    if (isOld(this.#everyone) && needed.get(undefined) !== 'any') this.#everyone = this.#everyone.slice(-1);
    for (const [userId, steps] of this.#steps) {
      if (!isOld(steps) || needed.get(userId) === 'any') continue;
      if (needed.has(userId)) this.#steps.set(userId, steps.slice(-1));
      else this.#steps.delete(userId);
    }
  }

  *#records(): Iterable<StoreRecord> {
    yield { kind: 'counters', head: this.#head, lastEvent: this.#lastEvent, time: this.#time };
    const isSettled = (userId: UserId | null, { number }: Step) =>
      this.#all().every(
        (stored) =>
          stored.end ||
          (userId === null ? stored.epochs.everyone : stored.userId === userId ? stored.epochs.user : number) >= number,
      );
    for (const [userId, steps] of [[null, this.#everyone] as const, ...this.#steps]) {
      for (const step of steps) yield { kind: 'epoch', userId, ...step, settled: isSettled(userId, step) };
    }
    for (const account of this.#accounts.values()) yield { kind: 'account', account };
    for (const key of this.#keys.values()) yield { kind: 'key', key };
    for (const { stored, writtenAt } of this.#sessions.values()) yield { kind: 'session', session: stored, writtenAt };
    for (const slot of this.#slots.values()) yield { kind: 'slot', slot };
    for (const { mark: _, ...entry } of this.#log) yield { kind: 'log', entry };
    for (const event of this.#events) yield { kind: 'event', event };
  }

  #import(record: StoreRecord): void {
    switch (record.kind) {
      case 'counters':
        this.#head = record.head;
        this.#lastEvent = record.lastEvent;
        this.#time = record.time;
        break;
      case 'epoch': {
        const { userId, number, end } = record;
        if (userId === null) this.#everyone = [...this.#everyone, { number, end }];
        else this.#steps.set(userId, [...(this.#steps.get(userId) ?? []), { number, end }]);
        break;
      }
      case 'account':
        this.#accounts.set(record.account.id, record.account);
        break;
      case 'key':
        this.#keys.set(record.key.id, record.key);
        break;
      case 'session': {
        const { session: stored, writtenAt = stored.end?.at } = record;
        this.#sessions.set(stored.id, writtenAt === undefined ? { stored } : { stored, writtenAt });
        break;
      }
      case 'slot':
        this.#slots.set(record.slot.name, record.slot);
        break;
      case 'log':
        this.#log = [...this.#log, { ...record.entry, mark: randomUUID() }];
        break;
      case 'event':
        this.#events = [...this.#events, record.event];
    }
  }
}

function numberOf(steps: readonly Step[] | undefined): number {
  return steps?.at(-1)?.number ?? 0;
}

function matches(
  { stored, epochEnd }: SessionSnapshot,
  filter: Parameters<Store['listSessions']>[0]['filter'],
  now: number,
): boolean {
  const { userId, accessGroup, name, ip, status, text } = filter;
  if (userId !== undefined && stored.userId !== userId) return false;
  if (accessGroup !== undefined && !stored.accessGroups.includes(accessGroup)) return false;
  if (name !== undefined && stored.name !== name) return false;
  if (ip !== undefined && stored.ip !== ip) return false;
  const seen = viewOf(stored, endOf(stored, epochEnd, now));
  return (status === undefined || seen.status === status) && (text === undefined || matchesText(seen, text));
}

/** The order of other stores: that of the text's bytes in UTF-8. */
function compareText(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}

function sortedBy<T>(values: readonly T[], textOf: (value: T) => string): T[] {
  return values.toSorted((one, other) => compareText(textOf(one), textOf(other)));
}

async function* toStream<T>(values: readonly T[]): AsyncGenerator<T> {
  yield* values;
}
