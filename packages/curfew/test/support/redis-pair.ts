import { setTimeout } from 'node:timers/promises';
import { RedisServer } from './redis.ts';
import { Relay } from './relay.ts';
import { Sentinel } from './sentinel.ts';

/** Milliseconds until Redis is asked again whether it has come to something. */
const pause = 20;

/**
 * A primary and a replica behind one address, so that whoever uses them keeps its URL through a failover. The link between
 * them can be held: then the replica lacks what was written since, and is promoted without it.
 */
export class RedisPair {
  #primary: RedisServer;
  #replica: RedisServer;
  readonly #door: Relay;
  /** Leads to the primary; the replica follows through it, and Sentinel watches through it. */
  readonly #link: Relay;

  private constructor(primary: RedisServer, replica: RedisServer, door: Relay, link: Relay) {
    this.#primary = primary;
    this.#replica = replica;
    this.#door = door;
    this.#link = link;
  }

  /** `settings` are those of both, as on Redis's own command line. */
  static async start(...settings: string[]): Promise<RedisPair> {
    // A link that is held is not given up meanwhile.
    const quick = ['--repl-diskless-sync-delay', '0', '--repl-timeout', '3600'];
    const [primary, replica] = await Promise.all([1, 2].map(() => RedisServer.start(...quick, ...settings)));
    const pair = new RedisPair(primary!, replica!, await Relay.to(primary!.port), await Relay.to(primary!.port));
    await pair.#follow();
    return pair;
  }

  /** The address that stays. */
  get url(): string {
    return `redis://127.0.0.1:${this.#door.port}`;
  }

  get primary(): RedisServer {
    return this.#primary;
  }

  get replica(): RedisServer {
    return this.#replica;
  }

  /** What is written from now on does not come to the replica, which seems to be connected all the same. */
  hold(): void {
    this.#link.strand();
  }

  /** The link carries again; resolves when the replica has what the primary has. */
  async letGo(): Promise<void> {
    this.#link.cut();
    await this.caughtUp();
  }

  /** Resolves when the replica has what the primary has by then. */
  async caughtUp(): Promise<void> {
    const goal = Number(await infoOf(this.#primary, 'master_repl_offset'));
    while (
      (await infoOf(this.#replica, 'master_link_status')) !== 'up' ||
      Number(await infoOf(this.#replica, 'slave_repl_offset')) < goal
    ) {
      await setTimeout(pause);
    }
  }

  /** By hand: the primary is killed, the replica is made one, and the address leads there. */
  async failOver(): Promise<void> {
    await this.#primary.down('SIGKILL');
    await this.#replica.tell('REPLICAOF', 'NO', 'ONE');
    this.#switch();
  }

  /**
   * By Sentinel: the primary is killed, Sentinel notices and makes the replica one; it is asked which the primary is, and
   * the address leads there. It comes for this alone: else it would lead a replica around the link that can be held.
   */
  async failOverBySentinel(): Promise<void> {
    const sentinel = await Sentinel.watching(this.#link.port);
    try {
      const { port } = this.#replica;
      await sentinel.knowsReplica(port);
      await this.#primary.down('SIGKILL');
      await sentinel.made(port);
    } finally {
      await sentinel.remove();
    }
    this.#switch();
  }

  /** The one that was the primary comes back, as a replica of the one that is; it gives up what only it had. */
  async rejoin(): Promise<void> {
    await this.#replica.up();
    await this.#follow();
  }

  async remove(): Promise<void> {
    await this.#door.close();
    await this.#link.close();
    await Promise.all([this.#primary.remove(), this.#replica.remove()]);
  }

  async #follow(): Promise<void> {
    this.#link.lead(this.#primary.port);
    this.#link.cut();
    await this.#replica.tell('REPLICAOF', '127.0.0.1', String(this.#link.port));
    await this.caughtUp();
  }

  #switch(): void {
    [this.#primary, this.#replica] = [this.#replica, this.#primary];
    this.#door.lead(this.#primary.port);
    this.#door.cut();
  }
}

async function infoOf(server: RedisServer, name: string): Promise<string | undefined> {
  const info = String(await server.tell('INFO', 'replication'));
  return new RegExp(`^${name}:(.*)$`, 'm').exec(info)?.[1]?.trim();
}
