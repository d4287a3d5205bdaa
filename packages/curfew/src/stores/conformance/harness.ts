import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { Account } from '../../domain/account.ts';
import type { Alias } from '../../domain/alias.ts';
import type { AccessGroup, KeyId, SessionId, SessionName, UserId } from '../../domain/brand.ts';
import type { NewEvent } from '../../domain/events.ts';
import { newId } from '../../domain/ids.ts';
import type { ApiKey } from '../../domain/key.ts';
import { day, hour } from '../../domain/limits.ts';
import type { NamedSession } from '../../domain/named.ts';
import { openSession } from '../../domain/open-session.ts';
import type { Permission } from '../../domain/permissions.ts';
import type { End } from '../../domain/reasons.ts';
import { endOf, type Session, type StoredSession, viewOf } from '../../domain/session.ts';
import type {
  Creation,
  CreationOutcome,
  LogEntry,
  LogPosition,
  NodeRow,
  SessionFilter,
  SessionSnapshot,
  Store,
} from '../contract.ts';

/** How a suite obtains a store. `Opened.store` is empty and ready. */
export type Harness = {
  open(): Promise<Opened>;
};

export type Opened = {
  store: Store;
  /** Closes the store and opens the same data again; absent if the data does not outlive a close. */
  reopen?(): Promise<Store>;
  /**
   * A second client of the same data, as another node has; absent if one process owns the data. Closed by `dispose`.
   */
  another?(): Promise<Store>;
  /**
   * A client of the same data whose connection breaks once, at its next read or its next write: before the store
   * receives it, or after the store has executed it and before its reply arrives. Absent without a connection. Closed by
   * `dispose`.
   */
  breaking?(moment: 'request' | 'reply', at: 'read' | 'write'): Promise<Store>;
  /**
   * Sets the current data aside, as a backup does. The returned function restores it in place of the data of that
   * moment and opens it; the store that was open before is closed. Absent if that is not possible.
   */
  setAside?(): Promise<() => Promise<Store>>;
  /** How many rows and index entries the store holds for sessions, tombstones and the log; absent if it can't tell. */
  entries?(): Promise<number>;
  dispose(): Promise<void>;
};

/** One rule of the contract. Fails by throwing. */
export type Case = { name: string; run(fixture: StoreFixture): Promise<void> };

/** The time at which every case begins. */
export const start = Date.UTC(2026, 0, 1);
export const forever = 365 * day;
export const random = (bytes: number): Uint8Array => randomBytes(bytes);

export const user = (id: string): UserId => id as UserId;
export const group = (...names: string[]): AccessGroup[] => names as AccessGroup[];
export const name = (text: string): SessionName => text as SessionName;

/** An alias of a secret that nobody knows. */
export const newAlias = (kind = 'express'): Alias => ({ kind, hash: Buffer.from(random(32)).toString('base64url') });

export type SessionPlan = {
  userId?: string;
  at?: number;
  groups?: string[];
  name?: string;
  ip?: string;
  userAgent?: string;
  idle?: number;
  absolute?: number;
  aliases?: readonly Alias[];
};

/** A store, with helpers that keep the cases short. */
export class StoreFixture {
  store: Store;
  readonly opened: Opened;

  constructor(opened: Opened) {
    this.opened = opened;
    this.store = opened.store;
  }

  async reopen(): Promise<void> {
    assert.ok(this.opened.reopen);
    this.store = await this.opened.reopen();
  }

  plan(plan: SessionPlan = {}): StoredSession {
    const at = plan.at ?? start;
    return openSession(
      {
        userId: user(plan.userId ?? 'ada'),
        name: plan.name === undefined ? undefined : name(plan.name),
        accessGroups: group(...(plan.groups ?? [])),
        metadata: {},
        ip: plan.ip,
        userAgent: plan.userAgent,
        absolute: plan.absolute ?? 30 * day,
        idle: plan.idle ?? 7 * day,
        aliases: plan.aliases,
        epochs: { user: 0, everyone: 0 },
      },
      at,
      random,
    ).stored;
  }

  key(scopes: readonly Permission[] = [], at: number = start): ApiKey {
    return {
      id: newId('keys', at, random) as KeyId,
      name: 'a key',
      hash: random(32),
      scopes,
      createdAt: at,
      createdBy: 'user:root',
      revokedAt: undefined,
    };
  }

  async createKey(scopes: readonly Permission[] = [], at: number = start): Promise<ApiKey> {
    const key = this.key(scopes, at);
    await this.store.createKey(key, note('key.created', at));
    return key;
  }

  tryCreate(session: StoredSession, condition: Partial<Creation> = {}): Promise<CreationOutcome> {
    return this.store.createSession({
      session,
      epochs: 'current',
      by: 'key:test',
      now: session.createdAt,
      ...condition,
    });
  }

  async create(plan: SessionPlan = {}, condition: Partial<Creation> = {}): Promise<StoredSession> {
    const outcome = await this.tryCreate(this.plan(plan), condition);
    assert.equal(outcome.kind, 'created');
    return outcome.session;
  }

  async createMany(count: number, plan: SessionPlan = {}): Promise<StoredSession[]> {
    return Promise.all(Array.from({ length: count }, (_, i) => this.create({ ...plan, at: (plan.at ?? start) + i })));
  }

  async snapshot(id: SessionId): Promise<SessionSnapshot> {
    const found = await this.store.readSession(id);
    assert.ok(found, `session ${id} is not there`);
    return found;
  }

  /** A session as a caller would see it at `now`. */
  async view(id: SessionId, now: number = start): Promise<Session> {
    return view(await this.snapshot(id), now);
  }

  async list(filter: SessionFilter = {}, now: number = start, limit = 100): Promise<Session[]> {
    const sessions: Session[] = [];
    for (let after: SessionId | undefined; ; ) {
      const page = await this.store.listSessions({ filter, after, limit, now, budget: 10_000 });
      assert.ok(page.sessions.length <= limit, 'a page is longer than its limit');
      sessions.push(...page.sessions.map((snapshot) => view(snapshot, now)));
      if (page.next === undefined) return sessions;
      assert.notEqual(page.next, after, 'a page led back to itself');
      after = page.next;
    }
  }

  /** Watches the log. `hears` resolves when a hint arrives; since one may be lost, the log keeps growing meanwhile. */
  watch(): { hears(grow: () => Promise<unknown>): Promise<void>; hints(): number; stop(): void } {
    let [hints, heard] = [0, () => {}];
    const stop = this.store.watchLog!(() => {
      hints += 1;
      heard();
    });
    const hears = async (grow: () => Promise<unknown>) => {
      const hint = new Promise<void>((resolve) => {
        heard = resolve;
      });
      const again = setInterval(() => void grow().catch(() => {}), 500);
      await grow()
        .then(() => hint)
        .finally(() => clearInterval(again));
    };
    return { hears, hints: () => hints, stop };
  }

  log(): Promise<LogEntry[]> {
    return this.store.readLog(0, 100_000);
  }

  /** The sequence of the newest entry of the log. */
  async head(): Promise<number> {
    return (await this.store.logHead()).sequence;
  }

  /** Ends the given session, or a new one, and returns the new entry of the log. */
  async logOne(session?: { id: SessionId }): Promise<LogEntry> {
    const { id } = session ?? (await this.create());
    const outcome = await this.store.endSession(id, logout());
    assert.ok(outcome.kind === 'ended');
    const [entry] = await this.store.readLog(outcome.end.sequence, 1);
    assert.ok(entry && entry.sequence === outcome.end.sequence, 'an end has no entry in the log');
    return entry;
  }

  async events(): Promise<NewEvent[]> {
    return (await this.store.readEvents({ after: 0, limit: 100_000 })).events;
  }

  /** Sweeps until there is nothing more to do. */
  async sweep(now: number, keepEnded: number = forever, batch = 100, keepEvents: number = forever): Promise<void> {
    for (let turn = 0; turn < 1000; turn++) {
      const { more } = await this.store.sweep({ now, keepEnded, keepEvents, batch });
      if (!more) return;
    }
    assert.fail('the sweep never finished');
  }

  account(username: string, email?: string): Account {
    return newAccount({ id: newId(username, start, random) as UserId, username, email }, start);
  }

  slot(text: string): NamedSession {
    return {
      name: name(text),
      config: { color: 'blue' },
      started: true,
      sessionId: undefined,
      kept: true,
      createdAt: start,
      updatedAt: start,
      version: 1,
    };
  }
}

/** A new account, created at `now`. */
export function newAccount({ id, username, email }: Pick<Account, 'id' | 'username' | 'email'>, now: number): Account {
  return {
    id,
    username,
    email,
    pendingEmail: undefined,
    name: `${username} the tester`,
    roles: ['member'],
    permissions: [],
    disabled: false,
    createdAt: now,
    updatedAt: now,
    lastLoginAt: undefined,
    version: 1,
    passwordHash: '$argon2id$…',
    factor: undefined,
  };
}

/** The position before the first entry of any log. */
export const beginning: LogPosition = { sequence: 0, mark: '' };

/** The position of an entry or a head. */
export const positionOf = ({ sequence, mark }: LogPosition): LogPosition => ({ sequence, mark });

/** An entry without its mark, which differs in every store. */
export function changeOf({ mark: _, ...change }: LogEntry): object {
  return change;
}

export const nodeRow = (id: string, counter: number, tail: LogPosition = beginning): NodeRow => ({
  id,
  counter,
  applied: tail.sequence,
  tail: positionOf(tail),
});

export function view({ stored, epochEnd }: SessionSnapshot, now: number): Session {
  return viewOf(stored, endOf(stored, epochEnd, now));
}

export const logout = (at: number = start): End => ({ at, by: 'user:ada', reason: 'logout' });
export const allOfUser = (at: number = start): End => ({ at, by: 'key:root', reason: 'all_of_user' });
export const everyone = (at: number = start): End => ({ at, by: 'user:root', reason: 'everyone' });
export const note = (type: NewEvent['type'], at: number = start): NewEvent => ({ type, at, by: 'key:test' });
export const ids = (sessions: readonly { id: string }[]): string[] => sessions.map((session) => session.id);
export { hour };
