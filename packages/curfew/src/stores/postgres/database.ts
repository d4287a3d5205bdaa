import { Client, type ClientBase, type ClientConfig, Pool, type PoolClient, types } from 'pg';
import { CurfewError } from '../../errors.ts';
import type { Row } from './codec.ts';
import { callFault, isRefusal, isRetryable, isTooMany, Overdue, Unconfirmed } from './faults.ts';
import type { Location } from './location.ts';

/** A statement that the server keeps prepared under its name; without a name it is planned for its values each time. */
export type Statement = { name?: string; text: string };

/** How much longer than `statement_timeout` an answer may take to arrive before the connection is given up. */
const patience = 2000;
/** Pauses between attempts to connect while the server is away. */
const backoff = { first: 50, most: 2000 } as const;
/** Milliseconds until a pool that was refused a connection asks for more again. */
const growth = 1000;
/** A write that the server undid because two waited for each other comes again so often. */
const attempts = 5;

type Use = {
  /** How many there may be. */
  connections: number;
  /** What a commit waits for at least: PostgreSQL's `synchronous_commit`. */
  commit: 'on' | 'local';
  /** Whose connections are used while the server refuses one of these. */
  otherwise?: Database | undefined;
};

/**
 * The connections to one server: bounded in number, every call bounded in time, and told apart when it fails. While
 * the server cannot be reached calls fail at once; one in growing intervals tries. When it has no more connections to
 * give, calls wait for those that there are.
 */
export class Database {
  readonly location: Location;
  readonly #pool: Pool;
  readonly #use: Use;
  /** Connections that stand. */
  #standing = 0;
  #growing: NodeJS.Timeout | undefined;
  #retryAt = 0;
  #pause = 0;
  #unreachable: unknown;
  #closed: Promise<void> | undefined;

  constructor(location: Location, use: Partial<Use> = {}) {
    this.location = location;
    this.#use = { connections: location.connections, commit: 'on', ...use };
    this.#pool = createPool(location, this.#use);
    this.#pool.on('connect', () => {
      this.#standing += 1;
    });
    this.#pool.on('remove', () => {
      this.#standing -= 1;
    });
  }

  /** Asks something that changes nothing; again on another connection when the first one breaks. */
  async read(statement: Statement, values: readonly unknown[] = []): Promise<Row[]> {
    try {
      return await this.#run(statement, values);
    } catch (error) {
      if (!(error instanceof Broken)) throw callFault(error, 'read');
    }
    try {
      return await this.#run(statement, values);
    } catch (error) {
      throw callFault(error instanceof Broken ? error.cause : error, 'read');
    }
  }

  /** One statement that changes something, in a transaction of its own. @throws `outcome_unknown` and definite faults */
  async write(statement: Statement, values: readonly unknown[] = []): Promise<Row[]> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#run(statement, values, true);
      } catch (error) {
        if (isRetryable(error) && attempt < attempts) continue;
        throw callFault(error instanceof Broken ? error.cause : error, 'write');
      }
    }
  }

  /** A connection of its own for as long as `work` takes: for transactions of several statements. */
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

  /** A connection beside the pool, to listen on; connected by whoever asks for it. */
  listener(): Client {
    return new Client(settingsOf(this.location));
  }

  close(): Promise<void> {
    clearTimeout(this.#growing);
    this.#closed ??= this.#pool.end();
    return this.#closed;
  }

  async #run(statement: Statement, values: readonly unknown[], confirmed = false): Promise<Row[]> {
    const client = await this.connect();
    let warned: string | undefined;
    const warn = (notice: unknown) => {
      const { code, message } = notice as { code?: string; message?: string };
      if (code?.startsWith('01') || code === '57P01') warned = message ?? 'a warning';
    };
    if (confirmed) client.on('notice', warn);
    let spoilt = true;
    try {
      const { rows } = await this.#timed(client, statement, values);
      spoilt = false;
      // The only warning that a write of ours can get: the commit stands here, and a standby did not confirm it.
      if (warned !== undefined) throw new Unconfirmed(warned);
      return rows as Row[];
    } catch (error) {
      if (error instanceof Unconfirmed) throw error;
      spoilt = !isRefusal(error);
      if (spoilt) throw new Broken(error);
      throw error;
    } finally {
      client.off('notice', warn);
      client.release(spoilt);
    }
  }

  async #timed(
    client: PoolClient,
    { name, text }: Statement,
    values: readonly unknown[],
  ): Promise<{ rows: unknown[] }> {
    const { statementTimeout } = this.location;
    let timer: NodeJS.Timeout | undefined;
    const overdue = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Overdue('nothing came back in time')), statementTimeout + patience);
    });
    const asked = client.query({ ...(name !== undefined && { name }), text, values: values.map(withoutNul) });
    asked.catch(() => {});
    try {
      return await Promise.race([asked, overdue]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** A connection, to be released; with `true` when it is to be closed. */
  async connect(): Promise<PoolClient> {
    if (this.#closed) throw new CurfewError('store_unavailable', { detail: 'The store is closed.' });
    if (performance.now() < this.#retryAt) return this.#without(this.#unreachable);
    try {
      const client = await this.#pool.connect();
      this.#pause = 0;
      this.#retryAt = 0;
      return client;
    } catch (error) {
      if (isTooMany(error) && this.#standing > 0) {
        this.#goOnWith(this.#standing);
        return this.connect();
      }
      // Its turn did not come: that says nothing of the server.
      if (this.#standing >= this.#pool.options.max!) throw callFault(error, 'nothing');
      this.#unreachable = error;
      if (performance.now() >= this.#retryAt) {
        this.#pause = Math.min(backoff.most, this.#pause === 0 ? backoff.first : this.#pause * 2);
        this.#retryAt = performance.now() + this.#pause * (0.5 + Math.random() / 2);
      }
      return this.#without(error);
    }
  }

  /** There is no connection, for this reason. */
  async #without(error: unknown): Promise<PoolClient> {
    if (isTooMany(error) && this.#use.otherwise) return this.#use.otherwise.connect();
    throw callFault(error, 'nothing');
  }

  /** Makes whoever asks for one wait for those that there are, for a while; then the pool may grow again. */
  #goOnWith(connections: number): void {
    const { options } = this.#pool;
    options.max = connections;
    this.#growing ??= setTimeout(() => {
      this.#growing = undefined;
      options.max = this.#use.connections;
    }, growth).unref();
  }
}

/** The connection broke, or was given up, under a call. */
class Broken extends Error {
  constructor(cause: unknown) {
    super('the connection broke', { cause });
  }
}

function createPool(location: Location, { connections, commit }: Use): Pool {
  const pool = new Pool({
    ...settingsOf(location),
    max: connections,
    idleTimeoutMillis: 60_000,
    onConnect: (client) => prepare(client, commit),
  });
  // A connection that breaks while nobody uses it: the pool has dropped it already.
  pool.on('error', () => {});
  return pool;
}

/** What every connection is made with. */
function settingsOf({ url, options, schema, statementTimeout, connectTimeout }: Location): ClientConfig {
  const settings = {
    search_path: `${schema},pg_temp`,
    default_transaction_isolation: 'read\\ committed',
    jit: 'off',
    idle_in_transaction_session_timeout: statementTimeout,
    // A write whose caller has gone is not carried on with.
    client_connection_check_interval: 1000,
  };
  return {
    connectionString: url,
    connectionTimeoutMillis: connectTimeout,
    statement_timeout: statementTimeout,
    keepAlive: true,
    application_name: 'curfew',
    // Ours come last, so that they count.
    options: [options, ...Object.entries(settings).map(([name, value]) => `-c ${name}=${value}`)].join(' '),
    types: { getTypeParser },
  };
}

/**
 * What must hold on every connection before it is used: a primary, and commits that are on disk when they are
 * acknowledged: on that of the server alone with `local`, else wherever the server's own settings say (a stronger one,
 * such as `remote_apply`, stays).
 */
async function prepare(client: ClientBase, commit: Use['commit']): Promise<void> {
  client.on('error', () => {});
  const text = `
    SELECT pg_is_in_recovery() AS standby, current_setting('transaction_read_only') = 'on' AS read_only,
      CASE WHEN $1 = 'local' OR current_setting('synchronous_commit') IN ('off', 'local')
        THEN set_config('synchronous_commit', $1, false) END`;
  const { rows } = await client.query(text, [commit]);
  const { standby, read_only } = rows[0] as { standby: boolean; read_only: boolean };
  if (standby || read_only) {
    throw new CurfewError('store_read_only', {
      detail: standby ? 'The server is a standby: pg_is_in_recovery() is true.' : 'Its transactions are read-only.',
    });
  }
}

const bigint = 20;

/** Sequences and times are far below 2^53: plain numbers. */
function getTypeParser(oid: number, format?: 'text' | 'binary'): (value: string) => unknown {
  return oid === bigint ? Number : (types.getTypeParser(oid, format as 'text') as (value: string) => unknown);
}

/** PostgreSQL's text holds no U+0000, so none of its texts is equal to one that does: looked for as what is in none. */
export function withoutNul(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNul);
  return typeof value === 'string' && value.includes('\u0000') ? value.replaceAll('\u0000', '\u{10ffff}') : value;
}
