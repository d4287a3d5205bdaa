import type { Account } from '../../domain/account.ts';
import { encodeAlias, nameOfAlias } from '../../domain/alias.ts';
import type { AccountId, KeyId, SessionId, SessionName, UserId } from '../../domain/brand.ts';
import { encodeFactorShown } from '../../domain/factor-shown.ts';
import type { StoredSession } from '../../domain/session.ts';
import { CurfewError } from '../../errors.ts';
import { Batcher, type BatcherOptions } from '../batcher.ts';
import type { Candidate, Change, Engine, Found, Outcome, RowChange, Scan, SessionsOfUser } from '../commit.ts';
import type { LogScope, SweepTask } from '../contract.ts';
import type { Row } from './codec.ts';
import * as codec from './codec.ts';
import { type Database, withoutNul } from './database.ts';
import { isFaultOfOne, isLocked, trusted } from './faults.ts';
import { reads, writes } from './statements.ts';
import { forget } from './sweep.ts';

/** Milliseconds before a commit that needs a locked row is tried again: the first time, and at most. */
const lockPause = { first: 50, most: 500 } as const;

type Connections = {
  reading: Database;
  writing: Database;
  readSession: Engine['readSession'];
  readKey: Engine['readKey'];
  readAccount: Engine['readAccount'];
  batch: BatcherOptions;
};

type PageOfUser = Parameters<Engine['readSessionsOf']>[1];
type HeldSlot = Awaited<ReturnType<Engine['readSlot']>>;

/** How many users' steps a sweep looks at together. */
const users = 100;

/** The engine on PostgreSQL: what each operation means is defined in `commit.ts`. */
export class PostgresEngine implements Engine {
  readonly #reading: Database;
  readonly #writing: Database;
  readonly #commits: Batcher<Change, Outcome | 'later'>;
  readonly #users: Batcher<{ userId: UserId } & PageOfUser, SessionsOfUser>;
  readonly #slots: Batcher<SessionName, HeldSlot>;
  readonly #waits: Batcher<undefined, undefined>;
  readonly readSession: Engine['readSession'];
  readonly readKey: Engine['readKey'];
  readonly readAccount: Engine['readAccount'];

  constructor({ reading, writing, readSession, readKey, readAccount, batch }: Connections) {
    this.#reading = reading;
    this.#writing = writing;
    this.readSession = readSession;
    this.readKey = readKey;
    this.readAccount = readAccount;
    this.#users = new Batcher((pages) => this.#readSessionsOf(pages), batch);
    this.#slots = new Batcher((names) => this.#readSlots(names), batch);
    this.#waits = new Batcher(async (all) => {
      await writing.write(writes.awaitStandby);
      return [...all];
    }, batch);
    this.#commits = new Batcher((changes) => this.#commitAll(changes), {
      ...batch,
      apart: (error) => error instanceof CurfewError && isFaultOfOne(error.cause),
    });
  }

  async commit(change: Change): Promise<Outcome> {
    const until = performance.now() + this.#writing.location.statementTimeout;
    try {
      for (;;) {
        const outcome = await this.#commits.run(change);
        if (outcome !== 'later') return outcome;
      }
    } catch (error) {
      if (!needsLocked(error)) throw error;
    }
    // This runs outside the lanes and the batches, so that no other commit waits for the lock.
    for (let pause: number = lockPause.first; ; pause = Math.min(pause * 2, lockPause.most)) {
      await new Promise((resolve) => setTimeout(resolve, pause * (0.5 + Math.random() / 2)));
      try {
        return (await this.#commitAll([change]))[0] as Outcome;
      } catch (error) {
        if (!needsLocked(error) || performance.now() + pause > until) throw error;
      }
    }
  }

  readSessionsOf(userId: UserId, page: PageOfUser): Promise<SessionsOfUser> {
    return this.#users.run({ userId, ...page });
  }

  async #readSessionsOf(pages: readonly ({ userId: UserId } & PageOfUser)[]): Promise<SessionsOfUser[]> {
    const values = [
      pages.map(({ userId }) => userId),
      pages.map(({ after = '' }) => after),
      // With one more, it is known whether there are others.
      pages.map(({ limit }) => (limit === 0 ? 0 : limit + 1)),
    ];
    const rows = trusted(await this.#reading.read(reads.sessionsOf, values));
    const all = pages.map(({ userId }) => ({
      on: { userId, user: 0, everyone: 0, revision: -1 },
      sessions: [] as StoredSession[],
    }));
    for (const row of rows) {
      const one = all[(row['place'] as number) - 1]!;
      Object.assign(one.on, { user: row['user'], everyone: row['everyone'], revision: row['revision'] });
      if (row['id'] !== null) one.sessions.push(codec.decodeSession(row));
    }
    return all.map(({ on, sessions: found }, i) => {
      const sessions = found.slice(0, pages[i]!.limit);
      return { on, sessions, next: found.length > sessions.length ? sessions.at(-1)!.id : undefined };
    });
  }

  readSlot(name: SessionName): ReturnType<Engine['readSlot']> {
    return this.#slots.run(name);
  }

  async #readSlots(names: readonly SessionName[]): Promise<HeldSlot[]> {
    const rows = trusted(await this.#reading.read(reads.slotsAndSessions, [names]));
    const found = new Map(
      rows.map(({ slot: row, ...session }) => {
        const slot = codec.decodeSlot(row as Row);
        return [slot.name, { slot, held: session['id'] === null ? undefined : codec.decodeSnapshot(session) }];
      }),
    );
    return names.map((name) => found.get(name) ?? { slot: undefined, held: undefined });
  }

  durable(): Promise<void> {
    return this.#waits.run(undefined);
  }

  async scanDue(now: number, most: number): Promise<Scan> {
    // First those that were active meanwhile are placed where they belong.
    const placed = (await this.#writing.write(writes.sweepArmed, [now, most]))[0]!['done'] as number;
    const rows = await this.#writing.write(writes.scanDue, [now, most]);
    return {
      candidates: rows.map(decodeCandidate),
      more: placed >= most || rows.length >= most,
      settle: async () => {},
    };
  }

  async scanPassed(most: number): Promise<Scan> {
    const steps = trusted(await this.#reading.read(reads.unsettled, [users]));
    if (steps.length === 0) return { candidates: [], more: false, settle: async () => {} };
    const [owners, numbers, places] = ['user_id', 'number', 'swept'].map((column) => steps.map((row) => row[column]));
    const rows = await this.#writing.write(writes.scanPassed, [owners, numbers, places, most]);
    // If there was room for no more, the walk stopped among the sessions of the last one.
    const last = rows.length >= most ? rows.at(-1)! : undefined;
    const walked = [owners, numbers, last?.['step_of'] ?? null, last?.['id'] ?? null];
    return {
      candidates: rows.map(decodeCandidate),
      more: last !== undefined || steps.length >= users,
      settle: async () => void (await this.#writing.write(writes.settleSteps, walked)),
    };
  }

  forget(task: SweepTask): ReturnType<Engine['forget']> {
    return forget(this.#writing, task);
  }

  async head(): Promise<number> {
    return trusted(await this.#reading.read(reads.counters))[0]!['head'] as number;
  }

  async #commitAll(changes: readonly Change[]): Promise<(Outcome | 'later')[]> {
    const now = apartFrom(changes);
    const taken = now.size === changes.length ? changes : [...now];
    const [row] = await this.#writing.write(writes.commit, encodeChanges(taken));
    const outcomes = decodeOutcomes(taken, row!);
    if (taken === changes) return outcomes;
    const of = new Map(taken.map((change, i) => [change, outcomes[i]!]));
    return changes.map((change) => of.get(change) ?? 'later');
  }
}

function decodeCandidate({ slot, ...row }: Row): Candidate {
  return { snapshot: codec.decodeSnapshot(row), slot: slot ? codec.decodeSlot(slot as Row) : undefined };
}

function needsLocked(error: unknown): boolean {
  return error instanceof CurfewError && isLocked(error.cause);
}

/** The changes that can be made in one step: none of them alters what an earlier one was decided on, or writes. */
function apartFrom(changes: readonly Change[]): Set<Change> {
  const [written, used] = [new Set<string>(), new Set<string>()];
  const taken = new Set<Change>();
  for (const change of changes) {
    const { writes: own, uses } = touched(change);
    // What is left for later keeps its place before others that touch the same.
    const clashes = own.some((key) => written.has(key) || used.has(key)) || uses.some((key) => written.has(key));
    if (!clashes) taken.add(change);
    for (const key of own) written.add(key);
    for (const key of uses) used.add(key);
  }
  return taken;
}

function touched({ rows = [], on, step, count }: Change): { writes: string[]; uses: string[] } {
  const writes = rows.map(({ table, before, after }) => {
    const row = (before ?? after)!;
    return `${table} ${'id' in row ? row.id : row.name}`;
  });
  // Names are few, and one that is taken in the same turn must be noticed.
  for (const row of rows) {
    if (row.table === 'accounts' && row.after !== row.before) writes.push('names of accounts');
    if (row.table === 'sessions' && !row.before) writes.push(...row.after.aliases.map(nameOfAlias));
  }
  const uses: string[] = [];
  if (on) uses.push('everyone', `user ${on.userId}`);
  // Numbers add up in any order; a change that was decided on a revision holds alone.
  if (on && count !== undefined) (on.revision === undefined ? uses : writes).push(`sessions of ${on.userId}`);
  else if (on?.revision !== undefined) uses.push(`sessions of ${on.userId}`);
  if (step) writes.push(step.userId === undefined ? 'everyone' : `user ${step.userId}`);
  if (step?.userId !== undefined) uses.push('everyone');
  return { writes, uses };
}

/** The parts of a commit, in the order of the arguments of `commit_changes`. */
const parts = [
  'askedSessions',
  'askedUsers',
  'askedSlots',
  'askedAccounts',
  'askedNames',
  'askedKeys',
  'made',
  'changed',
  'slotsPut',
  'slotsGone',
  'accountsPut',
  'accountsGone',
  'keysPut',
  'counts',
  'steps',
  'entries',
  'told',
] as const;
type Parts = Record<(typeof parts)[number], Row[]>;

/** The version of a row that is not there: versions may begin at 0. */
const absent = -1;

/** The arguments of `commit_changes` for some changes that do not touch each other. */
export function encodeChanges(changes: readonly Change[]): (string | null)[] {
  const all = Object.fromEntries(parts.map((part) => [part, []])) as unknown as Parts;
  changes.forEach((change, of) => {
    encodeChange(all, change, of);
  });
  return parts.map((part) => (all[part].length === 0 ? null : toJson(all[part])));
}

function encodeChange(all: Parts, { at, on, rows = [], step, count, log = [], events = [] }: Change, of: number): void {
  const entry = (place: number) => all.entries.length + place + 1;
  if (on) all.askedUsers.push({ of, id: on.userId, epoch: on.user, everyone: on.everyone, revision: on.revision });
  for (const row of rows) {
    if (row.table === 'sessions') {
      const { before, after, untouched } = row;
      const { id } = after;
      const seen = untouched ? before?.lastSeenAt : undefined;
      all.askedSessions.push({ of, id, version: before?.version ?? absent, seen });
      if (!before) all.made.push({ of, ...codec.encodeSession(after) });
      else if (after !== before) {
        const place = row.entry === undefined ? undefined : entry(row.entry);
        all.changed.push({ of, id, before: before.version, seen, entry: place, set: encodePatch(before, after, at) });
      }
    } else encodeRow(all, row, of);
  }
  if (count !== undefined) all.counts.push({ of, id: on!.userId, by: count });
  if (step) {
    const { userId, end, left: remaining, event } = step;
    const { data, type } = codec.encodeEvent({ ...event, details: { ...event.details, ended: gap } });
    const [before, after] = (data as string).split(`"${gap}"`);
    const { at: when, by: actor, reason } = end;
    all.steps.push({ of, user_id: userId, at: when, actor, reason, remaining, type, before, after, entry: entry(0) });
  }
  for (const event of events) all.told.push({ of, ...codec.encodeEvent(event) });
  for (const scope of log) all.entries.push({ of, at, ...encodeScope(scope) });
}

function encodeRow(all: Parts, row: Exclude<RowChange, { table: 'sessions' }>, of: number): void {
  if (row.table === 'slots') {
    const { before, after } = row;
    const { name } = (before ?? after)!;
    all.askedSlots.push({ of, name, version: before?.version ?? absent, session_id: before?.sessionId });
    if (!after) all.slotsGone.push({ of, name });
    else if (after !== before) all.slotsPut.push({ of, ...codec.encodeSlot(after) });
  } else if (row.table === 'accounts') {
    const { before, after } = row;
    const { id } = (before ?? after)!;
    all.askedAccounts.push({ of, id, version: before?.version ?? absent });
    if (!after) all.accountsGone.push({ of, id });
    else if (after !== before) {
      const { username, email } = after as Account;
      const earlier = (before ?? {}) as Partial<Account>;
      const names = { ...(username !== earlier.username && { username }), ...(email !== earlier.email && { email }) };
      if (Object.keys(names).length > 0) all.askedNames.push({ of, id, ...names });
      all.accountsPut.push({ of, ...codec.encodeAccount(after as Account) });
    }
  } else {
    const { before, after } = row;
    all.askedKeys.push({ of, id: (before ?? after)!.id, there: before !== undefined, revoked_at: before?.revokedAt });
    if (after && after !== before) all.keysPut.push({ of, ...codec.encodeKey(after) });
  }
}

/** Where the commit puts the number into a step's event. */
const gap = '…';

function encodeScope(scope: LogScope): Row {
  if ('sessionId' in scope) return { session_id: scope.sessionId };
  if ('userId' in scope) return { user_id: scope.userId };
  return 'keyId' in scope ? { key_id: scope.keyId } : {};
}

/** The columns that differ. */
function encodePatch(before: StoredSession, after: StoredSession, at: number): Row {
  const set: Row = { version: after.version };
  if (after.suspended !== before.suspended) set['suspended'] = after.suspended;
  if (after.accessGroups !== before.accessGroups) set['groups'] = after.accessGroups;
  if (after.lastSeenAt !== before.lastSeenAt) set['last_seen_at'] = after.lastSeenAt;
  if (after.epochs !== before.epochs) set['epoch_user'] = after.epochs.user;
  if (after.tokenHash !== before.tokenHash) set['token_hash'] = codec.hex(after.tokenHash);
  if (after.refresh !== before.refresh) {
    const { hash, previousHash, rotatedAt, rotations } = after.refresh;
    set['refresh_hash'] = codec.hex(hash);
    set['previous_hash'] = previousHash ? codec.hex(previousHash) : null;
    set['rotated_at'] = rotatedAt ?? null;
    set['rotations'] = rotations;
  }
  if (after.factorShown !== before.factorShown) {
    set['factor_at'] = null;
    set['factor_shown'] = after.factorShown ? encodeFactorShown(after.factorShown) : null;
  }
  if (after.data !== before.data) set['content'] = after.data ?? null;
  if (after.idle !== before.idle) set['idle'] = after.idle;
  if (after.aliases !== before.aliases) set['aliases'] = after.aliases.map(encodeAlias);
  if (after.end && !before.end) {
    set['end_at'] = after.end.at;
    set['end_by'] = after.end.by;
    set['end_reason'] = after.end.reason;
    set['end_sequence'] = after.end.sequence;
    set['written_at'] = at;
  }
  return set;
}

/** What a commit answers, for each change. */
export function decodeOutcomes(changes: readonly Change[], row: Row): Outcome[] {
  const lost = new Set(row['lost'] as number[]);
  const found = lost.size === 0 ? undefined : decodeFound(row['present'] as Row);
  const ended = (row['ended'] as number[] | null) ?? [];
  let head = row['head'] as number;
  let step = 0;
  return changes.map((change, of) => {
    if (lost.has(of)) return { kind: 'conflict', found: found!(of, change.on?.userId) };
    const sequences = (change.log ?? []).map(() => ++head);
    return { kind: 'committed', sequences, ended: change.step ? Number(ended[step++]) : 0 };
  });
}

/** What was found of any change: the rows of all, and the epochs of its own user. */
function decodeFound({
  sessions,
  slots,
  accounts,
  keys,
  users,
}: Row): (of: number, userId: UserId | undefined) => Found {
  const rows = {
    sessions: new Map(((sessions ?? []) as Row[]).map((row) => [row['id'] as SessionId, codec.decodeSnapshot(row)])),
    accounts: new Map(((accounts ?? []) as Row[]).map((row) => [row['id'] as AccountId, codec.decodeAccount(row)])),
    keys: new Map(((keys ?? []) as Row[]).map((row) => [row['id'] as KeyId, codec.decodeKey(row)])),
    slots: new Map(((slots ?? []) as Row[]).map((row) => [row['name'] as SessionName, codec.decodeSlot(row)])),
  };
  const places = new Map(((users ?? []) as Row[]).map((row) => [row['of'], row]));
  return (of, userId) => {
    const { user, everyone, revision } = places.get(of) ?? {};
    return { ...rows, on: userId === undefined ? undefined : ({ userId, user, everyone, revision } as Found['on']) };
  };
}

/** In a form from which PostgreSQL's JSON can make text, which cannot contain U+0000. */
function toJson(rows: readonly Row[]): string {
  const text = JSON.stringify(rows);
  return text.includes('\\u0000') ? JSON.stringify(rows, (_, value) => withoutNul(value)) : text;
}
