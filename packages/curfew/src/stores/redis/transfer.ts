import { isDeepStrictEqual } from 'node:util';
import type { SessionId, UserId } from '../../domain/brand.ts';
import { nextDeadline, type StoredSession } from '../../domain/session.ts';
import { CurfewError } from '../../errors.ts';
import type { ExportOptions } from '../contract.ts';
import { refuseUsed, type StoreRecord } from '../records.ts';
import { quietRows } from '../running.ts';
import { listAccounts, listKeys } from './accounts.ts';
import * as codec from './codec.ts';
import { numberOf, readEvents, type StreamEntry } from './events.ts';
import { aliasKey, allTags, homeOf, homeOfSession, tagsOf } from './keys.ts';
import { readLatest } from './latest-time.ts';
import type { Link } from './link.ts';
import { listNamed } from './scripts/slots.ts';
import { counters, keyFingerprint, readLog } from './scripts/streams.ts';
import { buryEnded, placeCreated } from './scripts/sweep.ts';
import { type Command, restore } from './scripts/transfer.ts';
import { follow } from './sweep.ts';

/** How many rows one script reads or writes. */
const piece = 100;
/** The format during an import: a store whose import was interrupted does not open. */
export const halfImported = 'half imported';

type Numbers = { head: number; lastEvent: number };

/**
 * Everything, in order. Redis shows no past state while others write, so the export is consistent only if nobody does:
 * running servers are recognised by their rows before it begins, and other changes at its end.
 * @throws `servers_running`, `changed_meanwhile`
 */
export async function* exportRecords(
  link: Link,
  { oneMoment = true }: ExportOptions = {},
): AsyncGenerator<StoreRecord> {
  const rows = oneMoment ? await quietRows(() => nodesOf(link), 'Redis cannot show a state of the past') : undefined;
  // After this the lists contain every session.
  for (const script of [placeCreated, buryEnded]) await follow(link, script);
  const before = await numbersOf(link);
  yield { kind: 'counters', ...before, time: (await readLatest(link)).time };
  yield* epochs(link);
  for (let after: string | undefined; ; ) {
    const { accounts, next } = await listAccounts(link, { after, limit: piece });
    for (const account of accounts) yield { kind: 'account', account };
    if (next === undefined) break;
    after = next;
  }
  for (let after: Parameters<typeof listKeys>[1]['after']; ; ) {
    const { keys, next } = await listKeys(link, { after, limit: piece });
    for (const key of keys) yield { kind: 'key', key };
    if (next === undefined) break;
    after = next;
  }
  for (const list of ['live', 'past']) yield* sessionsOf(link, list);
  for (let after = ''; ; ) {
    const slots = (await link.run(listNamed, [String(piece), after])) as [name: never, row: string][];
    for (const [name, row] of slots) yield { kind: 'slot', slot: codec.decodeSlot(name, row) };
    if (slots.length < piece) break;
    after = slots.at(-1)![0];
  }
  for (let from = 0; ; ) {
    const entries = (await link.run(readLog, [String(from), String(piece)])) as StreamEntry[];
    for (const [id, [, row]] of entries) {
      const { mark: _, ...entry } = codec.decodeLog(numberOf(id), row);
      from = entry.sequence + 1;
      yield { kind: 'log', entry };
    }
    if (entries.length < piece) break;
  }
  for (let after: number | undefined = 0; after !== undefined; ) {
    const page: Awaited<ReturnType<typeof readEvents>> = await readEvents(link, { after, limit: piece });
    for (const event of page.events) yield { kind: 'event', event };
    after = page.next;
  }
  if (!oneMoment) return;
  const now = await numbersOf(link);
  const quiet = isDeepStrictEqual(await nodesOf(link), rows);
  if (quiet && now.head === before.head && now.lastEvent === before.lastEvent) return;
  throw new CurfewError('changed_meanwhile', {
    detail: 'Redis cannot show a state of the past: stop the servers while the store is exported.',
  });
}

function nodesOf(link: Link): Promise<Map<string, string>> {
  return hash(link, link.key('nodes'));
}

async function numbersOf(link: Link): Promise<Numbers> {
  const [head, lastEvent] = (await link.run(counters, [])) as [number, number];
  return { head, lastEvent };
}

/** Steps of everyone's epoch, then of each user's, each from the lowest. */
async function* epochs(link: Link): AsyncGenerator<StoreRecord> {
  const walking = Number(await link.command('HEXISTS', link.key('state'), 'walk')) === 1;
  yield* stepsOf(null, await hash(link, link.key('everyone')), !walking);
  for (const item of (await link.command('ZRANGE', link.key('epochs'), '0', '-1')) as string[]) {
    const [home, userId] = item.split(codec.separator) as [string, UserId];
    const steps = await hash(link, `${home}e:${userId}`);
    yield* stepsOf(userId, steps, Number(steps.get('left') ?? 0) === 0);
  }
}

function* stepsOf(userId: UserId | null, steps: Map<string, string>, settled: boolean): Generator<StoreRecord> {
  const numbers = [...steps.keys()].filter((field) => /^\d+$/.test(field)).map(Number);
  for (const number of numbers.sort((a, b) => a - b)) {
    const end = steps.get(String(number))!.split(codec.separator) as unknown as codec.EndCells;
    yield { kind: 'epoch', userId, number, end: codec.decodeEnd(end), settled };
  }
}

async function* sessionsOf(link: Link, list: string): AsyncGenerator<StoreRecord> {
  for (let from = '-'; ; ) {
    const range = ['ZRANGE', link.key(list), from, '+', 'BYLEX', 'LIMIT', '0', String(piece)];
    const ids = (await link.command(...range)) as SessionId[];
    if (ids.length === 0) return;
    const rows = await link.read(...ids.map((id) => `${homeOfSession(id)}s:${id}`));
    const buried = (await link.command('ZMSCORE', link.key('graves'), ...ids)) as (number | string | null)[];
    for (const [i, id] of ids.entries()) {
      const session = rows[i] == null ? undefined : codec.decodeSession(id, rows[i]);
      if (session) yield { kind: 'session', session, writtenAt: session.end && Number(buried[i] ?? session.end.at) };
    }
    from = `(${ids.at(-1)}`;
  }
}

async function hash(link: Link, key: string): Promise<Map<string, string>> {
  const reply: unknown = await link.command('HGETALL', key);
  if (!Array.isArray(reply)) return new Map(Object.entries(reply as Record<string, string>));
  return new Map(Array.from({ length: reply.length / 2 }, (_, i) => [reply[2 * i], reply[2 * i + 1]]));
}

/** @throws `store_not_empty` */
export async function refuseUsedStore(link: Link, fingerprint: string | undefined): Promise<void> {
  const used = ['live', 'past', 'usernames', 'keys', 'slots', 'log', 'events'].map((name) => link.key(name));
  const kept = (await link.run(keyFingerprint, [])) as string | null;
  refuseUsed(Number(await link.command('EXISTS', ...used)) > 0, kept ?? undefined, fingerprint);
}

/** From now on the store does not open, until its import is complete. */
export async function beginImport(link: Link): Promise<void> {
  await write(link, [beginningOf(link)]);
}

const beginningOf = (link: Link): Command => ['HSET', link.key('state'), 'format', halfImported];

/**
 * Writes records piece by piece; one final step records that the import is complete, and the key that it needs.
 * `hasAliases: false`: the aliases of sessions are kept elsewhere.
 */
export async function importRecords(
  link: Link,
  records: AsyncIterable<StoreRecord>,
  fingerprint: string | undefined,
  hasAliases = true,
): Promise<void> {
  await refuseUsedStore(link, fingerprint);
  const restoring = new Restoring(link.options.location.prefix, hasAliases);
  restoring.commands.push(beginningOf(link));
  for await (const record of records) {
    restoring.take(record);
    if (restoring.commands.length >= piece) await write(link, restoring.commands.splice(0));
  }
  restoring.finish();
  await write(link, restoring.commands);
  const key = fingerprint === undefined ? [] : ['secretKey', fingerprint];
  await write(link, [['HSET', link.key('state'), 'format', String(codec.format), ...key]]);
}

async function write(link: Link, commands: readonly Command[]): Promise<void> {
  for (let i = 0; i < commands.length; i += piece) {
    await link.run(
      restore,
      commands.slice(i, i + piece).flatMap((command) => [String(command.length), ...command]),
    );
  }
}

/** The commands that write records in their places. */
class Restoring {
  readonly commands: Command[] = [];
  readonly #prefix: string;
  readonly #hasAliases: boolean;
  #numbers: Numbers & { time: number } = { head: 0, lastEvent: 0, time: 0 };
  #logged = 0;
  #told = 0;
  #active = 0;
  #everyone = 0;
  #walkFrom: number | undefined;
  readonly #users: Map<UserId, { number: number; last: number }> = new Map();
  readonly #left: Map<string, UserId> = new Map();

  constructor(prefix: string, hasAliases: boolean) {
    this.#prefix = prefix;
    this.#hasAliases = hasAliases;
  }

  take(record: StoreRecord): void {
    switch (record.kind) {
      case 'counters':
        this.#numbers = record;
        return;
      case 'epoch':
        this.#epoch(record);
        return;
      case 'account': {
        const { id, username, email } = record.account;
        const place = this.#homeOf(id) + codec.separator + id;
        this.#add('SET', `${this.#homeOf(id)}a:${id}`, codec.encodeAccount(record.account));
        this.#add('SET', `${this.#prefix}login:u${username}`, place);
        if (email !== undefined) this.#add('SET', `${this.#prefix}login:e${email}`, place);
        this.#add('ZADD', `${this.#prefix}usernames`, '0', username);
        return;
      }
      case 'key':
        this.#add('SET', `${this.#prefix}key:${record.key.id}`, codec.encodeKey(record.key));
        this.#add('ZADD', `${this.#prefix}keys`, '0', record.key.id);
        return;
      case 'session':
        this.#session(record.session, record.writtenAt);
        return;
      case 'slot':
        this.#add('SET', `${this.#prefix}slot:${record.slot.name}`, codec.encodeSlot(record.slot));
        this.#add('ZADD', `${this.#prefix}slots`, '0', record.slot.name);
        return;
      case 'log':
        this.#log(record.entry);
        this.#logged = record.entry.sequence;
        return;
      case 'event': {
        const { sequence, ...event } = record.event;
        this.#told = sequence;
        this.#add('XADD', `${this.#prefix}events`, `0-${sequence}`, 'e', codec.encodeEvent(event));
      }
    }
  }

  /** Adds what is known only after all records. */
  finish(): void {
    const { head, lastEvent, time } = this.#numbers;
    // A log always has its newest entry. It concerns everything, because nobody holds anything of this store yet.
    if (head > this.#logged) this.#log({ sequence: head, at: time, all: true });
    if (lastEvent > this.#told) this.#skipTo('events', lastEvent);
    for (const [stamp, userId] of this.#left) {
      const home = this.#homeOf(userId);
      const item = [home, stamp, userId].join(codec.separator);
      this.#add('ZADD', `${this.#prefix}left`, String(this.#users.get(userId)!.last), item);
      this.#add('HINCRBY', `${home}e:${userId}`, 'left', '1');
    }
    if (this.#everyone > 0) {
      for (const tag of allTags()) this.#add('SET', `${this.#prefix}{${tag}}:m`, this.#mark());
    }
    if (this.#walkFrom !== undefined) {
      this.#add('HSET', `${this.#prefix}state`, 'walk', '', 'walkFrom', String(this.#walkFrom), 'walkEvents', '0');
    }
    this.#add('SET', `${this.#prefix}active`, String(this.#active));
    const followed = ['placed', String(lastEvent), 'buried', String(head)];
    this.#add('HSET', `${this.#prefix}state`, 'everyone', String(this.#everyone), 'time', String(time), ...followed);
  }

  /** The numbering of a stream continues where it was, even if its last entries are gone. */
  #skipTo(stream: string, number: number): void {
    this.#add('XADD', this.#prefix + stream, `0-${number}`, 'e', '');
    this.#add('XDEL', this.#prefix + stream, `0-${number}`);
  }

  #log(entry: codec.LogRecord): void {
    this.#add('XADD', `${this.#prefix}log`, `0-${entry.sequence}`, 'e', codec.encodeLog(entry));
  }

  #epoch({ userId, number, end }: Extract<StoreRecord, { kind: 'epoch' }>): void {
    const step = [end.at, end.by, end.reason, end.sequence].join(codec.separator);
    if (userId === null) {
      this.#everyone = number;
      this.#add('HSET', `${this.#prefix}everyone`, String(number), step);
      return;
    }
    const home = this.#homeOf(userId);
    this.#users.set(userId, { number, last: end.sequence });
    this.#add('HSET', `${home}e:${userId}`, 'n', String(number), String(number), step);
    this.#add('ZADD', `${this.#prefix}epochs`, String(end.at), home + codec.separator + userId);
  }

  /** A session where it belongs: among the living, or among the past if its end is recorded. */
  #session(session: StoredSession, writtenAt: number | undefined): void {
    const { id, userId, epochs: stamped, end } = session;
    const home = this.#homeOf(userId);
    const user = this.#users.get(userId)?.number ?? 0;
    const current = stamped.everyone === this.#everyone && stamped.user === user;
    // A mark that is never the current one makes readers check the epochs.
    const mark = current ? this.#mark() : `${stamped.everyone}.`;
    const row = mark + codec.separator + codec.encodeSession(session);
    this.#add('SET', `${home}s:${id}`, row);
    const aliases = this.#hasAliases ? session.aliases : [];
    for (const alias of aliases) this.#add('SET', this.#prefix + aliasKey(alias), id);
    for (const tag of tagsOf(session)) this.#add('ZADD', `${this.#prefix}${end ? 'p' : 'l'}:${tag}`, '0', id);
    if (end) {
      this.#add('ZADD', `${home}x:${userId}`, '0', id);
      this.#add('ZADD', `${this.#prefix}past`, '0', id);
      this.#add('ZADD', `${this.#prefix}graves`, String(writtenAt ?? end.at), id);
      return;
    }
    const stamp = `${stamped.everyone}.${stamped.user}:${userId}`;
    this.#add('ZADD', `${home}u:${stamp}`, '0', id);
    this.#add('ZADD', `${this.#prefix}live`, '0', id);
    this.#add('ZADD', `${this.#prefix}deadlines`, String(nextDeadline(session)), id);
    if (session.suspended) {
      this.#add('ZADD', `${home}v:${stamp}`, '0', id);
      this.#add('ZADD', `${this.#prefix}suspended`, '0', id);
    }
    if (current && !session.suspended) this.#active += 1;
    if (stamped.everyone < this.#everyone) this.#walkFrom = Math.min(stamped.everyone, this.#walkFrom ?? Infinity);
    else if (stamped.user < user) this.#left.set(stamp, userId);
  }

  #homeOf(userId: UserId): string {
    return this.#prefix + homeOf(userId);
  }

  #mark(): string {
    return this.#everyone === 0 ? codec.firstEpochStamp : `${this.#everyone}.0`;
  }

  #add(...command: string[]): void {
    this.commands.push(command);
  }
}
