import { Batcher } from '../batcher.ts';
import type { SessionSnapshot } from '../contract.ts';
import { separator } from '../redis/codec.ts';
import { numberOf, type StreamEntry } from '../redis/events.ts';
import type { Reply } from '../redis/link.ts';
import type { Part } from '../redis/part.ts';
import { atMost } from './at-most.ts';
import { numberInHome, numberOfEveryone, readEntry, readNews, readTaken, take } from './scripts.ts';
import { uncertain } from './uncertain.ts';

/** How many entries and events one script takes over. */
const piece = 200;
/** Milliseconds until what was told is taken over, and for which a group that does not answer is waited for: by a change, and by a list of events. */
const [lag, patience, patienceOfList] = [100, 200, 1000];
/** In the log: everyone. */
const everyone = 'a';
/** The most numbers of a group that are remembered. */
const mostKnown = 5000;

/** How far a group's log and events have been taken over, as the home said on this connection. */
type Taken = { connection: number; log: string; mark: string; events: string; base: number; times: string };

/**
 * Takes over into the home's log, and into its events, what groups have told in theirs: the fence follows one log, and an
 * end that is in it is visible in its group. A group's own streams are written with each change, so nothing is lost if a
 * server stops in between: the next one to come by takes it over.
 */
export class Outbox {
  readonly #home: Part;
  readonly #groups: readonly Part[];
  readonly #batchers: readonly Batcher<void, undefined>[];
  readonly #taken: (Taken | undefined)[];
  /** Groups that have told something through this process, which is taken over in a moment. */
  readonly #told: Set<number> = new Set();
  #timer: NodeJS.Timeout | undefined;
  #flushing: Promise<unknown> = Promise.resolve();
  /** Of each group, numbers in the home's log by numbers in the group's. */
  readonly #known: readonly Map<number, number>[];
  #knownOn = 0;

  constructor(home: Part, groups: readonly Part[]) {
    this.#home = home;
    this.#groups = groups;
    this.#taken = groups.map(() => undefined);
    this.#known = groups.map(() => new Map());
    this.#batchers = groups.map(
      (_, i) =>
        new Batcher(
          async (asked) => {
            await this.#takeOver(i);
            return asked.map(() => undefined);
          },
          { parallel: 1, most: Number.POSITIVE_INFINITY, crowd: 1 },
        ),
    );
  }

  /**
   * Takes over everything that the group has told before the call. Returns the number of the newest event that is taken
   * over. @throws if the group or the home is out of reach
   */
  async takeOver(group: number): Promise<number> {
    await this.#batchers[group]!.run();
    return Number(this.#takenOf(group)?.events ?? 0);
  }

  /** Takes over everything that can be reached. */
  async takeOverAll(): Promise<void> {
    for (const group of this.#groups.keys()) this.#told.add(group);
    await this.flush(patienceOfList);
  }

  /** Takes over soon what a group has just told: nobody waits for it, except those who read it or tell of more. */
  soon(group: number): void {
    this.#told.add(group);
    this.#timer ??= setTimeout(() => void this.flush(), lag);
  }

  /** Takes over what groups have told through this process. A group that is out of reach is left to the next sweep. */
  async flush(longest: number = patience): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const told = [...this.#told];
    this.#told.clear();
    this.#flushing = Promise.allSettled([this.#flushing, ...told.map((group) => this.takeOver(group))]);
    await atMost(longest, this.#flushing);
  }

  /** The number in the home's log of an entry that was just written to a group's log. */
  async announce(group: number, number: number): Promise<number> {
    return uncertain(this.takeOver(group).then(() => this.numberOf(group, number)));
  }

  /** The number in the home's log of an entry of a group's log. It is taken over first, if it is not there yet. */
  async numberOf(group: number, number: number): Promise<number> {
    if (Number(this.#takenOf(group)?.log ?? 0) < number) await this.takeOver(group);
    const known = this.#takenOf(group);
    const there = this.#known[group]!.get(number);
    if (there !== undefined) return there;
    const { base, connection } = known ?? (await this.#readTaken(group));
    if (number <= base) return number;
    const reply = await this.#home.link.run(numberInHome, [String(group), String(number)]);
    const [own, later] = reply as [string | null, string | null];
    const found = own ?? (await this.#numberOfEveryone(group, number));
    if (found !== null && connection === this.connection) this.#remember(group, number, Number(found));
    // Its own is not known any more. A node that has applied a later entry, or all of them, has applied it too.
    return Number(found ?? later ?? (await this.#home.store.engine.head()));
  }

  /** `null` for another entry than an end of everyone. */
  async #numberOfEveryone(group: number, number: number): Promise<Reply> {
    const row = (await this.#groups[group]!.link.run(readEntry, [String(number)])) as string | null;
    const [at, kind] = row?.split(separator) ?? [];
    if (kind !== everyone) return null;
    const found = await this.#home.writes.run(numberOfEveryone, [String(group), String(number), at!]);
    // The home tells of it once, after all groups: perhaps later than of what came after it in this one.
    return found ?? this.#home.store.engine.head();
  }

  /** A session with the numbers that ends have in the home's log. */
  async translate(group: number, snapshot: SessionSnapshot): Promise<SessionSnapshot>;
  async translate(group: number, snapshot: SessionSnapshot | undefined): Promise<SessionSnapshot | undefined>;
  async translate(group: number, snapshot: SessionSnapshot | undefined): Promise<SessionSnapshot | undefined> {
    const { stored, epochEnd } = snapshot ?? {};
    if (!stored || (!stored.end && !epochEnd)) return snapshot;
    const numbered = async <End extends { sequence: number }>(end: End): Promise<End> => ({
      ...end,
      sequence: await this.numberOf(group, end.sequence),
    });
    return {
      stored: stored.end ? { ...stored, end: await numbered(stored.end) } : stored,
      epochEnd: epochEnd && (await numbered(epochEnd)),
    };
  }

  async #takeOver(group: number): Promise<void> {
    const part = this.#groups[group]!;
    for (let before: Taken | undefined; ; ) {
      const taken = this.#takenOf(group) ?? (await this.#readTaken(group));
      // The home has lost entries, or the group has another log: numbers name other entries.
      if (before && (Number(taken.log) < Number(before.log) || taken.times !== before.times))
        this.#known[group]!.clear();
      before = taken;
      const reply = await part.link.run(readNews, [taken.log, taken.mark, taken.events, String(piece)]);
      const [entries, events, lastEntry, lastEvent] = reply as unknown as [
        StreamEntry[],
        StreamEntry[],
        StreamEntry | null,
        StreamEntry | null,
      ];
      const log = logSince(entries, lastEntry, taken);
      const told = eventsSince(events, lastEvent, taken);
      if (log.last === taken.log && log.mark === taken.mark && told.last === taken.events) return;
      if (!(await this.#write(group, taken, log, told))) continue;
      if (log.rows.length < piece && told.rows.length < piece) return;
    }
  }

  /** Another connection to the home has another number: it may lead to another server. */
  get connection(): number {
    return this.#home.link.generation + this.#home.writes.generation;
  }

  /**
   * How far a group is taken over, if that is known. After a failover the home may lack what it has taken over before, and
   * its numbers may name other entries: all is forgotten that an earlier connection has told.
   */
  #takenOf(group: number): Taken | undefined {
    const connection = this.connection;
    if (connection !== this.#knownOn) for (const known of this.#known) known.clear();
    this.#knownOn = connection;
    const taken = this.#taken[group];
    return taken?.connection === connection ? taken : undefined;
  }

  /** Returns false if another server was faster. */
  async #write(group: number, taken: Taken, log: News, told: News): Promise<boolean> {
    const next: Taken = { ...taken, log: log.last, mark: log.mark, events: told.last };
    // The store tells of everyone's end once, after all groups.
    const rows = log.rows.filter(([, row]) => log.isAnother || row.split(separator, 2)[1] !== everyone);
    const reply = await this.#home.writes.run(take, [
      String(group),
      ...[taken.log, taken.events, next.log, next.mark, next.events],
      ...[log.isAnother ? '1' : '0', taken.times, String(rows.length)],
      ...rows.flat(),
      ...told.rows.flatMap(([, row]) => (row.startsWith(everyones) ? [] : [row])),
    ]);
    const [done, first] = reply as [number, number | string];
    // The home may be another one by now, which lacks it.
    if (taken.connection !== this.connection) return false;
    if (log.isAnother) {
      this.#known[group]!.clear();
      next.times = String(Number(taken.times) + 1);
    }
    this.#taken[group] = done === 1 ? next : undefined;
    if (done === 1)
      for (const [i, [number]] of rows.entries()) this.#remember(group, Number(number), Number(first) + i);
    return done === 1;
  }

  async #readTaken(group: number): Promise<Taken> {
    const connection = this.connection;
    const reply = await this.#home.link.run(readTaken, [String(group)]);
    const [log, mark, events, base, times] = reply as (string | null)[];
    const taken = {
      connection,
      log: log ?? '0',
      mark: mark ?? '',
      events: events ?? '0',
      base: Number(base ?? 0),
      times: times ?? '0',
    };
    this.#taken[group] = taken;
    return taken;
  }

  #remember(group: number, number: number, inHome: number): void {
    const known = this.#known[group]!;
    known.set(number, inHome);
    if (known.size > mostKnown) known.delete(known.keys().next().value!);
  }
}

/** The event of that. */
const everyones = `everyone.ended${separator}`;

/** What has come, by number; `last`, `mark`: the newest of it; `isAnother`: the log has another history than before. */
type News = { rows: readonly Row[]; last: string; mark: string; isAnother?: boolean };
type Row = readonly [number: string, row: string];

const rowOf = ([id, [, row]]: StreamEntry): Row => [String(numberOf(id)), row];

function logSince(entries: readonly StreamEntry[], newest: StreamEntry | null, { log, mark }: Taken): News {
  const rows = entries.map(rowOf);
  // What was imported has no mark, and before the first entry there is none.
  const isThere = rows[0]?.[0] === log;
  if (mark === '' || (isThere && rows[0]![1] === mark)) {
    const news = isThere ? rows.slice(1) : rows;
    const [last, lastMark] = news.at(-1) ?? [log, mark];
    return { rows: news, last, mark: lastMark };
  }
  // It is another log: after a failover, changes that were taken over are lost. Nobody may rely on what was known before.
  const [last, lastMark] = newest ? rowOf(newest) : ['0', ''];
  const [at] = lastMark.split(separator);
  return { rows: [[last, [at || 0, everyone, ''].join(separator)]], last, mark: lastMark, isAnother: true };
}

function eventsSince(events: readonly StreamEntry[], newest: StreamEntry | null, { events: taken }: Taken): News {
  if (newest && numberOf(newest[0]) < Number(taken)) return { rows: [], last: rowOf(newest)[0], mark: '' };
  const news = events.map(rowOf).filter(([number]) => number !== taken);
  return { rows: news, last: news.at(-1)?.[0] ?? taken, mark: '' };
}
