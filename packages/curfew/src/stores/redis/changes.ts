import type { Account } from '../../domain/account.ts';
import type { UserId } from '../../domain/brand.ts';
import type { StoredSession } from '../../domain/session.ts';
import type { AccountRow, Change, RowChange, SessionRow, Standing, Step } from '../commit.ts';
import * as codec from './codec.ts';
import { aliasKey, allTags, homeOf, homeOfSession, tagsOf } from './keys.ts';

/** A row that the script of a commit reads or writes, by the name of its key, and what the script gets for it. */
type Sent = { row: RowChange; key: string; args: string[]; name?: { mustBeFree: boolean } };

/**
 * A key that is no row of the contract: how it must begin (empty: it must be absent; `*`: whatever stands there), and what
 * is written (`=`: nothing).
 */
export type Plain = { key: string; stands: string; row: string };

/** A key of a sorted set, and a member that comes or goes. */
type Entry = readonly [key: string, member: string];
/** The same with its score, where that is not 0. */
type Listed = readonly [key: string, member: string, score?: number];

/** `prefix`: that of all keys. `hasAliases`: whether the aliases of its sessions are here, too. */
export type Layout = { prefix: string; hasAliases: boolean };

/**
 * What the script of a commit gets; it is explained there. All keys that a change concerns are named here: those of a
 * user with the user's tag, the others by {@link Call.add} alone.
 */
export class Call {
  /** The names of keys. */
  readonly strings: string[] = [];
  readonly others: string[] = [];
  /** The first is how many strings there are in the end. */
  readonly args: string[] = [''];
  readonly #layout: Layout;

  constructor(layout: Layout) {
    this.#layout = layout;
  }

  add({ at, on, rows = [], step, count = 0, log = [], events = [] }: Change, also: readonly Plain[] = []): void {
    const { strings, others, args } = this;
    const [changes, makes, rest] = sorted(rows, this.#layout);
    const plains = [...rest, ...also.map(({ key, stands, row }) => ({ key, args: [stands, row] }))];
    const [adds, lists, drops]: [Entry[], Listed[], Entry[]] = [[], [], []];
    for (const row of rows) compareEntries(row, at, adds, lists, drops);
    let expected = '- - 0 -';
    if (on) {
      const home = homeIn(rows, on.userId);
      strings.push(`${home}m`);
      others.push(`${home}e:${on.userId}`);
      if (on.revision !== undefined) others.push(`${home}u:${on.everyone}.${on.user}:${on.userId}`);
      const revision = on.revision === undefined ? '-' : codec.encodeRevision(on.revision);
      expected = `${on.everyone} ${on.user} ${shows(rows, on) ? 1 : 0} ${revision}`;
    }
    const marks = step ? marksOf(step) : [];
    const steps = step?.userId === undefined ? marks.length : -1;
    args.push(
      `${changes.length} ${makes.length} ${plains.length} ${steps} ${adds.length} ${drops.length} ${lists.length} ${log.length} ${events.length} ${count} ${expected}`,
    );
    for (const sent of [changes, makes, plains]) {
      for (const one of sent) {
        strings.push(one.key);
        args.push(...one.args);
      }
    }
    if (step) {
      strings.push(...marks);
      if (step.userId !== undefined) others.push(`${homeOf(step.userId)}e:${step.userId}`);
      args.push(...encodeStep(step));
    }
    for (const entries of [adds, drops]) {
      for (const [key, member] of entries) {
        others.push(key);
        args.push(member);
      }
    }
    for (const [key, member, score = 0] of lists) {
      others.push(key);
      args.push(String(score), member);
    }
    for (const scope of log) args.push(codec.encodeScope(at, scope));
    for (const event of events) args.push(codec.encodeEvent(event));
  }
}

/** The rows in the order in which the script gets them. An account has one for each of its names, a new session for its aliases. */
export function inOrder(rows: readonly RowChange[], layout: Layout): Sent[] {
  return sorted(rows, layout).flat();
}

function sorted(
  rows: readonly RowChange[],
  { prefix, hasAliases }: Layout,
): [changes: Sent[], makes: Sent[], plains: Sent[]] {
  const [changes, makes, plains]: [Sent[], Sent[], Sent[]] = [[], [], []];
  for (const row of rows) {
    if (row.table !== 'sessions') plains.push(...encodePlain(row, prefix));
    else if (row.before) changes.push(encodeChanged(row, row.before));
    else {
      makes.push({ row, key: keyOf(row.after), args: [codec.encodeSession(row.after)] });
      if (hasAliases) plains.push(...encodeAliases(row));
    }
  }
  return [changes, makes, plains];
}

const keyOf = ({ id }: StoredSession) => `${homeOfSession(id)}s:${id}`;

function encodeChanged(row: SessionRow, before: StoredSession): Sent {
  const { after, entry, untouched = false } = row;
  const stands = codec.encodeStanding(before, untouched);
  const change = after === before ? ['', '', ''] : codec.encodeChange(before, after, entry);
  return { row, key: keyOf(before), args: [stands, ...change] };
}

/** Each of a new session's aliases must be free, and leads to the session. */
function encodeAliases(row: SessionRow): Sent[] {
  const { id, aliases } = row.after;
  return aliases.map((alias) => ({ row, key: aliasKey(alias), args: ['', id], name: { mustBeFree: true } }));
}

/** Each: how the row must begin, and the new one. */
function encodePlain(row: Exclude<RowChange, SessionRow>, prefix: string): Sent[] {
  const { before, after } = row;
  const write = (encode: () => string) => (after === undefined ? '' : after === before ? '=' : encode());
  switch (row.table) {
    case 'slots': {
      const stands = row.before ? codec.encodeSlotStanding(row.before) : '';
      return [
        {
          row,
          key: `slot:${(row.before ?? row.after)!.name}`,
          args: [stands, write(() => codec.encodeSlot(row.after!))],
        },
      ];
    }
    case 'keys': {
      const stands = row.before ? codec.encodeKey(row.before) : '';
      return [
        { row, key: `key:${(row.before ?? row.after)!.id}`, args: [stands, write(() => codec.encodeKey(row.after!))] },
      ];
    }
    default: {
      const { id } = (row.before ?? row.after)!;
      const stands = row.before ? row.before.version + codec.separator : '';
      const text = write(() => codec.encodeAccount(row.after as Account));
      return [{ row, key: `${homeOf(id)}a:${id}`, args: [stands, text] }, ...encodeNames(row, prefix)];
    }
  }
}

/** The unique names lead to where the account is. New ones must be free, and old ones become so, whatever stands there. */
function encodeNames(row: AccountRow, prefix: string): Sent[] {
  const [old, now] = [namesOf(row.before), namesOf(row.after)];
  const { id } = (row.before ?? row.after)!;
  const place = prefix + homeOf(id) + codec.separator + id;
  return [
    ...old
      .filter((key) => !now.includes(key))
      .map((key) => ({ row, key, args: ['*', ''], name: { mustBeFree: false } })),
    ...now
      .filter((key) => !old.includes(key))
      .map((key) => ({ row, key, args: ['', place], name: { mustBeFree: true } })),
  ];
}

function namesOf(account: AccountRow['after']): string[] {
  if (!account || !('username' in account)) return [];
  const { username, email } = account;
  return email === undefined ? [`login:u${username}`] : [`login:u${username}`, `login:e${email}`];
}

/** The entries of a row that come and go. `lists`: those that come into what belongs to no user. */
function compareEntries(row: RowChange, at: number, adds: Entry[], lists: Listed[], drops: Entry[]): void {
  if (row.before === row.after) return;
  if (row.table === 'sessions') {
    const { before, after } = row;
    const { id } = after;
    const [old, now] = [before ? placesOf(before) : [], placesOf(after)];
    for (const key of now) if (!old.includes(key)) adds.push([key, id]);
    for (const key of old) if (!now.includes(key)) drops.push([key, id]);
    if (!before) {
      // Until the sweep has put it into the lists.
      lists.push(['fresh', id]);
      if (after.suspended) lists.push(['suspended', id]);
      return;
    }
    const [listed, shown] = [listsOf(before, after), listsOf(after, after)];
    for (const key of shown) if (!listed.includes(key)) lists.push([key, id]);
    for (const key of listed) if (!shown.includes(key)) drops.push([key, id]);
    if (after.end && row.entry === undefined) bury(after, at, lists, drops);
    return;
  }
  const [old, now] = [listOf(row, row.before), listOf(row, row.after)];
  if (now && now[1] !== old?.[1]) lists.push(now);
  if (old && now?.[1] !== old[1]) drops.push(old);
}

/** Moves a session to the past at once: no entry in the log tells the sweep that it has ended. */
function bury(session: StoredSession, at: number, lists: Listed[], drops: Entry[]): void {
  const { id } = session;
  const tags = tagsOf(session);
  for (const key of ['live', 'deadlines', ...tags.map((tag) => `l:${tag}`)]) drops.push([key, id]);
  for (const key of ['past', ...tags.map((tag) => `p:${tag}`)]) lists.push([key, id]);
  lists.push(['graves', id, at]);
}

/** Where a session stands under its user. */
function placesOf({ id, userId, epochs, suspended, end }: StoredSession): string[] {
  const home = homeOfSession(id);
  if (end) return [`${home}x:${userId}`];
  const stamp = `${epochs.everyone}.${epochs.user}:${userId}`;
  return suspended ? [`${home}u:${stamp}`, `${home}v:${stamp}`] : [`${home}u:${stamp}`];
}

/** The lists of all sessions in which a live one stands; those of one that ends follow with the sweep. */
function listsOf(session: StoredSession, after: StoredSession): string[] {
  const lists = session.suspended && !session.end ? ['suspended'] : [];
  if (after.end) return lists;
  for (const tag of tagsOf(session)) lists.push(`l:${tag}`);
  return lists;
}

/** The list of all rows of their kind. */
function listOf({ table }: RowChange, row: RowChange['after']): Entry | undefined {
  if (!row) return undefined;
  if (table === 'slots' && 'name' in row) return ['slots', row.name as string];
  if (table === 'keys' && 'id' in row) return ['keys', row.id];
  return 'username' in row ? ['usernames', row.username] : undefined;
}

/** The beginning of a user's keys. The ids of the user's sessions have it too, so it need not be computed. */
function homeIn(rows: readonly RowChange[], userId: UserId): string {
  for (const row of rows) {
    if (row.table === 'sessions' && row.after.userId === userId) return homeOfSession(row.after.id);
  }
  return homeOf(userId);
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
  const [before, after] = told.split(`"${gap}"`) as [string, string];
  const owner = userId === undefined ? ['', ''] : [userId, homeOf(userId)];
  return [[at, by, reason].join(codec.separator), String(left), before, after, ...owner];
}
