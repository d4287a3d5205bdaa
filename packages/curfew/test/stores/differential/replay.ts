import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { inspect, isDeepStrictEqual } from 'node:util';
import type { Account } from '../../../src/domain/account.ts';
import { type Alias, aliasOf } from '../../../src/domain/alias.ts';
import type { AccessGroup, KeyId, SessionId, SessionName, UserId } from '../../../src/domain/brand.ts';
import type { Event, NewEvent } from '../../../src/domain/events.ts';
import { newId } from '../../../src/domain/ids.ts';
import type { ApiKey } from '../../../src/domain/key.ts';
import { hour } from '../../../src/domain/limits.ts';
import { openSession } from '../../../src/domain/open-session.ts';
import type { End } from '../../../src/domain/reasons.ts';
import type { Epochs, StoredSession } from '../../../src/domain/session.ts';
import { isCurfewError } from '../../../src/errors.ts';
import { newAccount } from '../../../src/stores/conformance/harness.ts';
import type { SessionQuery, Store, SweepOutcome } from '../../../src/stores/contract.ts';
import { decodeRecord, encodeRecord, type StoreRecord } from '../../../src/stores/records.ts';
import { addresses, emails, groups, names, type Step, type StepOf, secrets, usernames, users } from './history.ts';

/** A kind of store. The histories of a test use one after another. */
export type Engine = {
  name: string;
  /** An empty store. The one before stays open until the next. */
  fresh(): Promise<Store>;
};

/** What two stores answered differently, and after how many steps. */
export class Difference extends Error {
  readonly steps: number;

  constructor(steps: number, text: string) {
    super(text);
    this.steps = steps;
  }
}

type Call = (store: Store, numbers: ReadonlyMap<number, number>) => Promise<unknown>;

/** One store of a history. */
type Node = {
  engine: Engine;
  store: Store;
  /**
   * The log's numbers, as they are compared: a sweep may record what it finds in any order, so the entries that it
   * added are numbered in the order of their sessions.
   */
  numbers: Map<number, number>;
};

const start = Date.UTC(2026, 0, 1);
/** More than any history has of anything. */
const all = 1000;
const budget = 60_000;
const nobody = '0'.repeat(22) as SessionId;

/** Applies a history to all engines in step; compares everything after so many steps, and at the end. @throws Difference */
export async function replay(
  engines: readonly Engine[],
  history: readonly Step[],
  reached: Set<string>,
  lookEvery: number,
): Promise<void> {
  const nodes = await Promise.all(
    engines.map(async (engine): Promise<Node> => ({ engine, store: await engine.fresh(), numbers: new Map() })),
  );
  const replaying = new Replay(nodes, reached);
  for (const [i, step] of history.entries()) {
    await replaying.step(step);
    if (i % lookEvery === lookEvery - 1) await replaying.look();
  }
  await replaying.look();
}

class Replay {
  readonly #nodes: Node[];
  readonly #reached: Set<string>;
  #now = start;
  #steps = 0;
  #drawn = 0;
  readonly #sessions: StoredSession[] = [];
  readonly #keys: ApiKey[] = [];
  readonly #read: Map<UserId, Epochs> = new Map();
  /** The writes of the last moments, which may be repeated. */
  #writes: Call[] = [];
  /** Events of this time and before may have been deleted. */
  #eventsFrom = 0;
  /** The entries of the log that sweeps added: the head before each sweep, and the head after it. */
  readonly #swept: { after: number; to: number }[] = [];

  constructor(nodes: Node[], reached: Set<string>) {
    this.#nodes = nodes;
    this.#reached = reached;
  }

  async step(step: Step): Promise<void> {
    this.#steps += 1;
    switch (step.do) {
      case 'wait':
        this.#now += step.time;
        if (step.time > hour / 60) this.#writes = [];
        break;
      case 'signIn':
        this.#read.set(userOf(step.userId), (await this.#first.readUser(userOf(step.userId))).epochs);
        break;
      case 'again': {
        const write = this.#writes.at(-1 - step.write);
        if (write) await this.#agree('the answer to a repeated write', write);
        break;
      }
      case 'list':
        await this.#agree('a list, page by page', (store) => this.#pages(store, step));
        break;
      case 'search':
        await this.#agree('a search for events', (store) => this.#searched(store, step));
        break;
      case 'sweep':
        await this.#sweep(step);
        break;
      case 'move':
        await this.#move();
        break;
      case 'look':
        await this.look();
        break;
      default: {
        const write = await this.#write(step);
        this.#writes.push(write);
        await this.#agree('the answer', write);
      }
    }
    await this.#agree('the heads', (store) => this.#heads(store));
  }

  /** Compares everything that can be read. */
  async look(): Promise<void> {
    await this.#agree('what can be read', (store, numbers) => this.#everything(store, numbers));
  }

  /** Where versions are read: all stores have the same ones. */
  get #first(): Store {
    return this.#nodes[0]!.store;
  }

  /** A write with all its arguments, for every store. */
  async #write(
    step: Exclude<Step, { do: 'wait' | 'signIn' | 'again' | 'list' | 'search' | 'sweep' | 'move' | 'look' }>,
  ): Promise<Call> {
    const now = this.#now;
    switch (step.do) {
      case 'create':
        return this.#creation(step);
      case 'change':
        return this.#change(step);
      case 'end': {
        const [id, end] = [this.#sessionOf(step.session), this.#end(step.reason)];
        return (store) => store.endSession(id, end, { userId: maybeUser(step.ofUser) });
      }
      case 'endUser': {
        const [end, except] = [this.#end('all_of_user'), this.#maybeSession(step.except)];
        return (store) => store.endSessionsOfUser(userOf(step.userId), end, { except });
      }
      case 'endEveryone': {
        const end = this.#end('everyone');
        return (store) => store.endEveryone(end);
      }
      case 'groups': {
        const more = Array.from({ length: step.many }, (_, i) => `group ${this.#steps} ${i}`);
        const change = { add: [...step.add, ...more] as AccessGroup[], remove: step.remove as AccessGroup[] };
        const only = this.#maybeSession(step.only);
        return (store) =>
          store.changeGroups({ userId: userOf(step.userId), change, only, by: 'key:test', now }).then(withHead);
      }
      case 'touch': {
        const touched = step.sessions.map((session) => ({ id: this.#sessionOf(session), at: now - step.ago }));
        return (store) => store.touchSessions(touched);
      }
      case 'createNamed': {
        const { started } = step;
        const dates = { createdAt: now, updatedAt: now };
        const slot = { config: {}, started, sessionId: undefined, kept: true, ...dates, version: 1 };
        return (store) =>
          store.createNamed({ name: nameOf(step.name), ...slot }, this.#note('named_session.created', now));
      }
      case 'changeNamed': {
        const version = ((await this.#first.readNamed(nameOf(step.name)))?.version ?? 1) - step.version;
        const set = { config: { step: this.#steps }, ...(step.started !== undefined && { started: step.started }) };
        const event = step.told ? this.#note('named_session.changed', now) : undefined;
        return (store) => store.changeNamed({ name: nameOf(step.name), version, set, now, event });
      }
      case 'removeNamed': {
        const version = ((await this.#first.readNamed(nameOf(step.name)))?.version ?? 1) - step.version;
        return (store) => store.removeNamed(nameOf(step.name), version, this.#note('named_session.deleted', now));
      }
      case 'createAccount': {
        const account = newAccount({ id: userOf(step.id), username: step.username, email: step.email }, now);
        return (store) => store.createAccount(account, this.#note('account.created', now));
      }
      case 'changeAccount': {
        const { username, email, disabled } = step;
        const set: Partial<Account> = { updatedAt: now };
        if (username !== undefined) set.username = username;
        if (email !== undefined) set.email = email === 'none' ? undefined : email;
        if (disabled !== undefined) set.disabled = disabled;
        const change = {
          ...(await this.#accountAt(step)),
          set,
          event: this.#note('account.changed', now),
          end: step.end ? this.#end('account_disabled') : undefined,
          except: this.#maybeSession(step.except),
          witness: step.witness && (await this.#accountAt(step.witness)),
        };
        return (store) => store.changeAccount(change);
      }
      case 'deleteAccount': {
        const deletion = {
          ...(await this.#accountAt(step)),
          event: this.#note('account.deleted', now),
          end: this.#end('account_disabled'),
          witness: step.witness && (await this.#accountAt(step.witness)),
        };
        return (store) => store.deleteAccount(deletion);
      }
      case 'createKey': {
        const key: ApiKey = {
          id: newId('keys', now, this.#random) as KeyId,
          name: 'a key',
          hash: this.#random(32),
          scopes: ['sessions.read'],
          createdAt: now,
          createdBy: `user:${step.userId}`,
          revokedAt: undefined,
        };
        this.#keys.push(key);
        return (store) => store.createKey(key, this.#note('key.created', now));
      }
      case 'revokeKey': {
        const id = this.#keys.at(-1 - step.key)?.id ?? (nobody as string as KeyId);
        return (store) =>
          store.revokeKey(id, now, this.#note('key.revoked', now)).then((found) => found && withHead(found));
      }
      case 'attempt':
        return async (store) => {
          const outcome = await store.takeAttempt(step.bucket, { max: 3, window: hour }, now);
          // Only stores that processes share count the open ones.
          const { allowed, remaining, resetAt } = outcome;
          return { allowed, remaining, resetAt };
        };
      case 'failAttempt':
        return (store) => store.failAttempt(step.bucket);
      case 'clearAttempts':
        return (store) => store.clearAttempts(step.bucket);
      case 'tell': {
        const event: NewEvent = {
          ...this.#note('login.failed', now + step.ahead),
          userId: maybeUser(step.userId),
          details: { ip: addresses[0], deep: { list: [1, 'ü', null] } },
        };
        return (store) => store.appendEvent(event);
      }
      case 'mendTime':
        return (store) => store.mendTime(now);
    }
  }

  async #creation({
    userId,
    name,
    groups: accessGroups,
    ip,
    idle,
    absolute,
    limit,
    aliases,
    epochs: asked,
  }: StepOf<'create'>): Promise<Call> {
    const now = this.#now;
    const owner = userOf(userId);
    const epochs = asked === 'read' ? this.#read.get(owner) : undefined;
    const { stored } = openSession(
      {
        userId: owner,
        name: name && nameOf(name),
        accessGroups: accessGroups as AccessGroup[],
        userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0',
        ip,
        metadata: { step: this.#steps },
        aliases: aliases.map(aliasOfSecret),
        absolute,
        idle,
        epochs: epochs ?? { user: 0, everyone: 0 },
      },
      now,
      this.#random,
    );
    this.#sessions.push(stored);
    return (store) => store.createSession({ session: stored, epochs: epochs ?? 'current', limit, by: 'key:test', now });
  }

  async #change({
    session,
    version,
    suspended,
    token,
    seen,
    factor,
    data,
    longer,
    spend: spends,
    logged,
    told,
  }: StepOf<'change'>): Promise<Call> {
    const now = this.#now;
    const id = this.#sessionOf(session);
    const stored = (await this.#first.readSession(id))?.stored;
    const { hash } = stored?.refresh ?? { hash: undefined };
    const set: Parameters<Store['changeSession']>[0]['set'] = {};
    if (suspended !== undefined) set.suspended = suspended;
    if (seen) set.lastSeenAt = now;
    if (data !== undefined) set.data = data;
    if (longer && stored) set.idle = stored.idle + hour;
    if (factor !== undefined) set.factorShown = factor ? { at: now, area: 'any', network: '10.0.0.1' } : undefined;
    if (spends && stored) set.aliases = stored.aliases.map((alias) => ({ ...alias, spentAt: now }));
    if (token) {
      set.tokenHash = this.#random(32);
      set.refresh = {
        hash: this.#random(32),
        previousHash: hash,
        rotatedAt: now,
        rotations: (stored?.refresh.rotations ?? 0) + 1,
      };
    }
    const event = told ? { ...this.#note('session.suspended', now), sessionId: id } : undefined;
    const change = { id, version: (stored?.version ?? 1) - version, set, logged, event, now };
    return (store) => store.changeSession(change);
  }

  readonly #random = (bytes: number): Uint8Array =>
    createHash('shake256', { outputLength: bytes })
      .update(String(this.#drawn++))
      .digest();

  #sessionOf(ago: number): SessionId {
    return this.#sessions.at(-1 - ago)?.id ?? nobody;
  }

  #maybeSession(ago: number | undefined): SessionId | undefined {
    return ago === undefined ? undefined : this.#sessionOf(ago);
  }

  #end(reason: End['reason']): End {
    return { at: this.#now, by: 'user:ada', reason };
  }

  #note(type: NewEvent['type'], at: number): NewEvent {
    return { type, at, by: 'key:test' };
  }

  async #accountAt({ id, version }: { id: string; version: number }): Promise<{ id: UserId; version: number }> {
    const { account } = await this.#first.readUser(userOf(id));
    return { id: userOf(id), version: (account?.version ?? 1) - version };
  }

  /** Asks every store and compares the answers. @throws Difference */
  async #agree(what: string, ask: Call): Promise<void> {
    const answers = await Promise.all(
      this.#nodes.map(async ({ store, numbers }) => {
        try {
          return plain(await ask(store, numbers), numbers);
        } catch (error) {
          if (!isCurfewError(error) || /^store_|^outcome/.test(error.code)) throw error;
          return { error: error.code, message: error.message };
        }
      }),
    );
    const [first] = answers;
    this.#noteKinds(first);
    for (const [i, answer] of answers.entries()) {
      const differs = differenceOf(first, answer, '');
      if (differs === undefined) continue;
      const [one, other] = [this.#nodes[0]!, this.#nodes[i]!].map(({ engine }) => engine.name) as [string, string];
      const { path, left, right } = differs;
      throw new Difference(this.#steps, `${what}${path && ` (${path})`}:\n  ${one}: ${left}\n  ${other}: ${right}`);
    }
  }

  /** Notes what kinds of answers there were. */
  #noteKinds(answer: unknown): void {
    if (typeof answer === 'string') this.#reached.add(answer);
    if (typeof answer !== 'object' || answer === null) return;
    const { kind, error, replaced } = answer as { kind?: string; error?: string; replaced?: unknown[] };
    for (const reached of [kind, error]) if (reached !== undefined) this.#reached.add(reached);
    if (replaced && replaced.length > 0) this.#reached.add('replaced');
    for (const [name, count] of Object.entries(answer))
      if (typeof count === 'number' && count > 0) this.#reached.add(name);
  }

  async #sweep({ keepEnded, keepEvents, batch }: StepOf<'sweep'>): Promise<void> {
    const task = { now: this.#now, keepEnded, keepEvents, batch };
    const { sequence: before } = await this.#first.logHead();
    this.#eventsFrom = Math.max(this.#eventsFrom, this.#now - keepEvents + 1);
    const totals = new Map(this.#nodes.map((node) => [node, { expired: 0, endsWritten: 0, forgotten: 0 }]));
    let left = this.#nodes;
    for (let round = 0; left.length > 0; round++) {
      assert.ok(round < all, 'the sweep never finished');
      const outcomes = await Promise.all(left.map(async (node) => [node, await node.store.sweep(task)] as const));
      for (const [node, outcome] of outcomes) add(totals.get(node)!, outcome);
      left = outcomes.filter(([, { more }]) => more).map(([node]) => node);
      // Half-way through a sweep, callers see no difference either.
      if (left.length > 0) await this.#agree('what is live during a sweep', (store) => this.#live(store));
    }
    for (const { store, numbers } of this.#nodes) {
      const added = sorted(await store.readLog(before + 1, all), ({ sequence: _, ...entry }) => textOf(entry));
      for (const [i, { sequence }] of added.entries()) numbers.set(sequence, before + 1 + i);
    }
    this.#swept.push({ after: before, to: (await this.#first.logHead()).sequence });
    const stores = new Map(this.#nodes.map((node) => [node.store, totals.get(node)]));
    await this.#agree('what a sweep did', async (store) => stores.get(store));
  }

  async #move(): Promise<void> {
    const exports = await Promise.all(this.#nodes.map(({ store }) => collect(store.exportRecords())));
    const told = new Map(this.#nodes.map(({ store }, i) => [store, exports[i]!]));
    await this.#agree('an export', async (store) => this.#exported(told.get(store)!));
    const sources = this.#nodes.map(({ numbers }, i) => ({ numbers, lines: exports[i]!.map(encodeRecord) }));
    for (const [i, node] of this.#nodes.entries()) {
      const { numbers, lines } = sources[(i + 1) % sources.length]!;
      node.store = await node.engine.fresh();
      node.numbers = new Map(numbers);
      await node.store.importRecords(each(lines.map(decodeRecord)));
    }
    this.#reached.add('moved');
    await this.look();
  }

  /** An export, in an order that all engines share, without what only engines know about epochs. */
  #exported(records: readonly StoreRecord[]): unknown {
    const ofKind = <Kind extends StoreRecord['kind']>(kind: Kind) =>
      records.filter((record): record is Extract<StoreRecord, { kind: Kind }> => record.kind === kind);
    return {
      counters: ofKind('counters'),
      accounts: sorted(ofKind('account'), ({ account }) => account.id),
      keys: sorted(ofKind('key'), ({ key }) => key.id),
      sessions: sorted(ofKind('session'), ({ session }) => session.id),
      slots: sorted(ofKind('slot'), ({ slot }) => slot.name),
      log: ofKind('log').length,
      events: this.#unordered(ofKind('event').map(({ event }) => event)),
    };
  }

  /** The events that must be kept, without their order: a sweep may record what it finds in any order. */
  #unordered(events: readonly Event[]): unknown[] {
    const kept = events.filter(({ at }) => at >= this.#eventsFrom).map(({ sequence: _, ...event }) => event);
    return sorted(kept, textOf);
  }

  async #heads(store: Store): Promise<unknown> {
    const [{ sequence }, time, active] = await Promise.all([
      store.logHead(),
      store.latestTime(),
      store.countActive(this.#now),
    ]);
    return { head: sequence, latestTime: time, countActive: active };
  }

  async #live(store: Store): Promise<unknown> {
    const live = async (filter: SessionQuery['filter']) =>
      (await this.#list(store, filter)).sessions.map(({ stored: { id, version } }) => ({ id, version }));
    const [active, suspended, counts] = await Promise.all([
      live({ status: 'active' }),
      live({ status: 'suspended' }),
      this.#counts(store),
    ]);
    return { active, suspended, counts };
  }

  #counts(store: Store): Promise<number[]> {
    return Promise.all([undefined, ...users].map((user) => store.countActive(this.#now, maybeUser(user))));
  }

  #list(store: Store, filter: SessionQuery['filter'], limit = all, after?: SessionId) {
    return store.listSessions({ filter, limit, after, now: this.#now, budget });
  }

  async #everything(store: Store, numbers: ReadonlyMap<number, number>): Promise<unknown> {
    const reads: Record<string, Promise<unknown>> = {
      sessions: keyed(
        this.#sessions.map(({ id }) => id),
        (id) => store.readSession(id),
      ),
      named: keyed(names, (name) => store.readNamed(nameOf(name))),
      sessionsOfNames: keyed(names, (name) => store.readNamedSession(nameOf(name))),
      aliases: keyed(secrets, (secret) => store.readSessionByAlias(aliasOfSecret(secret))),
      users: keyed(users, (user) => store.readUser(userOf(user))),
      usernames: keyed(usernames, (username) => store.findAccount({ username })),
      emails: keyed(emails, (email) => store.findAccount({ email })),
      accounts: store.listAccounts({ limit: all }),
      accountsOfText: store.listAccounts({ limit: 1, text: 'example' }),
      keys: store.listKeys({ limit: all }),
      key: keyed(
        this.#keys.map(({ id }) => id),
        (id) => store.readKey(id),
      ),
      slots: store.listNamed({ limit: all }),
      counts: this.#counts(store),
      log: this.#log(store, numbers),
      events: this.#events(store, { after: 0, limit: all }),
      lists: keyed(
        this.#filters().map((filter) => JSON.stringify(filter)),
        (text) => this.#list(store, JSON.parse(text)),
      ),
    };
    const told = await Promise.all(Object.entries(reads).map(async ([name, read]) => [name, await read] as const));
    return Object.fromEntries(told);
  }

  #filters(): SessionQuery['filter'][] {
    const found: Record<string, string>[] = [{}, { text: 'firefox' }];
    for (const status of ['active', 'suspended', 'ended']) found.push({ status }, { status, text: 'ada' });
    const by: [string, readonly string[]][] = [
      ['userId', users],
      ['accessGroup', groups],
      ['name', names],
      ['ip', addresses],
    ];
    for (const [field, values] of by) {
      for (const value of values) {
        found.push({ [field]: value });
        for (const status of ['active', 'suspended', 'ended']) found.push({ [field]: value, status });
      }
    }
    return found as SessionQuery['filter'][];
  }

  /** Every page of a list, as long as there is one. */
  async #pages(store: Store, { filter, limit }: StepOf<'list'>): Promise<unknown> {
    const pages: unknown[] = [];
    for (let after: SessionId | undefined; ; ) {
      const page = await this.#list(store, filter as SessionQuery['filter'], limit, after);
      pages.push(page);
      assert.ok(pages.length < all, 'a list never ended');
      if (page.next === undefined) return { pages };
      after = page.next;
    }
  }

  async #searched(store: Store, { type, userId, session, by, upwards, limit }: StepOf<'search'>): Promise<unknown> {
    const filter = { type, userId: maybeUser(userId), sessionId: this.#maybeSession(session), by };
    return this.#events(store, { ...filter, ...(upwards && { after: 0 }), limit, since: this.#eventsFrom });
  }

  async #log(store: Store, numbers: ReadonlyMap<number, number>): Promise<unknown> {
    const kept = await store.readLog(0, all);
    const first = kept[0]?.sequence ?? 0;
    // Of entries that one sweep added, the last one stays when the others are deleted: which that is, each store decides.
    const cut = this.#swept.find(({ after, to }) => after + 1 < first && first <= to);
    const entries = kept.map(({ sequence, ...entry }) =>
      cut && sequence <= cut.to
        ? { number: sequence, at: entry.at }
        : { number: numbers.get(sequence) ?? sequence, ...entry },
    );
    return entries.toSorted((one, other) => one.number - other.number);
  }

  /** The matches of all pages. */
  async #events(store: Store, query: Parameters<Store['readEvents']>[0]): Promise<unknown> {
    const events: Event[] = [];
    for (let from = query.after; ; ) {
      const there = from === undefined ? {} : query.after === undefined ? { before: from } : { after: from };
      const page = await store.readEvents({ ...query, ...there });
      assert.ok(page.events.length <= query.limit, 'a page of events is longer than its limit');
      events.push(...page.events);
      if (page.next === undefined) return this.#unordered(events);
      assert.notEqual(page.next, from, 'a page of events led back to itself');
      from = page.next;
    }
  }
}

/** An answer whose sequence is the head of the log, whichever change that is. */
function withHead(answer: object): object {
  const { sequence: head, ...others } = answer as { sequence?: number };
  return { ...others, head };
}

const aliasOfSecret = (secret: string): Alias => aliasOf({ alias: { kind: 'express', secret } });
const userOf = (name: string): UserId => name as UserId;
const maybeUser = (name: string | undefined): UserId | undefined => name as UserId | undefined;
const nameOf = (name: string): SessionName => name as SessionName;

function add(total: Omit<SweepOutcome, 'more'>, { expired, endsWritten, forgotten }: SweepOutcome): void {
  total.expired += expired;
  total.endsWritten += endsWritten;
  total.forgotten += forgotten;
}

async function keyed<Key extends string>(
  keys: readonly Key[],
  read: (key: Key) => Promise<unknown>,
): Promise<Record<string, unknown>> {
  return Object.fromEntries(await Promise.all(keys.map(async (key) => [key, await read(key)] as const)));
}

/** A value as it is compared: bytes as text, without what is absent, and without what each store has for itself. */
function plain(value: unknown, numbers: ReadonlyMap<number, number>): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (Array.isArray(value)) return value.map((one) => plain(one, numbers));
  if (typeof value !== 'object' || value === null) return value;
  const made: Record<string, unknown> = {};
  for (const [key, one] of Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (one === undefined || key === 'mark') continue;
    made[key] = key === 'sequence' ? (numbers.get(one as number) ?? one) : plain(one, numbers);
  }
  return made;
}

type Differs = { path: string; left: string; right: string };

/** The first place in which two plain values differ. */
function differenceOf(left: unknown, right: unknown, path: string): Differs | undefined {
  if (isDeepStrictEqual(left, right)) return undefined;
  const both = [left, right].every((one) => typeof one === 'object' && one !== null);
  const sameLength = !Array.isArray(left) || (Array.isArray(right) && left.length === right.length);
  if (both && sameLength) {
    const [one, other] = [left, right] as [Record<string, unknown>, Record<string, unknown>];
    for (const key of new Set([...Object.keys(one), ...Object.keys(other)])) {
      const found = differenceOf(one[key], other[key], path === '' ? key : `${path}.${key}`);
      if (found) return found;
    }
  }
  const shown = (one: unknown) =>
    inspect(one, { depth: 4, breakLength: Number.POSITIVE_INFINITY, compact: true, maxArrayLength: 20 });
  return { path, left: shown(left), right: shown(right) };
}

function textOf(value: unknown): string {
  return JSON.stringify(plain(value, new Map()));
}

function sorted<T>(values: readonly T[], by: (value: T) => string): T[] {
  const pairs = values.map((value) => [by(value), value] as const);
  return pairs.sort(([one], [other]) => (one < other ? -1 : 1)).map(([, value]) => value);
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}
