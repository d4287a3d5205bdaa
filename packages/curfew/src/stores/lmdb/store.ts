import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { AttemptRule } from '../../domain/attempts.ts';
import type { SessionName } from '../../domain/brand.ts';
import { type ApiKey, withAttachScope } from '../../domain/key.ts';
import { day } from '../../domain/limits.ts';
import { CurfewError } from '../../errors.ts';
import type { Ruled } from '../../rules/index.ts';
import type { AttemptOutcome, LogHead, LogPosition, NodeRow, Store } from '../contract.ts';
import * as accounts from './accounts.ts';
import { Attempts } from './attempts.ts';
import { attachScopeSince, decodeLog, format, formatsBefore, markOf } from './codec.ts';
import { Committer, closedError, completeLog, loadState, type State } from './commit.ts';
import { LmdbEngine } from './engine.ts';
import { readEvents } from './events.ts';
import { isFull, writeFault } from './faults.ts';
import { dataFile } from './files.ts';
import { Incarnation } from './incarnation.ts';
import { noteClosed } from './inspect.ts';
import { countActive, listSessions } from './lists.ts';
import type { Ownership } from './owner.ts';
import { type Pace, shared } from './pace.ts';
import type { Reserve } from './reserve.ts';
import { touchAll } from './sessions.ts';
import { listSlots, readSlot } from './slots.ts';
import type { Tables } from './tables.ts';
import { exportRecords, fingerprintKey, halfImported, importRecords } from './transfer.ts';

const nodesKey = 'nodes';

/** The embedded store: the contract defines what each operation means, and the files beside implement it. */
export class LmdbStore implements Omit<Store, keyof Ruled> {
  readonly kind = 'lmdb';
  readonly folder: string;
  readonly #tables: Tables;
  readonly #owner: Ownership;
  readonly #state: State;
  readonly #committer: Committer;
  readonly engine: LmdbEngine;
  readonly #incarnation: Incarnation;
  /** This process's own, and those of earlier processes whose verifiers may still hold leases. */
  #nodes: Map<string, NodeRow> = new Map();
  readonly #attempts: Attempts;
  readonly #reserve: Reserve;
  #closing: Promise<void> | undefined;

  constructor(tables: Tables, folder: string, owner: Ownership, reserve: Reserve, pace: Pace = shared) {
    this.#tables = tables;
    this.folder = folder;
    this.#owner = owner;
    this.#state = loadState(tables);
    this.#reserve = reserve;
    this.#committer = new Committer(tables, this.#state, folder, reserve, pace);
    this.#attempts = new Attempts(
      tables.attempts,
      (write) => this.#committer.run(write),
      () => reserve.shortage === undefined,
      () => reserve.refusal(),
    );
    this.engine = new LmdbEngine(tables, this.#state, this.#committer, this.#attempts, pace);
    this.#incarnation = new Incarnation(tables, folder);
    reserve.start();
    // Rows of format 1 have no tail.
    const lending = (tables.meta.get(nodesKey) as NodeRow[] | undefined) ?? [];
    for (const row of lending) this.#nodes.set(row.id, { ...row, tail: row.tail ?? { sequence: 0, mark: '' } });
  }

  // ---- Sessions

  readSession: Store['readSession'] = (id) => this.engine.readSession(id);

  readNamedSession: Store['readNamedSession'] = async (name) => {
    const id = (await this.readNamed(name))?.sessionId;
    return id === undefined ? undefined : this.readSession(id);
  };

  readSessionByAlias: Store['readSessionByAlias'] = (alias) => this.engine.readSessionByAlias(alias);

  touchSessions: Store['touchSessions'] = (activities) => this.#committer.runInPieces(activities, touchAll);

  listSessions: Store['listSessions'] = (query) => this.#read(() => listSessions(this.#tables, this.#state, query));

  countActive: Store['countActive'] = (now, userId) =>
    this.#read(() => countActive(this.#tables, this.#state, now, userId));

  // ---- Users, accounts, keys

  readUser: Store['readUser'] = (userId) =>
    this.#read(() => ({
      account: accounts.readAccount(this.#tables, userId),
      epochs: this.#state.epochs.of(userId),
    }));

  findAccount: Store['findAccount'] = (by) =>
    this.#read(() => {
      const account = accounts.findAccount(this.#tables, by);
      return account && { account, epochs: this.#state.epochs.of(account.id) };
    });

  listAccounts: Store['listAccounts'] = (query) => this.#read(() => accounts.listAccounts(this.#tables, query));

  readKey: Store['readKey'] = (id) => this.engine.readKey(id);

  touchKeys: Store['touchKeys'] = (uses) => this.#committer.run((draft) => accounts.touchKeys(draft, uses));

  listKeys: Store['listKeys'] = (query) => this.#read(() => accounts.listKeys(this.#tables, query));

  // ---- Named sessions

  readNamed = (name: SessionName) => this.#read(() => readSlot(this.#tables, name));

  listNamed: Store['listNamed'] = (query) => this.#read(() => listSlots(this.#tables, query));

  // ---- Limits

  takeAttempt = (bucket: string, rule: AttemptRule, now: number): Promise<AttemptOutcome> =>
    this.#read(() => this.#attempts.take(bucket, rule, now));

  /** The one process that owns this store knows which of its own guesses are open. */
  failAttempt = (): Promise<void> => this.#read(() => {});

  clearAttempts = (bucket: string): Promise<void> => this.#read(() => this.#attempts.clear(bucket));

  // ---- Events, log, nodes

  readEvents: Store['readEvents'] = (query) => this.#read(() => readEvents(this.#tables, this.#state, query));

  readLog: Store['readLog'] = (from, limit) =>
    this.#read(() =>
      [...this.#tables.log.getRange({ start: from, end: this.#state.head + 1, limit })].map(({ key, value }) =>
        decodeLog(key, value),
      ),
    );

  logHead = (): Promise<LogHead> => this.#read(() => this.#head());

  renewNode = (row: NodeRow): Promise<LogHead> =>
    this.#note(() => {
      const next = new Map(this.#nodes).set(row.id, { ...row });
      if (row.lends && !this.#nodes.get(row.id)?.lends) this.#keepNodes(next);
      this.#nodes = next;
      return this.#head();
    });

  listNodes: Store['listNodes'] = (tail) =>
    this.#read(() => {
      const { id: incarnation, confirmed } = this.#incarnation;
      const has = ({ sequence, mark }: LogPosition) => this.#markAt(sequence) === mark;
      const nodes = [...this.#nodes.values()].map((row) => ({ ...row, current: has(row.tail) }));
      return { nodes, follows: !tail || has(tail), incarnation, confirmed };
    });

  removeNode = (id: string, counter?: number): Promise<void> =>
    this.#note(() => {
      const row = this.#nodes.get(id);
      if (!row || (counter !== undefined && row.counter !== counter)) return;
      const next = new Map(this.#nodes);
      next.delete(id);
      if (row.lends) this.#keepNodes(next);
      this.#nodes = next;
    });

  confirmIncarnation = (incarnation: string): Promise<void> => this.#note(() => this.#incarnation.confirm(incarnation));

  watchLog = (onGrowth: () => void): (() => void) => this.#committer.watch(onGrowth);

  // ---- Upkeep

  exportRecords: Store['exportRecords'] = () => {
    this.#open();
    return exportRecords(this.#tables, this.#state);
  };

  importRecords: Store['importRecords'] = async (records, fingerprint) => {
    this.#open();
    await importRecords(this.#tables, records, fingerprint, (error) => this.#importFault(error));
    Object.assign(this.#state, loadState(this.#tables));
  };

  keyFingerprint = (): Promise<string | undefined> =>
    this.#read(() => this.#tables.meta.get(fingerprintKey) as string | undefined);

  keepKeyFingerprint: Store['keepKeyFingerprint'] = (fingerprint, instead) =>
    this.#committer.run(({ tables: { meta } }) => {
      const kept = meta.get(fingerprintKey) as string | undefined;
      if (kept !== undefined && kept !== instead) return kept;
      meta.put(fingerprintKey, fingerprint);
      return fingerprint;
    });

  latestTime = (): Promise<number> => this.#read(() => this.#state.time);

  mendTime = async (now: number): Promise<void> => {
    await this.#read(() => this.#attempts.forgetAfter(now + day));
    return this.#committer.run((draft) => draft.mendTime(now));
  };

  ping = (): Promise<void> =>
    this.#read(() => {
      this.#tables.meta.get('format');
    });

  describe: Store['describe'] = () =>
    this.#read(() => {
      const file = join(this.folder, dataFile);
      return {
        kind: this.kind,
        engine: 'LMDB',
        format,
        location: this.folder,
        bytes: existsSync(file) ? statSync(file).size : 0,
        facts: {
          liveSessions: rows(this.#tables.sessions),
          endedSessions: rows(this.#tables.ended),
          logHead: this.#state.head,
          reserve: this.#reserve.size,
          durability: 'every change is on disk before it is acknowledged',
        },
        warnings: [],
      };
    });

  tryWriting = async (): Promise<void> => {
    // This writes what the store contains already.
    await this.#committer.run((draft) => draft.keepCounters());
    if (!(await isFull(this.folder))) return;
    throw new CurfewError('store_full', { detail: `The disk of ${this.folder} is full.` });
  };

  shortage = (): string | undefined => this.#reserve.shortage;

  /** Rows and index entries about sessions and their history, which the sweep must reduce to zero. */
  async countEntries(): Promise<number> {
    const { sessions, ended, live, past, deadlines, graves, aliases, log, slots, epochs } = this.#tables;
    // Everyone's epoch is a number that only grows, so its one row stays.
    const everyone = Number(this.#state.epochs.everyone.length > 0);
    const counted = [sessions, ended, live, past, deadlines, graves, aliases, log, slots, epochs].map(rows);
    return counted.reduce((sum, count) => sum + count, -everyone) + this.#attempts.size;
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      await this.#committer.close();
      await this.#attempts.settled();
      await this.#reserve.close();
      try {
        this.#incarnation.renewSeal();
      } catch {
        // A full disk accepts no new seal. The existing one stays valid.
      }
      // After a failed commit the engine would wait for it forever; a commit without a write needs no room.
      await this.#tables.root.transaction(() => {}).catch((error) => writeFault(error, this.folder));
      await this.#tables.root.close();
      noteClosed(this.folder);
      await this.#owner.release();
    })();
    return this.#closing;
  }

  #head(): LogHead {
    const sequence = this.#state.head;
    return { sequence, mark: this.#markAt(sequence)!, incarnation: this.#incarnation.id, now: Date.now() };
  }

  /** The mark of an entry, if the log has it: only if it is visible together with its change. */
  #markAt(sequence: number): string | undefined {
    if (sequence === 0) return '';
    const row = sequence <= this.#state.head ? this.#tables.log.get(sequence) : undefined;
    return row && markOf(row);
  }

  /**
   * Records the nodes that lend, since only their leases survive a process. It does so before they count, so that a
   * retry after a failed write finds the same state.
   */
  #keepNodes(nodes: ReadonlyMap<string, NodeRow>): void {
    this.#tables.meta.putSync(
      nodesKey,
      [...nodes.values()].filter(({ lends }) => lends),
    );
    // An earlier copy of the data lacks the leases that are granted from now on.
    this.#incarnation.renewSeal();
  }

  async #importFault(error: unknown): Promise<CurfewError> {
    const fault = await writeFault(error, this.folder);
    if (fault.code !== 'store_full') return fault;
    const detail = `The disk of ${this.folder} is full: ${fault.facts.detail}.`;
    const remedy = `Remove ${this.folder}, free space on its disk or choose another, and repeat the import.`;
    return new CurfewError('store_full', { detail, remedy }, error);
  }

  #open(): void {
    if (this.#committer.isClosed) throw closedError();
  }

  /** Writes separately and at once; on a full disk, into the reserve. */
  async #note<T>(write: () => T): Promise<T> {
    this.#open();
    for (;;) {
      try {
        return write();
      } catch (error) {
        const fault = await writeFault(error, this.folder);
        if (fault.code !== 'store_full' || !this.#reserve.release()) throw fault;
      }
    }
  }

  #read<T>(read: () => T | Promise<T>): Promise<T> {
    return this.engine.read(read);
  }
}

function rows(table: { getStats(): object }): number {
  return (table.getStats() as { entryCount: number }).entryCount;
}

/** Migrates a store of an earlier format. @throws `store_version` if it is of another format. */
export function checkFormat(tables: Tables): void {
  const written = tables.meta.get('format') as number | undefined;
  if (written === undefined || formatsBefore.includes(written)) {
    tables.root.transactionSync(() => {
      completeLog(tables, loadState(tables));
      if (written !== undefined && written < attachScopeSince) addAttachScope(tables);
      tables.meta.put('format', format);
    });
    return;
  }
  if (written === format) return;
  if ((written as unknown) === halfImported) {
    throw new CurfewError('store_damaged', { detail: 'An import was interrupted: remove the folder and repeat it.' });
  }
  throw new CurfewError('store_version', {
    detail: `The store has format ${written}; this version of Curfew reads format ${format}.`,
  });
}

function addAttachScope({ keys }: Tables): void {
  for (const { key: id, value } of [...keys.getRange()]) keys.put(id, withAttachScope(value as ApiKey));
}
