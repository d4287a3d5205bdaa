import { day } from '../../domain/limits.ts';
import type { Ruled } from '../../rules/index.ts';
import type { Store } from '../contract.ts';
import { Watchers } from '../watchers.ts';
import * as accounts from './accounts.ts';
import * as codec from './codec.ts';
import { describe } from './describe.ts';
import type { DurableWrites } from './durable.ts';
import { RedisEngine } from './engine.ts';
import { numberOf, readEvents, type StreamEntry } from './events.ts';
import { listenOn } from './hints.ts';
import { homeOf } from './keys.ts';
import { mendTime, readLatest } from './latest-time.ts';
import type { Link, Reply } from './link.ts';
import { listSessions } from './lists.ts';
import { refuseLackingRights } from './rights.ts';
import * as lists from './scripts/lists.ts';
import type { Script } from './scripts/script.ts';
import * as sessions from './scripts/sessions.ts';
import * as slots from './scripts/slots.ts';
import * as streams from './scripts/streams.ts';
import { decodeSnapshot } from './snapshot.ts';
import type { PartOptions } from './sweep.ts';
import { exportRecords, importRecords } from './transfer.ts';

/** Runs a script that writes; resolves when that is as durable as this Redis can make it. */
export type Write = (script: Script, args: string[], home?: string) => Promise<Reply>;

/** How many sessions' activity one script records. */
const touchesOfScript = 100;

/** The store on one Redis: the contract defines what each operation means. What `rules/` decides is not here. */
export class RedisStore implements Omit<Store, keyof Ruled> {
  readonly kind = 'redis';
  readonly #link: Link;
  readonly #durable: DurableWrites;
  readonly #options: PartOptions;
  readonly #watchers: Watchers;
  readonly #write: Write;
  readonly engine: RedisEngine;

  constructor(link: Link, durable: DurableWrites, options: PartOptions = {}) {
    this.#link = link;
    this.#durable = durable;
    this.#options = options;
    this.#watchers = new Watchers(listenOn(link.options.location));
    this.#write = durable.run.bind(durable);
    this.engine = new RedisEngine(link, durable, options);
    this.readUser = accounts.readerOfUsers(link);
  }

  // ---- Sessions

  readSession: Store['readSession'] = (id) => this.engine.readSession(id);

  readNamedSession: Store['readNamedSession'] = async (name) => {
    const found = (await this.#link.run(sessions.readNamedSession, [name])) as [never, Reply] | null;
    return found ? decodeSnapshot(...found) : undefined;
  };

  readSessionByAlias: Store['readSessionByAlias'] = (alias) => this.engine.readSessionByAlias(alias);

  touchSessions: Store['touchSessions'] = async (activities) => {
    for (let i = 0; i < activities.length; i += touchesOfScript) {
      const piece = activities.slice(i, i + touchesOfScript);
      await this.#write(
        sessions.touchSessions,
        piece.flatMap(({ id, at }) => [id, String(at)]),
      );
    }
  };

  listSessions: Store['listSessions'] = (query) => listSessions(this.#link, query);

  countActive: Store['countActive'] = async (now, userId) => {
    const home = userId === undefined ? undefined : homeOf(userId);
    return Number(await this.#link.run(lists.countActive, [String(now), userId ?? ''], home));
  };

  // ---- Users, accounts, keys

  readonly readUser: Store['readUser'];
  findAccount: Store['findAccount'] = (by) => accounts.findAccount(this.#link, by);
  listAccounts: Store['listAccounts'] = (query) => accounts.listAccounts(this.#link, query);
  readKey: Store['readKey'] = (id) => accounts.readKey(this.#link, id);
  touchKeys: Store['touchKeys'] = (uses) => accounts.touchKeys(this.#link, this.#write, uses);
  listKeys: Store['listKeys'] = (query) => accounts.listKeys(this.#link, query);

  // ---- Named sessions

  readNamed: Store['readNamed'] = async (name) => {
    const row = (await this.#link.run(slots.readNamed, [name])) as string | null;
    return row === null ? undefined : codec.decodeSlot(name, row);
  };

  listNamed: Store['listNamed'] = async ({ after, limit }) => {
    const reply = await this.#link.run(slots.listNamed, [String(limit + 1), after ?? '']);
    const found = reply as [name: Parameters<typeof codec.decodeSlot>[0], row: string][];
    const page = found.slice(0, limit).map(([name, row]) => codec.decodeSlot(name, row));
    return { slots: page, next: found.length > limit ? page.at(-1)!.name : undefined };
  };

  // ---- Limits, which need not survive a crash

  takeAttempt: Store['takeAttempt'] = async (bucket, { max, window }, now) => {
    const reply = await this.#link.run(streams.takeAttempt, [bucket, String(max), String(window), String(now)]);
    const [allowed, remaining, resetAt, open, latest] = reply as [number, number, number, number, number];
    return { allowed: allowed === 1, remaining, resetAt, open, latest };
  };

  failAttempt: Store['failAttempt'] = async (bucket) => {
    await this.#link.run(streams.failAttempt, [bucket]);
  };

  clearAttempts: Store['clearAttempts'] = async (bucket) => {
    await this.#link.run(streams.clearAttempts, [bucket]);
  };

  // ---- Events, log, nodes

  readEvents: Store['readEvents'] = (query) => readEvents(this.#link, query);

  readLog: Store['readLog'] = async (from, limit) => {
    const entries = (await this.#link.run(streams.readLog, [String(from), String(limit)])) as StreamEntry[];
    return entries.map(([id, [, row]]) => codec.decodeLog(numberOf(id), row));
  };

  logHead: Store['logHead'] = async () =>
    codec.decodeHead((await this.#link.run(streams.logHead, [])) as codec.HeadCells);

  // It bypasses the waits for the disk and for replicas: see docs/redis.md.
  renewNode: Store['renewNode'] = async ({ id, counter, applied, tail }) => {
    const args = [id, String(counter), String(applied), String(tail.sequence), tail.mark];
    return codec.decodeHead((await this.#link.run(streams.renewNode, args)) as codec.HeadCells);
  };

  listNodes: Store['listNodes'] = async ({ sequence, mark } = { sequence: 0, mark: '' }) => {
    const reply = await this.#link.run(streams.listNodes, [String(sequence), mark]);
    const [rows, follows, ...told] = reply as [[id: string, row: string, current: 0 | 1][], 0 | 1, string, string];
    const [incarnation, confirmed] = told;
    const nodes = rows.map(([id, row, current]) => ({ ...codec.decodeNode(id, row), current: current === 1 }));
    return { nodes, follows: follows === 1, incarnation, confirmed: confirmed === incarnation };
  };

  confirmIncarnation: Store['confirmIncarnation'] = async (incarnation) => {
    await this.#link.run(streams.confirmIncarnation, [incarnation]);
  };

  removeNode: Store['removeNode'] = async (id, counter) => {
    await this.#link.run(streams.removeNode, [id, counter === undefined ? '' : String(counter)]);
  };

  watchLog = (onGrowth: () => void): (() => void) => this.#watchers.watch(onGrowth);

  // ---- Upkeep

  exportRecords: Store['exportRecords'] = (options) => exportRecords(this.#link, options);

  importRecords: Store['importRecords'] = (records, fingerprint) =>
    importRecords(this.#link, records, fingerprint, this.#options.role !== 'group');

  keyFingerprint: Store['keyFingerprint'] = async () =>
    ((await this.#link.run(streams.keyFingerprint, [])) as string | null) ?? undefined;

  keepKeyFingerprint: Store['keepKeyFingerprint'] = async (fingerprint, instead = '') =>
    (await this.#write(streams.keepKeyFingerprint, [fingerprint, instead])) as string;

  latestTime: Store['latestTime'] = async () => (await readLatest(this.#link)).time;

  mendTime: Store['mendTime'] = (now) => mendTime(this.#link, now, now + day);

  ping: Store['ping'] = async () => {
    await this.logHead();
  };

  tryWriting: Store['tryWriting'] = async () => {
    await this.#durable.renewFacts();
    await refuseLackingRights(this.#link, 'Redis');
    await this.#link.run(streams.tryWriting, []);
  };

  describe: Store['describe'] = () => describe(this.#link, this.#durable.asks);

  close: Store['close'] = async () => {
    await this.#watchers.close();
    await this.#durable.close();
    await this.#link.close();
  };
}
