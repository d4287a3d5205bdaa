import { createClient, ErrorReply } from '@redis/client';
import type { CurfewError } from '../../errors.ts';
import { closedError, commandFault, connectFault, lateFault, offlineFault } from './faults.ts';
import type { Location } from './location.ts';
import type { Script } from './scripts/script.ts';

/** What Redis answers: text, a number, nothing, or a list of these. */
export type Reply = string | number | null | Reply[];

export type LinkOptions = {
  location: Location;
  /** Milliseconds that an answer may take. */
  timeout: number;
};

/** What is used of the client. */
type Client = {
  readonly isReady: boolean;
  readonly isOpen: boolean;
  on(event: 'ready' | 'error', listener: () => void): unknown;
  connect(): Promise<unknown>;
  destroy(): void;
  sendCommand(args: readonly string[]): Promise<unknown>;
};
type Waiting = { writes: boolean; since: number; refuse: (fault: CurfewError) => void };

/** Milliseconds. */
const connectTimeout = 3000;
const firstPause = 50;
const longestPause = 1000;
/** How long a command waits for a connection that is being made anew. */
const patience = 1000;

/**
 * The connection to Redis. What is asked is sent at once. A connection that broke is made anew, after growing pauses; what
 * is asked meanwhile waits for it a moment, and is refused when that was not enough. An answer that does not come in time is not waited for, and a connection
 * on which none comes any more is given up.
 */
export class Link {
  readonly options: LinkOptions;
  /** Grows with every connection: what was written on one says nothing on the next. */
  generation = 0;
  readonly #waiting: Set<Waiting> = new Set();
  readonly #watch: NodeJS.Timeout;
  #client: Client;
  #connectedOnce = false;
  #lastAnswer = performance.now();
  #closing: Promise<void> | undefined;
  #quiet: (() => void) | undefined;
  #primary: Promise<unknown> | undefined;
  readonly #hoping: Set<() => void> = new Set();

  private constructor(options: LinkOptions) {
    this.options = options;
    this.#client = this.#makeClient();
    this.#watch = setInterval(() => this.#refuseLate(), options.timeout / 10).unref();
  }

  /** @throws `store_unavailable`, `store_login_refused` when the first connection cannot be made */
  static async open(options: LinkOptions): Promise<Link> {
    const link = new Link(options);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(lateFault(false, options.timeout)), options.timeout);
    });
    try {
      await Promise.race([link.#client.connect(), late]);
      link.#connectedOnce = true;
      return link;
    } catch (error) {
      link.#discard();
      throw connectFault(error, options.location.shown);
    } finally {
      clearTimeout(timer);
    }
  }

  /** A key of this store, by its name. */
  key(name: string): string {
    return this.options.location.prefix + name;
  }

  /** Runs a script; `home` is the beginning of the names of the user's keys. */
  run(script: Script, args: string[], home = ''): Promise<Reply> {
    const rest = ['2', this.key(home), this.key(''), ...args];
    return this.#send(['EVALSHA', script.sha1, ...rest], script.writes, () => ['EVAL', script.source, ...rest]);
  }

  /** The values of keys, by their names, read in one step; never from a replica, which is behind. */
  async read(...names: string[]): Promise<(string | null)[]> {
    const primary = this.#refuseReplica();
    const values = (await this.#send(['MGET', ...names.map((name) => this.key(name))], false)) as (string | null)[];
    // Its answer came before: they were sent in this order.
    await primary;
    return values;
  }

  /** A command that changes nothing. */
  command(...args: string[]): Promise<Reply> {
    return this.#send(args, false);
  }

  /** Waits for the answers to what was sent, and lets go. */
  close(): Promise<void> {
    this.#closing ??= new Promise<void>((resolve) => {
      this.#quiet = resolve;
      if (this.#waiting.size === 0) resolve();
    }).then(() => this.#discard());
    return this.#closing;
  }

  /** `unknown`: what is sent instead when Redis, which forgets scripts as it starts, does not know this one. */
  #send(args: string[], writes: boolean, unknown?: () => string[]): Promise<Reply> {
    if (this.#closing) return Promise.reject(closedError());
    if (!this.#client.isReady) return this.#connected().then(() => this.#send(args, writes, unknown));
    return new Promise<Reply>((resolve, reject) => {
      const waiting = { writes, since: performance.now(), refuse: reject };
      this.#waiting.add(waiting);
      const fail = (error: unknown) => {
        if (error instanceof ErrorReply) this.#lastAnswer = performance.now();
        this.#done(waiting);
        reject(commandFault(error, writes));
      };
      const answer = (reply: Reply) => {
        this.#lastAnswer = performance.now();
        this.#done(waiting);
        resolve(reply);
      };
      (this.#client.sendCommand(args) as Promise<Reply>).then(answer, (error: unknown) => {
        const retry = unknown && error instanceof ErrorReply && error.message.startsWith('NOSCRIPT');
        if (retry) (this.#client.sendCommand(unknown()) as Promise<Reply>).then(answer, fail);
        else fail(error);
      });
    });
  }

  /**
   * A replica answers a plain reading, so a command goes along with it that counts as a write and changes nothing: only a
   * primary takes it. All readings that are sent together share one.
   */
  #refuseReplica(): Promise<unknown> {
    if (!this.#primary) {
      this.#primary = this.#send(['GETEX', this.key('nothing')], false).catch((fault: CurfewError) => {
        // A Redis that cannot write its disk refuses as well; what it has can be read.
        if (!(fault.cause instanceof ErrorReply) || fault.cause.message.startsWith('READONLY')) throw fault;
      });
      // Whoever waits for it is told; nobody may, when the reading itself has failed.
      this.#primary.catch(() => {});
      // Before anything is sent: what is asked later needs one of its own.
      queueMicrotask(() => {
        this.#primary = undefined;
      });
    }
    return this.#primary;
  }

  /** Resolves when there is a connection again. */
  #connected(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#hoping.delete(hope);
        reject(offlineFault());
      }, patience);
      const hope = () => {
        clearTimeout(timer);
        resolve();
      };
      this.#hoping.add(hope);
    });
  }

  #done(waiting: Waiting): void {
    this.#waiting.delete(waiting);
    if (this.#waiting.size === 0) this.#quiet?.();
  }

  #refuseLate(): void {
    const { timeout } = this.options;
    const latest = performance.now() - timeout;
    let late = false;
    for (const waiting of this.#waiting) {
      if (waiting.since > latest) break;
      late = true;
      this.#done(waiting);
      waiting.refuse(lateFault(waiting.writes, timeout));
    }
    // Nothing at all has come: the other side is gone, though the connection does not know.
    if (late && this.#lastAnswer < latest && !this.#closing) this.#replace();
  }

  #replace(): void {
    const old = this.#client;
    this.#client = this.#makeClient();
    old.destroy();
    this.#client.connect().catch(() => {});
  }

  #discard(): void {
    clearInterval(this.#watch);
    for (const hope of this.#hoping) hope();
    this.#client.destroy();
  }

  #makeClient(): Client {
    const client = newClient(
      this.options.location,
      // Only what was connected once is connected again by itself: whoever starts a server is told what is wrong.
      (retries) => this.#connectedOnce && Math.min(longestPause, firstPause * 2 ** retries) * (0.5 + Math.random() / 2),
    );
    client.on('ready', () => {
      this.generation += 1;
      this.#lastAnswer = performance.now();
      for (const hope of this.#hoping) hope();
      this.#hoping.clear();
    });
    return client;
  }
}

/** `reconnect` answers with milliseconds, or false when a broken connection is not to be made anew. */
export function newClient({ client: where }: Location, reconnect: (retries: number) => number | false): Client {
  const client = createClient({
    ...where,
    // A command that the client kept for the next connection would be sent whenever that comes.
    disableOfflineQueue: true,
    maintNotifications: 'disabled',
    // The client's own counts only until a command is sent; see Link's #refuseLate.
    commandOptions: { timeout: undefined } as object,
    socket: { ...where.socket, connectTimeout, reconnectStrategy: reconnect },
  });
  // Every command is told of it by itself.
  client.on('error', () => {});
  return client;
}
