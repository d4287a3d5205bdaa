import { nameOfAlias } from '../../domain/alias.ts';
import type { AttemptRule } from '../../domain/attempts.ts';
import type { KeyId, SessionId, UserId } from '../../domain/brand.ts';
import { type Event, isFilter, typesOf } from '../../domain/events.ts';
import type { ApiKey } from '../../domain/key.ts';
import { day } from '../../domain/limits.ts';
import { matchesText } from '../../domain/search.ts';
import { endOf, viewOf } from '../../domain/session.ts';
import { CurfewError, isCurfewError } from '../../errors.ts';
import type { Ruled } from '../../rules/index.ts';
import { Batcher } from '../batcher.ts';
import type { AttemptOutcome, LogHead, LogPosition, NodeList, NodeRow, SessionSnapshot, Store } from '../contract.ts';
import { type BlockTimes, skipBlocks } from '../event-times.ts';
import { lookedAccount, searchPage } from '../search.ts';
import { Watchers } from '../watchers.ts';
import type { Row } from './codec.ts';
import * as codec from './codec.ts';
import { Database, type Statement } from './database.ts';
import { countEntries, describe } from './describe.ts';
import { PostgresEngine } from './engine.ts';
import { callFault, isDenied, trusted } from './faults.ts';
import { listenOn } from './hints.ts';
import type { Location } from './location.ts';
import { eventSearch, eventsStatement, listStatement, reads, writes } from './statements.ts';
import { exportRecords, importRecords } from './transfer.ts';

/**
 * The most operations that share a commit, and questions that share a round trip. Writers take turns anyway, so a
 * second commit beside a running one only helps when many wait.
 */
const batch = { parallel: 2, most: 128, crowd: 8 } as const;
/** How many sessions' activity one statement records. */
const touches = 500;
/** How many candidates for a free text, or accounts, are fetched at once. */
const slice = 200;
/** How many events one statement searches. */
const eventsOfSearch = 1000;

/** How the connections that a location allows are divided: two lanes of writes and a sweep, and everything else. */
export function sharesOf({ connections }: Location): { writing: number; others: number } {
  const writing = Math.max(1, Math.min(batch.parallel + 1, connections - 2));
  return { writing, others: Math.max(2, connections - writing) };
}

/** What PostgreSQL does apart from the rules; {@link PostgresEngine} is what those are decided over. */
export class PostgresStore implements Omit<Store, keyof Ruled> {
  readonly kind = 'postgres';
  readonly #database: Database;
  /**
   * The leases depend on these calls, so they have their own connections and never wait for other calls. They wait for
   * no standby: a failover that loses a renewal leads to another incarnation (docs/postgres.md).
   */
  readonly #fence: Database;
  /**
   * Writes and sweeps stay on a few connections: the server compiles its functions (functions/) for each connection,
   * and plans their statements for its first calls, which costs several times as much as later calls.
   */
  readonly #writer: Database;
  readonly #watchers: Watchers;
  readonly #sessions: Batcher<SessionId, SessionSnapshot | undefined>;
  readonly engine: PostgresEngine;
  readonly #keys: Batcher<KeyId, ApiKey | undefined>;
  readonly #users: Batcher<UserId, Awaited<ReturnType<Store['readUser']>>>;

  constructor(database: Database) {
    this.#database = database;
    const commit = database.location.renewals === 'local' ? 'local' : 'on';
    // Reading the log, reading the rows and renewing run side by side: an end on another node waits for all three.
    this.#fence = new Database(database.location, {
      connections: 3,
      commit,
      direct: true,
      otherwise: database,
    });
    this.#writer = database.beside(sharesOf(database.location).writing);
    this.#watchers = new Watchers(listenOn(database));
    this.engine = new PostgresEngine({
      reading: database,
      writing: this.#writer,
      readSession: (id) => this.#sessions.run(id),
      readKey: (id) => this.#keys.run(id),
      readAccount: async (id) => (await this.#users.run(id)).account,
      batch,
    });
    this.#sessions = new Batcher((ids) => this.#readSessions(ids), batch);
    this.#users = new Batcher((ids) => this.#readUsers(ids), batch);
    this.#keys = new Batcher((ids) => this.#readKeys(ids), batch);
  }

  // ---- Sessions

  readSession: Store['readSession'] = (id) => this.#sessions.run(id);

  readNamedSession: Store['readNamedSession'] = async (name) => {
    const row = await this.#one(reads.namedSession, [name]);
    return row && codec.decodeSnapshot(row);
  };

  readSessionByAlias: Store['readSessionByAlias'] = async (alias) => {
    const row = await this.#one(reads.aliasedSession, [nameOfAlias(alias)]);
    return row && codec.decodeSnapshot(row);
  };

  async touchSessions(activities: readonly { id: SessionId; at: number }[]): Promise<void> {
    for (let at = 0; at < activities.length; at += touches) {
      let left: readonly { id: unknown; at: unknown }[] = activities.slice(at, at + touches);
      // Others lock them only for moments; the caller retries what is left after that.
      for (let turn = 0; left.length > 0; turn++) {
        if (turn === 50) {
          throw new CurfewError('store_unavailable', { detail: 'PostgreSQL: sessions are still locked.' });
        }
        if (turn > 0) await new Promise((resolve) => setTimeout(resolve, 2 * turn));
        const rows = await this.#database.write(writes.touch, [left.map(({ id }) => id), left.map((one) => one.at)]);
        left = rows as { id: unknown; at: unknown }[];
      }
    }
  }

  listSessions: Store['listSessions'] = async (query) => {
    const { filter, limit, now } = query;
    const { text } = filter;
    const size = text === undefined ? limit + 1 : Math.max(slice, limit + 1);
    const { page, ...rest } = await searchPage(query, async (after: SessionId | undefined) => {
      const { statement, values } = listStatement({ filter, after, now }, size);
      const some = (await this.#trusted(statement, values)).map(codec.decodeSnapshot);
      const isAsked = ({ stored, epochEnd }: SessionSnapshot) =>
        text === undefined || matchesText(viewOf(stored, endOf(stored, epochEnd, now)), text);
      return {
        looked: some.map((one) => [one.stored.id, isAsked(one) ? one : undefined] as const),
        more: some.length === size,
      };
    });
    return { sessions: page, ...rest };
  };

  countActive: Store['countActive'] = async (now, userId) => {
    const row =
      userId === undefined ? await this.#one(reads.active, [now]) : await this.#one(reads.activeOfUser, [now, userId]);
    return row!['count'] as number;
  };

  // ---- Users, accounts, keys

  readUser: Store['readUser'] = (userId) => this.#users.run(userId);

  findAccount: Store['findAccount'] = async (by) => {
    const [column, value] = 'username' in by ? (['username', by.username] as const) : (['email', by.email] as const);
    const row = await this.#one(reads.accountBy(column), [value]);
    return row && { account: codec.decodeAccount(row), epochs: epochsOf(row) };
  };

  listAccounts: Store['listAccounts'] = async (query) => {
    const { text, limit } = query;
    const size = text === undefined ? limit + 1 : slice;
    const { page, ...rest } = await searchPage(query, async (after: string | undefined) => {
      const some = (await this.#trusted(reads.accounts, [after ?? '', size])).map(codec.decodeAccount);
      return {
        looked: some.map((one) => lookedAccount(one, text)),
        more: some.length === size,
      };
    });
    return { accounts: page, ...rest };
  };

  readKey: Store['readKey'] = (id) => this.#keys.run(id);

  touchKeys: Store['touchKeys'] = async (uses) => {
    for (const { id, at } of uses) {
      for (let done = false; !done; ) {
        const row = await this.#one(reads.keysById, [[id]]);
        const key = row && codec.decodeKey(row);
        if (!key || at <= (key.lastUsedAt ?? 0)) break;
        const { data } = codec.encodeKey({ ...key, lastUsedAt: at });
        // Another server may have written it meanwhile.
        done = (await this.#database.write(writes.touchKey, [id, row['data'], data])).length > 0;
      }
    }
  };

  listKeys: Store['listKeys'] = async ({ after, limit }) => {
    const keys = (await this.#trusted(reads.keys, [after ?? null, limit + 1])).map(codec.decodeKey);
    return { keys: keys.slice(0, limit), next: keys.length > limit ? keys[limit - 1]!.id : undefined };
  };

  // ---- Named sessions

  readNamed: Store['readNamed'] = async (name) => {
    const row = await this.#one(reads.slot, [name]);
    return row && codec.decodeSlot(row);
  };

  listNamed: Store['listNamed'] = async ({ after, limit }) => {
    const slots = (await this.#trusted(reads.slots, [after ?? '', limit + 1])).map(codec.decodeSlot);
    return { slots: slots.slice(0, limit), next: slots.length > limit ? slots[limit - 1]!.name : undefined };
  };

  // ---- Limits

  async takeAttempt(bucket: string, { max, window }: AttemptRule, now: number): Promise<AttemptOutcome> {
    const [row] = await this.#database.write(writes.attempt, [bucket, now, window, max]);
    const { taken, reset_at: resetAt, open, latest } = row as Record<'taken' | 'reset_at' | 'open' | 'latest', number>;
    return { allowed: taken <= max, remaining: Math.max(0, max - taken), resetAt, open, latest };
  }

  async failAttempt(bucket: string): Promise<void> {
    await this.#database.write(writes.failAttempt, [bucket]);
  }

  async clearAttempts(bucket: string): Promise<void> {
    await this.#database.write(writes.clearAttempts, [bucket]);
  }

  // ---- Events, log, nodes

  readEvents: Store['readEvents'] = async (query) => {
    const { after, before, limit, budget = Number.POSITIVE_INFINITY } = query;
    const upwards = after !== undefined;
    let reached = after ?? before ?? Number.MAX_SAFE_INTEGER;
    if (!isFilter(query)) {
      const read = await this.#trusted(eventsStatement(upwards), [reached, limit + 1]);
      const events = read.slice(0, limit).map(codec.decodeEvent);
      reached = events.at(-1)?.sequence ?? reached;
      return { events, next: read.length > limit ? reached : undefined, reached, partial: false };
    }
    const { userId = null, sessionId = null, since = null, until = null } = query;
    const types = query.type === undefined ? null : typesOf(query.type);
    const actor = query.by === undefined ? null : JSON.stringify(query.by);
    const statement = eventSearch(upwards, userId !== null);
    const began = performance.now();
    const events: Event[] = [];
    for (;;) {
      reached = await skipBlocks(query, upwards, reached, (first, last) => this.#timesOf(first, last));
      const values = [
        reached,
        eventsOfSearch,
        userId,
        types,
        sessionId,
        limit + 1 - events.length,
        actor,
        since,
        until,
      ];
      const rows = await this.#trusted(statement, values);
      events.push(...rows.filter(({ sequence }) => sequence !== null).map(codec.decodeEvent));
      if (events.length > limit) {
        const shown = events.slice(0, limit);
        reached = shown.at(-1)!.sequence;
        return { events: shown, next: reached, reached, partial: false };
      }
      const { looked, reached: last } = rows[0] as { looked: number; reached: number | null };
      reached = last ?? reached;
      if (looked < eventsOfSearch) return { events, next: undefined, reached, partial: false };
      if (performance.now() - began >= budget) return { events, next: reached, reached, partial: true };
    }
  };

  async #timesOf(first: number, last: number): Promise<ReadonlyMap<number, BlockTimes>> {
    const rows = (await this.#trusted(reads.times, [first, last])) as (BlockTimes & { block: number })[];
    return new Map(rows.map((row) => [row.block, row]));
  }

  readLog: Store['readLog'] = async (from, limit) =>
    trusted(await this.#fence.read(reads.log, [from, limit])).map(codec.decodeLog);

  async logHead(): Promise<LogHead> {
    return codec.decodeHead(trusted(await this.#fence.read(reads.head))[0]!);
  }

  async renewNode({ id, counter, applied, tail }: NodeRow): Promise<LogHead> {
    const [row] = await this.#fence.write(writes.renewNode, [id, counter, applied, tail.sequence, tail.mark]);
    return codec.decodeHead(row!);
  }

  async listNodes(tail: LogPosition = { sequence: 0, mark: '' }): Promise<NodeList> {
    const rows = trusted(await this.#fence.read(reads.nodes, [tail.sequence, tail.mark]));
    const { incarnation, confirmed, follows } = rows[0]! as Omit<NodeList, 'nodes' | 'confirmed'> & {
      confirmed: boolean | null;
    };
    const nodes = rows.filter(({ id }) => id !== null).map(codec.decodeNode);
    return { nodes, follows, incarnation, confirmed: confirmed ?? false };
  }

  async removeNode(id: string, counter?: number): Promise<void> {
    await this.#fence.write(writes.removeNode, [id, counter ?? null]);
  }

  async confirmIncarnation(incarnation: string): Promise<void> {
    await this.#fence.write(writes.confirm, [incarnation]);
  }

  watchLog = (onGrowth: () => void): (() => void) => this.#watchers.watch(onGrowth);

  // ---- Upkeep

  exportRecords: Store['exportRecords'] = () => exportRecords(this.#database);

  importRecords: Store['importRecords'] = async (records, fingerprint) => {
    try {
      await importRecords(this.#database, records, fingerprint);
    } catch (error) {
      throw callFault(error, 'read');
    }
  };

  async keyFingerprint(): Promise<string | undefined> {
    return (await this.#one(reads.keyFingerprint))?.['fingerprint'] as string | undefined;
  }

  async keepKeyFingerprint(fingerprint: string, instead?: string): Promise<string> {
    const [row] = await this.#database.write(writes.keepKeyFingerprint, [fingerprint, instead ?? null]);
    return row!['fingerprint'] as string;
  }

  async latestTime(): Promise<number> {
    return (await this.#one(reads.counters))!['time'] as number;
  }

  async mendTime(now: number): Promise<void> {
    await this.#database.write(writes.mendTime, [now, day]);
  }

  async ping(): Promise<void> {
    await this.#trusted(reads.standby);
  }

  tryWriting: Store['tryWriting'] = async () => {
    try {
      await this.#database.write(writes.tryWriting);
    } catch (error) {
      // A role without the right to temporary tables cannot try it.
      if (!(isCurfewError(error) && isDenied(error.cause))) throw error;
    }
  };

  describe: Store['describe'] = () => describe(this.#database);

  /** Rows about sessions and their history, which the sweep must reduce to zero. */
  countEntries(): Promise<number> {
    return countEntries(this.#database);
  }

  /**
   * Opens the connections that the first calls would wait for. The one for the leases comes first, and shows that the
   * role has the necessary rights.
   */
  async connect(): Promise<void> {
    await this.logHead();
    (await this.#writer.connect()).release();
  }

  async close(): Promise<void> {
    await this.#watchers.close();
    await Promise.all([this.#database.close(), this.#writer.close(), this.#fence.close()]);
  }

  async #readSessions(ids: readonly SessionId[]): Promise<(SessionSnapshot | undefined)[]> {
    const rows = await this.#trusted(reads.sessions, [ids]);
    const found = new Map(rows.map((row) => [row['id'], codec.decodeSnapshot(row)]));
    return ids.map((id) => found.get(id));
  }

  async #readKeys(ids: readonly KeyId[]): Promise<(ApiKey | undefined)[]> {
    const rows = await this.#trusted(reads.keysById, [[...new Set(ids)]]);
    const found = new Map(rows.map((row) => [row['id'], codec.decodeKey(row)]));
    return ids.map((id) => found.get(id));
  }

  async #readUsers(ids: readonly UserId[]): Promise<Awaited<ReturnType<Store['readUser']>>[]> {
    const rows = await this.#trusted(reads.users, [ids]);
    const found = new Map(rows.map((row) => [row['place'], row]));
    return ids.map((_, i) => {
      const row = found.get(i + 1)!;
      return { account: row['id'] === null ? undefined : codec.decodeAccount(row), epochs: epochsOf(row) };
    });
  }

  async #trusted(statement: Statement, values: readonly unknown[] = []): Promise<Row[]> {
    return trusted(await this.#database.read(statement, values));
  }

  async #one(statement: Statement, values: readonly unknown[] = []): Promise<Row | undefined> {
    return (await this.#trusted(statement, values))[0];
  }
}

function epochsOf(row: Row): { user: number; everyone: number } {
  return { user: row['epoch'] as number, everyone: row['everyone'] as number };
}
