import { freePort } from '../../../../packages/curfew/test/support/free-port.ts';
import { Relay } from '../../../../packages/curfew/test/support/relay.ts';
import { PostgresServer } from './server.ts';

/**
 * A primary and a standby that streams from it. Clients connect to one port that leads to the current primary, or know
 * both servers. The stream can be stopped; writes that the standby has not received are lost in a failover.
 */
export class PostgresPair {
  #primary: PostgresServer;
  #standby: PostgresServer | undefined;
  readonly #gone: PostgresServer[] = [];
  /** The port for clients, unless they know both servers; the standby also reaches the primary through it. */
  readonly #front: Relay | undefined;
  readonly #stream: Relay;
  /** The port of the server that is not the primary, if it is always one of the same two. */
  #otherPort: number | undefined;

  private constructor(primary: PostgresServer, front: Relay | undefined, stream: Relay, otherPort?: number) {
    this.#primary = primary;
    this.#front = front;
    this.#stream = stream;
    this.#otherPort = otherPort;
  }

  /** `direct`: the URL names both servers, and nothing is between them and their clients. */
  static async start(flags: readonly string[] = [], direct = false): Promise<PostgresPair> {
    const primary = await PostgresServer.start(flags);
    const front = direct ? undefined : await Relay.to(primary.port);
    const pair = new PostgresPair(primary, front, await Relay.to(primary.port), direct ? await freePort() : undefined);
    await pair.rejoin();
    return pair;
  }

  /** The current primary, for direct queries. */
  get primary(): PostgresServer {
    return this.#primary;
  }

  url(database: string): string {
    if (this.#front) return this.#primary.url(database, this.#front.port);
    return this.#primary.url(database, this.#primary.port, this.#otherPort);
  }

  /** Creates a separate database for a test; returns its URL. */
  async createDatabase(name: string): Promise<string> {
    await this.#primary.createDatabase(name);
    return this.url(name);
  }

  /** From now on nothing reaches the standby; it has all earlier writes. */
  async lag(): Promise<void> {
    const { rows } = await this.#primary.sql('postgres', 'SELECT pg_current_wal_flush_lsn() AS place');
    const reached = `SELECT pg_last_wal_replay_lsn() >= '${rows[0].place}'::pg_lsn AS reached`;
    while (!(await this.#joined().sql('postgres', reached)).rows[0].reached);
    this.#stream.silent = true;
  }

  /** The standby receives writes again, including those that it missed. */
  catchUp(): void {
    this.#stream.silent = false;
  }

  /**
   * The primary is gone permanently, and the standby becomes the primary with what it has received. Afterwards there is
   * no standby until {@link rejoin}.
   */
  async failOver(): Promise<void> {
    const [old, next] = [this.#primary, this.#joined()];
    await old.kill();
    await next.promote();
    this.#gone.push(old);
    this.#primary = next;
    this.#standby = undefined;
    if (this.#otherPort !== undefined) this.#otherPort = old.port;
    this.#front?.lead(next.port);
    this.#front?.cut();
  }

  /** A new standby, made from the current primary. */
  async rejoin(): Promise<void> {
    this.#stream.lead(this.#primary.port);
    this.#stream.silent = false;
    this.#standby = await this.#primary.startStandby(this.#stream.port, this.#otherPort);
  }

  async dispose(): Promise<void> {
    await this.#front?.close();
    await this.#stream.close();
    for (const server of [this.#standby, this.#primary, ...this.#gone]) await server?.dispose();
  }

  #joined(): PostgresServer {
    if (!this.#standby) throw new Error('There is no standby: it has become the primary; make another with rejoin().');
    return this.#standby;
  }
}
