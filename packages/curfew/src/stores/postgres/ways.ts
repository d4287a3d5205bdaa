import type { ConnectionOptions } from 'node:tls';

/** A server, and whether to connect to it with TLS; what is in its files may be another thing for each connection. */
export type Way = { host: string; port: number; ssl: (() => ConnectionOptions) | false };

/**
 * The ways to a store, in the order in which they are tried: its servers, each with or without TLS if `sslmode` leaves
 * that open. A way that works stays in use until it fails.
 */
export class Ways {
  readonly #servers: readonly (readonly Way[])[];
  #server = 0;
  #manner = 0;

  /** For each server the manners in which to connect to it. */
  constructor(servers: readonly (readonly Way[])[]) {
    this.#servers = servers;
  }

  get count(): number {
    return this.#servers.reduce((sum, manners) => sum + manners.length, 0);
  }

  get current(): Way {
    return this.#servers[this.#server]![this.#manner]!;
  }

  /** Moves on from a way that failed; returns whether there is another one that may work. */
  leave(way: Way, failed: 'server' | 'manner'): boolean {
    // Another call has already left it.
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
