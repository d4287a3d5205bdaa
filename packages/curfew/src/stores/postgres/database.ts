import { setTimeout } from 'node:timers/promises';
import { Client, type ClientBase, type ClientConfig, Pool, type PoolClient, type QueryConfig, types } from 'pg';
import { CurfewError } from '../../errors.ts';
import type { Row } from './codec.ts';
import {
  callFault,
  failedPart,
  isOutdated,
  isRefusal,
  isRetryable,
  isTooMany,
  Overdue,
  readOnly,
  Unconfirmed,
  waited,
} from './faults.ts';
import { type Holder, holderText, longestHolder } from './holders.ts';
import type { Location } from './location.ts';
import { reads } from './statements.ts';
import type { Ways } from './ways.ts';

/** A statement that the server keeps prepared under its name; without a name it is planned for its values each time. */
export type Statement = { name?: string; text: string };

/** How much longer than `statement_timeout` an answer may take before the connection is given up. */
const patience = 2000;
/** Pauses between attempts to connect while the server is away. */
const backoff = { first: 50, most: 2000 } as const;
/** Milliseconds before a store that was refused a connection requests one again. */
const growth = 1000;
/** How many times a write is tried if the server rolls it back because two writes wait for each other. */
const attempts = 5;

/** Milliseconds between checks of who holds the lock that others wait for, and milliseconds that a check may take. */
const look = { every: 1000, most: 500 } as const;

type Use = {
  /** The maximum number of connections. */
  connections: number;
  /** What a commit waits for at least: PostgreSQL's `synchronous_commit`. */
  commit: 'on' | 'local';
  /** Bypasses a pooler if possible: for settings of a connection, and for calls that must not wait for one. */
  direct: boolean;
  /** The database whose connections are used while the server refuses one of these. */
  otherwise?: Database | undefined;
  /** What is known about whether the server is reachable, shared by all that reach it in the same way. */
  reach: Reach;
};

/** While the server is away: the last error, how long it is left alone, and until when. */
type Reach = { retryAt: number; pause: number; error: unknown };

/**
 * The connections to one server: limited in number, with every call limited in time and its faults distinguished. While
 * the server is unreachable, calls fail at once, and one of them tries to connect at growing intervals. If the server
 * has no more connections to give, calls wait for the existing ones.
 */
export class Database {
  readonly location: Location;
  readonly #pool: Pool;
  readonly #use: Use;
  readonly #ways: Ways;
  /** A part of the names of prepared statements; grows when a newer version has changed the tables meanwhile. */
  #edition = 1;
  /** How many connections are open. */
  #standing = 0;
  #growing: NodeJS.Timeout | undefined;
  /** The time until which it uses the other database's connections, because it was refused one while it had none. */
  #fullUntil = 0;
  #lookedAt: number = Number.NEGATIVE_INFINITY;
  #looking: Promise<Holder | undefined> = Promise.resolve(undefined);
  #closed: Promise<void> | undefined;

  constructor(location: Location, use: Partial<Use> = {}) {
    this.location = location;
    this.#use = { connections: location.connections, commit: 'on', direct: false, reach: unreached(), ...use };
    this.#ways = this.#use.direct ? location.direct : location.ways;
    this.#pool = createPool(location, this.#ways, this.#use);
    this.#pool.on('connect', () => {
      this.#standing += 1;
    });
    this.#pool.on('remove', () => {
      this.#standing -= 1;
    });
  }

  /**
   * Runs a statement that changes nothing; again on another connection if the first one breaks. An empty answer of a
   * standby is a row that says so.
   */
  async read(statement: Statement, values: readonly unknown[] = []): Promise<Row[]> {
    try {
      return await this.#run(statement, values, 'read');
    } catch (error) {
      if (!(error instanceof Broken)) throw await this.#fault(error, 'read');
    }
    try {
      return await this.#run(statement, values, 'read');
    } catch (error) {
      throw await this.#fault(error instanceof Broken ? error.cause : error, 'read');
    }
  }

  /** Runs one statement that changes something, in a transaction. @throws `outcome_unknown` and definite faults */
  async write(statement: Statement, values: readonly unknown[] = []): Promise<Row[]> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#run(statement, values, 'write');
      } catch (error) {
        if (isRetryable(error) && attempt < attempts) continue;
        throw await this.#fault(error instanceof Broken ? error.cause : error, 'write');
      }
    }
  }

  /** A dedicated connection for as long as `work` takes: for transactions of several statements. */
  async session<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    const client = await this.connect();
    let fine = false;
    try {
      const result = await work(client);
      fine = true;
      return result;
    } finally {
      client.release(!fine);
    }
  }

  /** More connections to the server, used in the same way; both share what is known about whether it is away. */
  beside(connections: number): Database {
    return new Database(this.location, { ...this.#use, connections, otherwise: this });
  }

  /** A connection beside the pool, to listen on; the caller connects it. */
  listener(): Client {
    return new (clientOver(this.location.direct))(settingsOf(this.location));
  }

  close(): Promise<void> {
    clearTimeout(this.#growing);
    this.#closed ??= this.#pool.end();
    return this.#closed;
  }

  async #run(statement: Statement, values: readonly unknown[], kind: 'read' | 'write' | 'look'): Promise<Row[]> {
    const client = await this.connect();
    const ask = () => this.#timed(client, statement, values);
    let spoilt = false;
    try {
      let { rows } = await (kind === 'write' ? confirmed(client, ask) : ask());
      if (rows.length === 0 && kind === 'read') rows = await this.#standby(client);
      return rows as Row[];
    } catch (error) {
      if (error instanceof Unconfirmed) throw error;
      spoilt = !isRefusal(error);
      if (spoilt) throw new Broken(error);
      throw error;
    } finally {
      client.release(spoilt);
    }
  }

  /** A row, if the server is a standby; none if it is not: it is asked on the connection that gave an empty answer. */
  async #standby(client: PoolClient): Promise<unknown[]> {
    const { rows } = await this.#timed(client, reads.standby, []);
    return (rows as Row[]).filter(({ standby }) => standby);
  }

  /** What a fault of a call means; if it waited for a lock, its cause says whose, which is only for the log. */
  async #fault(error: unknown, sent: 'write' | 'read'): Promise<CurfewError> {
    const fault = callFault(error, sent);
    const holder = waited(error) ? await this.#holder() : undefined;
    if (!holder) return fault;
    const told = { detail: `${fault.facts.detail} The log of this server says who.` };
    return new CurfewError(fault.code, told, Object.assign(error as Error, { hint: holderText(holder) }));
  }

  /** Who has held a lock on a table of the store the longest. Queried once for all that wait, and only briefly. */
  #holder(): Promise<Holder | undefined> {
    if (performance.now() - this.#lookedAt < look.every) return this.#looking;
    this.#lookedAt = performance.now();
    const found = this.#run({ text: longestHolder }, [this.location.schema], 'look').then(
      ([row]) => row as Holder | undefined,
    );
    this.#looking = Promise.race([found.catch(() => undefined), setTimeout(look.most, undefined, { ref: false })]);
    return this.#looking;
  }

  /** Runs a statement; again if the server has refused it because it was prepared for an earlier form of a table. */
  async #timed(client: PoolClient, statement: Statement, values: readonly unknown[]): Promise<{ rows: unknown[] }> {
    const edition = this.#edition;
    try {
      return await this.#once(client, statement, values);
    } catch (error) {
      if (!isOutdated(error)) throw error;
      // All connections have prepared it under this name.
      if (edition === this.#edition) this.#edition += 1;
      return this.#once(client, statement, values);
    }
  }

  async #once(client: PoolClient, { name, text }: Statement, values: readonly unknown[]): Promise<{ rows: unknown[] }> {
    const { statementTimeout, shared } = this.location;
    let timer: NodeJS.Timeout | undefined;
    const overdue = new Promise<never>((_, reject) => {
      timer = globalThis.setTimeout(() => reject(new Overdue('no answer came in time')), statementTimeout + patience);
    });
    // Another connection of a pooler may not know a statement that one has prepared.
    const asked = client.query({
      ...(name !== undefined && !shared && { name: `${name} ${this.#edition}` }),
      text,
      values: values.map(withoutNul),
    });
    asked.catch(() => {});
    try {
      return await Promise.race([asked, overdue]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** A connection, to be released; with `true` if it must be closed. */
  async connect(): Promise<PoolClient> {
    if (this.#closed) throw new CurfewError('store_unavailable', { detail: 'The store is closed.' });
    const { reach } = this.#use;
    if (performance.now() < this.#fullUntil) return this.#use.otherwise!.connect();
    if (performance.now() < reach.retryAt) throw callFault(reach.error, 'nothing');
    try {
      const client = await this.#fromPool();
      Object.assign(reach, unreached());
      return client;
    } catch (error) {
      if (isTooMany(error) && this.#standing > 0) {
        this.#goOnWith(this.#standing);
        return this.connect();
      }
      // The server is reachable, but has no connection left for these; the other database's may still be used.
      if (isTooMany(error) && this.#use.otherwise) {
        this.#fullUntil = performance.now() + growth;
        return this.#use.otherwise.connect();
      }
      // It timed out in the queue, which says nothing about the server.
      if (this.#standing >= this.#pool.options.max!) throw callFault(error, 'nothing');
      reach.error = error;
      if (performance.now() >= reach.retryAt) {
        reach.pause = Math.min(backoff.most, reach.pause === 0 ? backoff.first : reach.pause * 2);
        reach.retryAt = performance.now() + reach.pause * (0.5 + Math.random() / 2);
      }
      throw callFault(error, 'nothing');
    }
  }

  /** From the server that was last in use, or from the first of the others that works. */
  async #fromPool(): Promise<PoolClient> {
    for (let tries = 1; ; tries++) {
      const way = this.#ways.current;
      try {
        return await this.#pool.connect();
      } catch (error) {
        const failed = failedPart(error);
        const full = this.#standing >= this.#pool.options.max!;
        if (full || failed === 'neither' || !this.#ways.leave(way, failed) || tries >= this.#ways.count) throw error;
      }
    }
  }

  /** Makes calls wait for the existing connections for a while; then the pool may grow again. */
  #goOnWith(connections: number): void {
    const { options } = this.#pool;
    options.max = connections;
    this.#growing ??= globalThis
      .setTimeout(() => {
        this.#growing = undefined;
        options.max = this.#use.connections;
      }, growth)
      .unref();
  }
}

function unreached(): Reach {
  return { retryAt: 0, pause: 0, error: undefined };
}

/**
 * Awaits what commits on a connection.
 * @throws `Unconfirmed` if the server warns, which it only does of a commit that a standby did not confirm
 */
export async function confirmed<T>(client: PoolClient, commit: () => Promise<T>): Promise<T> {
  let warned: string | undefined;
  const warn = (notice: unknown) => {
    const { code, message } = notice as { code?: string; message?: string };
    if (code?.startsWith('01') || code === '57P01') warned = message ?? 'a warning';
  };
  client.on('notice', warn);
  try {
    const result = await commit();
    if (warned !== undefined) throw new Unconfirmed(warned);
    return result;
  } finally {
    client.off('notice', warn);
  }
}

/** The connection broke, or was given up, during a call. */
class Broken extends Error {
  constructor(cause: unknown) {
    super('the connection broke', { cause });
  }
}

function createPool(location: Location, ways: Ways, { connections, commit }: Use): Pool {
  const pool = new Pool({
    ...settingsOf(location),
    Client: clientOver(ways),
    max: connections,
    idleTimeoutMillis: 60_000,
    onConnect: (client) => prepare(client, location, commit, location.shared && ways === location.ways),
  });
  // A connection that breaks while unused: the pool has dropped it already.
  pool.on('error', () => {});
  return pool;
}

/** Makes each connection over the way that is current at that moment. */
function clientOver(ways: Ways): typeof Client {
  return class extends Client {
    constructor(config: ClientConfig) {
      // The pool hides the password when its settings are listed.
      const { ssl, ...server } = ways.current;
      super({ ...config, password: config.password, ...server, ssl: ssl ? ssl() : false } as ClientConfig);
    }
  };
}

/**
 * The configuration of every connection. It contains no setting of the server, because poolers refuse a connection with
 * one; the options in the URL are passed on.
 */
function settingsOf({ client, options, connectTimeout }: Location): ClientConfig {
  return {
    ...client,
    connectionTimeoutMillis: connectTimeout,
    keepAlive: true,
    ...(options !== '' && { options }),
    types: { getTypeParser },
  };
}

/** The settings of every connection that is not shared. */
function sessionSettings({ schema, statementTimeout }: Location): Record<string, string> {
  return {
    search_path: `${schema},pg_temp`,
    default_transaction_isolation: 'read committed',
    jit: 'off',
    statement_timeout: String(statementTimeout),
    idle_in_transaction_session_timeout: String(statementTimeout),
    // Cancels a write whose caller has disconnected.
    client_connection_check_interval: '1000',
  };
}

/**
 * Checks and configures every connection before it is used: it must be to a primary, and its commits must be on disk
 * when they are acknowledged: on that of the server alone with `local`, otherwise as the server's own settings require
 * (a stronger one, such as `remote_apply`, stays). A connection that a pooler shares is left as it is, because its
 * settings would affect others, so it must already have the right ones.
 */
async function prepare(client: ClientBase, location: Location, commit: Use['commit'], shared: boolean): Promise<void> {
  client.on('error', () => {});
  const settings = shared ? [] : Object.entries(sessionSettings(location));
  const text = `
    SELECT pg_is_in_recovery() AS standby, current_setting('transaction_read_only') = 'on' AS read_only,
      current_setting('search_path') AS path, current_setting('synchronous_commit') AS commit,
      CASE WHEN NOT $2 AND ($1 = 'local' OR current_setting('synchronous_commit') IN ('off', 'local'))
        THEN set_config('synchronous_commit', $1, false) END,
      (SELECT count(set_config(name, value, false)) FROM unnest($3::text[], $4::text[]) AS given (name, value))`;
  const values = [commit, shared, settings.map(([name]) => name), settings.map(([, value]) => value)];
  // The pool's own limit ended with the login, and a call that waited here forever would keep its place in the pool.
  const { rows } = await client.query({ text, values, query_timeout: location.connectTimeout } as QueryConfig);
  const { standby, read_only, path, commit: found } = rows[0] as { [name: string]: unknown };
  if (standby || read_only) {
    const isStandby = { detail: 'The server is a standby: pg_is_in_recovery() is true.' };
    throw new CurfewError('store_read_only', standby ? isStandby : readOnly);
  }
  if (shared) refuseSettings(location, { search_path: String(path), synchronous_commit: String(found) });
}

/** @throws `config_invalid` if a pooler's connections have wrong settings, with the statement that corrects them */
function refuseSettings(
  { schema, client }: Location,
  found: { search_path: string; synchronous_commit: string },
): void {
  const path = `${schema}, pg_temp`;
  const right = found.search_path.replaceAll(/["\s]/g, '') === path.replaceAll(' ', '');
  const wrong = right ? 'synchronous_commit' : 'search_path';
  if (right && !['off', 'local'].includes(found.synchronous_commit)) return;
  throw new CurfewError('config_invalid', {
    detail:
      `CURFEW_STORE: with pooler=transaction nothing can be set on a connection, and its ${wrong} is ${found[wrong]}; ` +
      `ALTER ROLE ${client.user ?? '…'} IN DATABASE ${client.database} SET ${wrong} = ${right ? 'on' : path}, then RECONNECT in the pooler's console.`,
  });
}

const bigint = 20;

/** Sequences and times are far below 2^53, so they are plain numbers. */
function getTypeParser(oid: number, format?: 'text' | 'binary'): (value: string) => unknown {
  return oid === bigint ? Number : (types.getTypeParser(oid, format as 'text') as (value: string) => unknown);
}

/** PostgreSQL's text cannot contain U+0000, so no stored text does; replaces it by a character that none has either. */
export function withoutNul(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNul);
  return typeof value === 'string' && value.includes('\u0000') ? value.replaceAll('\u0000', '\u{10ffff}') : value;
}
