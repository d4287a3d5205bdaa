import { ErrorReply } from '@redis/client';
import type { SessionId, SessionName, UserId } from '../../domain/brand.ts';
import type { NamedSession } from '../../domain/named.ts';
import type { StoredSession } from '../../domain/session.ts';
import { Batcher } from '../batcher.ts';
import type {
  Change,
  Engine,
  Found,
  Outcome,
  RowChange,
  SessionRow,
  SessionsOfUser,
  SlotRow,
  Standing,
  Step,
} from '../commit.ts';
import type { SessionSnapshot } from '../contract.ts';
import * as codec from './codec.ts';
import type { DurableWrites } from './durable.ts';
import { commandFault } from './faults.ts';
import { allTags, homeOf, homeOfSession, tagsOf } from './keys.ts';
import type { Link, Reply } from './link.ts';
import { commit, readSessionsOf, readSlot } from './scripts/commit.ts';
import { readSession } from './scripts/sessions.ts';
import { counters, tryWriting } from './scripts/streams.ts';
import { decodeSnapshot } from './snapshot.ts';

/** The most changes in one script, so that Redis is soon free for others, and the most scripts at once. */
const batch = { most: 64, parallel: 64, crowd: 1 } as const;

/** The engine on one Redis: what each operation means is defined in `commit.ts`. */
export class RedisEngine implements Engine {
  readonly #link: Link;
  readonly #writes: DurableWrites;
  readonly #commits: Batcher<Change, Reply>;

  constructor(link: Link, writes: DurableWrites) {
    this.#link = link;
    this.#writes = writes;
    this.#commits = new Batcher((changes) => this.#commitAll(changes), batch);
  }

  async commit(change: Change): Promise<Outcome> {
    const [first, ...told] = (await this.#commits.run(change)) as [string | number, ...Reply[]];
    // Told by Redis about a key of this change alone.
    if (first === 'failed') throw commandFault(new ErrorReply(told[0] as string), true);
    if (first === 'lost') return { kind: 'conflict', found: decodeFound(change, told) };
    return { kind: 'committed', ended: Number(first), sequences: told.map(Number) };
  }

  async readSession(id: SessionId): Promise<SessionSnapshot | undefined> {
    const home = homeOfSession(id);
    const [row, mark] = await this.#link.read(`${home}s:${id}`, `${home}m`);
    if (!row) return undefined;
    // While no epoch has moved since its mark was written, none has ended it: see the mark in codec.ts.
    if (row.startsWith(`${mark ?? codec.firstEpochStamp}${codec.separator}`)) return decodeSnapshot(id, row);
    return decodeSnapshot(id, await this.#link.run(readSession, [id], home));
  }

  async readSessionsOf(userId: UserId): Promise<SessionsOfUser> {
    const reply = await this.#link.run(readSessionsOf, [userId], homeOf(userId));
    const [everyone, user, revision, ...rows] = reply as [number, number, string, ...string[]];
    const sessions: StoredSession[] = [];
    for (let i = 0; i < rows.length; i += 2) sessions.push(codec.decodeSession(rows[i] as SessionId, rows[i + 1]!));
    return { on: { userId, user, everyone, revision: Number.parseInt(revision, 16) }, sessions };
  }

  async readSlot(name: SessionName): ReturnType<Engine['readSlot']> {
    const reply = await this.#link.run(readSlot, [name]);
    const [row, id, snapshot = null] = reply as [string | null, SessionId?, Reply?];
    return {
      slot: row === null ? undefined : codec.decodeSlot(name, row),
      held: id === undefined ? undefined : decodeSnapshot(id, snapshot),
    };
  }

  async head(): Promise<number> {
    return ((await this.#link.run(counters, [])) as [number, number])[0];
  }

  /** What Redis shows is on its disk, unless it must be asked for that. */
  async durable(): Promise<void> {
    if (this.#writes.asks) await this.#writes.run(tryWriting, []);
  }

  async #commitAll(changes: readonly Change[]): Promise<Reply[]> {
    const call = new Call();
    for (const change of changes) call.add(change);
    const args = [String(call.strings.length), ...call.args];
    return (await this.#writes.run(commit, args, '', [...call.strings, ...call.others])) as Reply[];
  }
}

/** What the script of a commit gets; it is explained there. All keys that a change concerns are named here. */
class Call {
  /** The names of keys. */
  readonly strings: string[] = [];
  readonly others: string[] = [];
  readonly args: string[] = [];

  add({ at, on, rows = [], step, count = 0, log = [], events = [] }: Change): void {
    const [changes, makes, plains]: [Row[], Row[], Row[]] = [[], [], []];
    const [adds, drops]: [Entry[], Entry[]] = [[], []];
    for (const row of rows) {
      if (row.table === 'slots') plains.push(encodeSlotRow(row));
      else if (row.before) changes.push(encodeSessionRow(row, row.before));
      else makes.push({ key: rowKey(row.after), args: [codec.encodeSession(row.after)] });
      const [old, now] = entriesOf(row);
      adds.push(...now.filter(([key]) => !old.some(([other]) => other === key)));
      drops.push(...old.filter(([key]) => !now.some(([other]) => other === key)));
    }
    const moved = step ? marksOf(step) : [];
    if (on) {
      const home = homeIn(rows, on.userId);
      this.strings.push(`${home}m`);
      this.others.push(`${home}e:${on.userId}`);
      if (on.revision !== undefined) this.others.push(`${home}u:${on.everyone}.${on.user}:${on.userId}`);
    }
    if (step?.userId !== undefined) this.others.push(`${homeOf(step.userId)}e:${step.userId}`);
    this.strings.push(...[...changes, ...makes, ...plains].map(({ key }) => key), ...moved);
    this.others.push(...[...adds, ...drops].map(([key]) => key));
    const sizes = [adds, drops, log, events].map(({ length }) => length);
    this.args.push(
      [
        ...[changes.length, makes.length, plains.length],
        step?.userId === undefined ? moved.length : -1,
        ...sizes,
        count,
        ...(on ? [on.everyone, on.user, shows(rows, on) ? 1 : 0, encodeRevision(on.revision)] : ['-', '-', 0, '-']),
      ].join(' '),
    );
    for (const { args } of [...changes, ...makes, ...plains]) this.args.push(...args);
    if (step) this.args.push(...encodeStep(step));
    for (const [, member] of [...adds, ...drops]) this.args.push(member);
    for (const scope of log) this.args.push(codec.encodeScope(at, scope));
    for (const event of events) this.args.push(codec.encodeEvent(event));
  }
}

type Row = { key: string; args: string[] };
/** A key of a sorted set, and the member in it. */
type Entry = readonly [key: string, member: string];

const isSlot = (row: RowChange): row is SlotRow => row.table === 'slots';
const isMade = (row: RowChange) => row.table === 'sessions' && !row.before;
const isChanged = (row: RowChange) => row.table === 'sessions' && row.before !== undefined;

const rowKey = ({ id }: StoredSession) => `${homeOfSession(id)}s:${id}`;

function encodeSessionRow({ after, entry, untouched = false }: SessionRow, before: StoredSession): Row {
  const stands = codec.encodeStanding(before, untouched);
  if (after === before) return { key: rowKey(before), args: [stands, '', '', '', '', ''] };
  const [first, ...rest] = codec.encodeChange(before, after, entry !== undefined);
  return { key: rowKey(before), args: [stands, first!, entry === undefined ? '' : String(entry + 1), ...rest] };
}

function encodeSlotRow({ before, after }: SlotRow): Row {
  const args = [before ? codec.encodeSlotStanding(before) : ''];
  if (after) args.push(after === before ? '=' : codec.encodeSlot(after));
  else args.push('');
  return { key: `slot:${(before ?? after)!.name}`, args };
}

/** The entries of a row in indexes before and after a change. Those in the lists of all sessions follow with the sweep. */
function entriesOf(row: RowChange): [before: Entry[], after: Entry[]] {
  if (row.table === 'slots') {
    const [before, after] = [row.before, row.after].map((slot): Entry[] => (slot ? [['slots', slot.name]] : []));
    return [before!, after!];
  }
  const { before, after } = row;
  if (before === after) return [[], []];
  const listed = before !== undefined && !after.end;
  const [old, now] = [before, after].map((session): Entry[] => {
    if (!session) return [];
    const keys = placesOf(session);
    if (listed) keys.push(...tagsOf(session).map((tag) => `l:${tag}`));
    return keys.map((key) => [key, session.id]);
  });
  return [old!, now!];
}

/** The beginning of a user's keys; the id of a session has it, and of anybody else it is computed. */
function homeIn(rows: readonly RowChange[], userId: UserId): string {
  for (const row of rows) if (row.table === 'sessions' && row.after.userId === userId) return homeOfSession(row.after.id);
  return homeOf(userId);
}

/** Where a session stands under its user. */
function placesOf({ id, userId, epochs, suspended, end }: StoredSession): string[] {
  const home = homeOfSession(id);
  if (end) return [`${home}x:${userId}`];
  const stamp = `${epochs.everyone}.${epochs.user}:${userId}`;
  return suspended ? [`${home}u:${stamp}`, `${home}v:${stamp}`, 'suspended'] : [`${home}u:${stamp}`];
}

/** Whether one of the sessions has the epochs of the user, so that its mark shows whether they are the present ones. */
function shows(rows: readonly RowChange[], { userId, user }: Standing): boolean {
  return rows.some(
    (row) => row.table === 'sessions' && row.before?.userId === userId && row.before.epochs.user === user,
  );
}

function marksOf({ userId }: Step): string[] {
  return userId === undefined ? allTags().map((tag) => `{${tag}}:m`) : [`${homeOf(userId)}m`];
}

/** Where the commit puts the number into a step's event. */
const gap = '…';

function encodeStep({ userId, end: { at, by, reason }, left, event }: Step): string[] {
  const told = codec.encodeEvent({ ...event, details: { ...event.details, ended: gap } });
  const halves = told.split(`"${gap}"`);
  return [
    [at, by, reason].join(codec.separator),
    String(left),
    ...halves,
    ...(userId === undefined ? ['', ''] : [userId, homeOf(userId)]),
  ];
}

/** A revision has 12 digits of base 16. */
function encodeRevision(revision: number | undefined): string {
  return revision === undefined ? '-' : revision.toString(16).padStart(12, '0');
}

function decodeFound({ rows = [], on }: Change, [everyone, user, ...told]: readonly Reply[]): Found {
  const sessions = new Map<SessionId, SessionSnapshot>();
  const slots = new Map<SessionName, NamedSession>();
  // In the order in which the script gets them.
  const [changed, made, plain] = [rows.filter(isChanged), rows.filter(isMade), rows.filter(isSlot)];
  for (const [i, row] of [...changed, ...made, ...plain].entries()) {
    const found = told[i] ?? null;
    if (row.table === 'slots') {
      const { name } = (row.before ?? row.after)!;
      if (found !== null) slots.set(name, codec.decodeSlot(name, found as string));
    } else {
      const snapshot = decodeSnapshot(row.after.id, found);
      if (snapshot) sessions.set(row.after.id, snapshot);
    }
  }
  return { sessions, slots, on: on && { userId: on.userId, user: Number(user), everyone: Number(everyone) } };
}
