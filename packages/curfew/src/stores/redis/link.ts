import { setTimeout as sleep } from 'node:timers/promises';
import { ErrorReply } from '@redis/client';
import type { CurfewError } from '../../errors.ts';
import { Batcher, type BatcherOptions } from '../batcher.ts';
import { inTime } from '../watchers.ts';
import type { Client, Connection } from './connect.ts';
import { closedError, commandFault, connectFault, lateFault, offlineFault } from './faults.ts';
import type { Location } from './location.ts';
import { reach } from './reach.ts';
import type { Script } from './scripts/script.ts';
import { readServerFacts, refuseUnsafe, type ServerFacts } from './settings.ts';

/** Replies of Redis: text, a number, nothing, or a list of these. */
export type Reply = string | number | null | Reply[];

export type LinkOptions = {
  location: Location;
  /** Milliseconds that an answer may take. */
  timeout: number;
  /** How many calls must wait before another batch is sent beside a running one; 1 without it. */
  crowd?: number;
  /** Whether another part of the store grants the leases, so that none runs out when this one is cut off. */
  leasesElsewhere?: boolean;
};

type Values = (string | null)[];

type Waiting = { writes: boolean; since: number; refuse: (fault: CurfewError) => void };

/** Milliseconds. */
const firstPause = 50;
const longestPause = 1000;
/** How long a command waits for a new connection, and for the node of a Cluster that has the slot. */
const patience = 1000;
/**
 * What is asked in one turn of the event loop goes together, so many at a time. In larger pieces, this process and Redis
 * would wait for each other: with pieces of 64 and 64 callers, creations took a quarter longer.
 */
export const together = { most: 16, parallel: 64 } as const;

/**
 * The connection to Redis. Commands are sent at once. A broken connection is replaced, after growing pauses; commands
 * wait for the new one for a moment, and are then refused. A command whose answer is late fails, and a connection on
 * which no answers arrive any more is given up.
 */
export class Link {
  readonly options: LinkOptions;
  /** How calls are batched. */
  readonly together: BatcherOptions;
  /** Facts about the server of the newest connection, as they were when it was made; `undefined` before the first one. */
  facts: ServerFacts | undefined;
  /** Grows with every connection: what one has confirmed says nothing about the next. */
  generation = 0;
  readonly #waiting: Set<Waiting> = new Set();
  readonly #reads: Batcher<readonly string[], Values>;
  readonly #watch: NodeJS.Timeout;
  readonly #gone = new AbortController();
  #client: Client | undefined;
  /** Attempts to connect since the last answer. */
  #attempts = 0;
  #lastAnswer = performance.now();
  #closing: Promise<void> | undefined;
  #quiet: (() => void) | undefined;
  /** Why there is no connection; `undefined` if that is not known. */
  #trouble: unknown;
  readonly #hoping: Set<() => void> = new Set();
  /** Ends the pause before the next attempt to connect. */
  #hurry: () => void = () => {};
  /** What comes before the first connection is used. */
  #check: (() => Promise<void>) | undefined;

  private constructor(options: LinkOptions, check?: () => Promise<void>) {
    this.options = options;
    this.#check = check;
    this.together = { ...together, crowd: options.crowd ?? 1 };
    this.#reads = new Batcher((asked) => this.#readAll(asked), this.together);
    this.#watch = setInterval(() => this.#refuseLate(), options.timeout / 10).unref();
  }

  /**
   * A failed first connection is an error for the start of a server; only later ones are retried automatically.
   * @throws `store_unavailable`, `store_login_refused`, `config_invalid` if the first connection cannot be made;
   * `store_unsafe`, `store_read_only`, `store_version`
   */
  static async open(options: LinkOptions): Promise<Link> {
    const link = new Link(options);
    try {
      void link.#keepConnected(await link.#connect());
      return link;
    } catch (error) {
      link.#discard();
      throw error;
    }
  }

  /** One to a server that may be out of reach. `check` comes before its first connection is used. */
  static later(options: LinkOptions, check: () => Promise<void>): Link {
    const link = new Link(options, check);
    void link.#keepConnected();
    return link;
  }

  /** A key of this store, by its name. */
  key(name: string): string {
    return this.options.location.prefix + name;
  }

  /** Runs a script; `home` is the prefix of the user's keys, `keys` the names of more keys. */
  run(script: Script, args: string[], home = '', keys: readonly string[] = []): Promise<Reply> {
    const { location, leasesElsewhere } = this.options;
    const { prefix } = location;
    const { source, sha1 } = leasesElsewhere ? script.elsewhere : script;
    const rest = [String(2 + keys.length), prefix + home, prefix, ...keys.map((key) => prefix + key), ...args];
    return this.#send(['EVALSHA', sha1, ...rest], script.writes, () => ['EVAL', source, ...rest]);
  }

  /**
   * The values of keys, by their names, read in one step; never from a replica, which may be behind. What is asked in one
   * turn of the event loop is read together.
   */
  read(...names: string[]): Promise<Values> {
    return this.#reads.run(names);
  }

  async #readAll(asked: readonly (readonly string[])[]): Promise<Values[]> {
    const keys = asked.flatMap((names) => names.map((name) => this.key(name)));
    // In this order, so that what has become the primary since does not answer as it was before.
    const [, values] = await Promise.all([this.#refuseReplica(), this.#send(['MGET', ...keys], false)]);
    let from = 0;
    return asked.map(({ length }) => {
      from += length;
      return (values as Values).slice(from - length, from);
    });
  }

  /** Sends a command whose repetition or loss changes nothing that matters, so its outcome is never unknown. */
  command(...args: string[]): Promise<Reply> {
    return this.#send(args, false);
  }

  /**
   * Asks for the facts again: settings may be changed while a server runs.
   * @throws `store_unsafe`, `store_read_only`, `store_version`
   */
  async renewFacts(): Promise<void> {
    const { generation } = this;
    const facts = await readServerFacts((...command) => this.command(...command));
    // Callers see the error.
    refuseUnsafe(facts, { ...this.options.location, shown: 'Redis' });
    // Those of another connection are newer, and perhaps another server's.
    if (generation === this.generation) this.facts = facts;
  }

  /** Whether a command is sent at once. If not, it waits for a connection, perhaps to another server. */
  get isReady(): boolean {
    return this.#client?.isReady ?? false;
  }

  /** Resolves when there is a connection again. @throws `store_unavailable` if there is none for a moment */
  connected(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#hoping.delete(hope);
        reject(offlineFault(this.#trouble));
      }, patience);
      const hope = () => {
        clearTimeout(timer);
        resolve();
      };
      this.#hoping.add(hope);
    });
  }

  /** Tries to connect now, if there is no connection: another one to the same servers could be made again. */
  hurry(): void {
    this.#hurry();
  }

  /** Waits for the answers to what was sent, and disconnects. */
  close(): Promise<void> {
    this.#closing ??= new Promise<void>((resolve) => {
      this.#quiet = resolve;
      if (this.#waiting.size === 0) resolve();
    }).then(() => this.#discard());
    return this.#closing;
  }

  /**
   * `unknown`: what is sent instead if Redis, which forgets scripts when it restarts, does not know this one. `until`:
   * how long it is sent again if a node of a Cluster refuses it because it no longer has the slot; other nodes learn
   * which one has it a moment later.
   */
  #send(
    args: string[],
    writes: boolean,
    unknown?: () => string[],
    until: number = performance.now() + patience,
  ): Promise<Reply> {
    if (this.#closing) return Promise.reject(closedError());
    const client = this.#client;
    if (!client?.isReady) return this.connected().then(() => this.#send(args, writes, unknown, until));
    return new Promise<Reply>((resolve, reject) => {
      const waiting = { writes, since: performance.now(), refuse: reject };
      this.#waiting.add(waiting);
      const fail = (error: unknown) => {
        const refused = error instanceof ErrorReply ? error.message : '';
        if (refused) this.#lastAnswer = performance.now();
        // The server, or the one that the address now leads to, is a replica by now; in a Cluster, another node has the
        // slot, or this one cannot see most of the others, which may have promoted its replica.
        if (/^(READONLY|MASTERDOWN|MOVED|CLUSTERDOWN)/.test(refused)) client.destroy();
        this.#done(waiting);
        // It has not been executed, and the next connection leads to the node that has the slot.
        if (refused.startsWith('MOVED') && performance.now() < until) resolve(this.#send(args, writes, unknown, until));
        else reject(commandFault(error, writes));
      };
      const answer = (reply: Reply) => {
        this.#lastAnswer = performance.now();
        this.#attempts = 0;
        this.#done(waiting);
        resolve(reply);
      };
      (client.sendCommand(args) as Promise<Reply>).then(answer, (error: unknown) => {
        const retry = unknown && error instanceof ErrorReply && error.message.startsWith('NOSCRIPT');
        if (retry) (client.sendCommand(unknown()) as Promise<Reply>).then(answer, fail);
        else fail(error);
      });
    });
  }

  /**
   * A replica answers a plain read, so the reads of one turn are sent with a command that counts as a write and changes
   * nothing, which only a primary accepts. One without replicas may have been replaced: see `reading` in scripts/script.ts.
   */
  async #refuseReplica(): Promise<void> {
    try {
      await this.#send(['GETEX', this.key('nothing')], false);
    } catch (fault) {
      // A Redis that cannot write to its disk refuses it as well, but can be read.
      const { cause } = fault as CurfewError;
      const isOutdated = this.options.leasesElsewhere
        ? /^(READONLY|CLUSTERDOWN|NOREPLICAS)/
        : /^(READONLY|CLUSTERDOWN)/;
      if (!(cause instanceof ErrorReply) || isOutdated.test(cause.message)) throw fault;
    }
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
    // Nothing at all has arrived: the other side is gone, although the connection does not know.
    if (late && this.#lastAnswer < latest && !this.#closing) this.#client?.destroy();
  }

  async #connect(): Promise<Connection> {
    this.#attempts += 1;
    const { location, timeout } = this.options;
    const { signal } = this.#gone;
    const connection = await reach(location, timeout, signal);
    try {
      const facts = await factsOf(connection.client, timeout, signal);
      // After a failover it may be another server, with other settings.
      refuseUnsafe(facts, location);
      await this.#check?.();
      this.#check = undefined;
      this.facts = facts;
    } catch (error) {
      connection.client.destroy();
      throw connectFault(error, location.shown);
    }
    if (signal.aborted) connection.client.destroy();
    this.#client = connection.client;
    this.#trouble = undefined;
    this.generation += 1;
    this.#lastAnswer = performance.now();
    for (const hope of this.#hoping) hope();
    this.#hoping.clear();
    return connection;
  }

  /** Connects whenever there is no connection any more, or none yet, after pauses that grow until an answer arrives. */
  async #keepConnected(connection?: Connection): Promise<void> {
    const { signal } = this.#gone;
    for (let broken = connection?.broken; !signal.aborted; ) {
      await broken;
      const pause = Math.min(longestPause, firstPause * 2 ** (this.#attempts - 1)) * (0.5 + Math.random() / 2);
      const rested = sleep(pause, undefined, { signal }).catch(() => {});
      await Promise.race([rested, new Promise<void>((resolve) => (this.#hurry = resolve))]);
      if (signal.aborted) return;
      const next = await this.#connect().catch((fault: unknown) => {
        this.#trouble = fault;
      });
      if (next) broken = next.broken;
    }
  }

  #discard(): void {
    clearInterval(this.#watch);
    for (const hope of this.#hoping) hope();
    this.#gone.abort();
    this.#client?.destroy();
  }
}

async function factsOf(client: Client, most: number, until: AbortSignal): Promise<ServerFacts> {
  const ask = (...command: string[]) => inTime(client.sendCommand(command) as Promise<Reply>, most, until);
  return readServerFacts(ask);
}
