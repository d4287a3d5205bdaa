import type { ConnectionOptions } from 'node:tls';

/** A server, and whether it is spoken to by TLS. */
export type Way = { host: string; port: number; ssl: ConnectionOptions | false };

/**
 * The ways to a store, in the order in which they are tried: its servers, and for each of them with or without TLS where
 * `sslmode` leaves that open. Whoever has found one that works stays with it until it does not.
 */
export class Ways {
  readonly #servers: readonly (readonly Way[])[];
  #server = 0;
  #manner = 0;

  /** For each server the manners in which it may be spoken to. */
  constructor(servers: readonly (readonly Way[])[]) {
    this.#servers = servers;
  }

  get count(): number {
    return this.#servers.reduce((sum, manners) => sum + manners.length, 0);
  }

  get current(): Way {
    return this.#servers[this.#server]![this.#manner]!;
  }

  /** Goes on from a way that failed; answers whether there is another one that may do better. */
  leave(way: Way, failed: 'server' | 'manner'): boolean {
    // Somebody else has left it already.
    if (way !== this.current) return true;
    const manners = this.#servers[this.#server]!;
    if (failed === 'manner' && manners.length > 1) {
      this.#manner = (this.#manner + 1) % manners.length;
      return true;
    }
    this.#server = (this.#server + 1) % this.#servers.length;
    return this.#servers.length > 1;
  }
}
