import { setTimeout } from 'node:timers/promises';
import { RedisServer } from './redis.ts';
import { Relay } from './relay.ts';
import { Sentinel } from './sentinel.ts';

/** Milliseconds between checks of whether Redis has reached a state. */
const pause = 20;

/**
 * A primary and a replica behind one address, so that its users keep their URL through a failover. The link between
 * them can be held, so that the replica lacks later writes and is promoted without them.
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

  /** `settings` apply to both, as on Redis's own command line. */
  static async start(...settings: string[]): Promise<RedisPair> {
    // A held link does not time out.
    const quick = ['--repl-diskless-sync-delay', '0', '--repl-timeout', '3600'];
    const [primary, replica] = await Promise.all([1, 2].map(() => RedisServer.start(...quick, ...settings)));
    const pair = new RedisPair(primary!, replica!, await Relay.to(primary!.port), await Relay.to(primary!.port));
    await pair.#follow();
    return pair;
  }

  /** The fixed address. */
  get url(): string {
    return `redis://127.0.0.1:${this.#door.port}`;
  }

  get primary(): RedisServer {
    return this.#primary;
  }

  get replica(): RedisServer {
    return this.#replica;
  }

  /** Later writes do not reach the replica, which still seems to be connected. */
  hold(): void {
    this.#link.strand();
  }

  /** Releases the link; resolves when the replica has everything. */
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

  /** By hand: the primary is killed, the replica becomes the primary, and the address leads there. */
  async failOver(): Promise<void> {
    await this.#primary.down('SIGKILL');
    await this.#replica.tell('REPLICAOF', 'NO', 'ONE');
    this.#switch();
  }

  /**
   * By Sentinel: the primary is killed, Sentinel notices and promotes the replica; Sentinel says which the primary is,
   * and the address leads there. Sentinel starts only now: earlier it would lead the replica around the link that can
   * be held.
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

  /** The former primary comes back as a replica of the current one, and gives up what only it had. */
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
