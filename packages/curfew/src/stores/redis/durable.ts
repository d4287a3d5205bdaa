import { CurfewError } from '../../errors.ts';
import { closedError } from './faults.ts';
import type { Link, Reply } from './link.ts';
import { comeAfter } from './scripts/streams.ts';

type Call = Parameters<Link['run']>;

type Task = {
  call: Call;
  resolve: (reply: Reply) => void;
  reject: (error: unknown) => void;
};

/**
 * Writes that are on disk when they are answered, if Redis can do that. One that does not sync its log with every write
 * is asked to confirm when it has: `WAITAOF`, from 7.2. That covers the writes of its own connection and delays
 * everything after it there, so writes have a separate connection, and all that arrive meanwhile share one wait. The
 * server may become another one with other settings, so those of the connection on which a write is sent decide.
 */
export class DurableWrites {
  readonly #link: Link;
  #queue: Task[] = [];
  #draining: Promise<void> | undefined;
  #closed = false;

  constructor(link: Link) {
    this.#link = link;
  }

  run(...call: Call): Promise<Reply> {
    if (this.#closed) return Promise.reject(closedError());
    if (this.#link.isReady && !this.asks) return this.#send(call);
    return new Promise((resolve, reject) => {
      this.#queue.push({ call, resolve, reject });
      this.#draining ??= this.#drain();
    });
  }

  /** A write that may be sent again by another connection, to a server that must be asked. */
  async #send(call: Call): Promise<Reply> {
    const { generation } = this.#link;
    const reply = await this.#link.run(...call);
    const fault = await this.#confirmNew(generation);
    if (fault) throw fault;
    return reply;
  }

  /** On the connection before, every write was on disk when it was answered; the present one may have to be asked. */
  async #confirmNew(before: number): Promise<CurfewError | undefined> {
    const { generation } = this.#link;
    return generation !== before && this.asks ? this.#confirm(generation) : undefined;
  }

  /** Whether Redis must be asked, and can confirm, that a write is on disk; or there was no connection yet that tells. */
  get asks(): boolean {
    const { facts } = this.#link;
    return facts === undefined || (facts.confirms && facts.appendOnly && facts.sync !== 'always');
  }

  /** As that of a {@link Link}. */
  renewFacts(): Promise<void> {
    return this.#link.renewFacts();
  }

  /** Grows with every connection, as that of a {@link Link}. */
  get generation(): number {
    return this.#link.generation;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#draining;
    await this.#link.close();
  }

  async #drain(): Promise<void> {
    while (this.#queue.length > 0) await this.#batch(this.#queue.splice(0));
    // Done in the same turn in which the queue was found empty: a write that arrives later must start a new run.
    this.#draining = undefined;
  }

  async #batch(tasks: readonly Task[]): Promise<void> {
    try {
      while (!this.#link.isReady) await this.#link.connected();
    } catch (error) {
      for (const { reject } of tasks) reject(error);
      return;
    }
    const { asks } = this;
    const { generation } = this.#link;
    const results = await Promise.allSettled(tasks.map(({ call }) => this.#link.run(...call)));
    const isDone = results.some(({ status }) => status === 'fulfilled');
    let fault: CurfewError | undefined;
    if (isDone) fault = await (asks ? this.#confirm(generation) : this.#confirmNew(generation));
    for (const [i, task] of tasks.entries()) {
      const result = results[i]!;
      if (result.status === 'rejected') task.reject(result.reason);
      else if (fault) task.reject(fault);
      else task.resolve(result.value);
    }
  }

  /** Why it is unknown whether the writes of this connection are on disk; `undefined` if they are. */
  async #confirm(generation: number): Promise<CurfewError | undefined> {
    const detail = 'Redis did not confirm that the change is on disk.';
    try {
      const timeout = Math.ceil(this.#link.options.timeout * 0.9);
      // `WAITAOF` does not cover other connections, one of which may have made the change: this write comes after it.
      await this.#link.run(comeAfter, []);
      const [local] = (await this.#link.command('WAITAOF', '1', '0', String(timeout))) as [number];
      // A new connection has written nothing, so its confirmation says nothing about the old one's writes.
      if (local >= 1 && this.#link.generation === generation) return undefined;
      return new CurfewError('outcome_unknown', { detail });
    } catch (error) {
      return new CurfewError('outcome_unknown', { detail }, error);
    }
  }
}
