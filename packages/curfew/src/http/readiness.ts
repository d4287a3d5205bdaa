import type { Logger } from 'pino';
import { publicFacts } from '../errors.ts';
import { oneAtATime, within } from './patience.ts';

/** The checks, in order. */
export const checkNames = ['storeRead', 'storeWrite', 'lease', 'clock', 'serving'] as const;
export type CheckName = (typeof checkNames)[number];

/** What is wrong, what to do about it, and for how many milliseconds it has been, if known. */
export type Trouble = { detail: string; remedy?: string | undefined; lasting?: number | undefined };

/**
 * Each returns or throws what is wrong. `storeRead` and `storeTrial`, a trial of writing, ask the store, and run only
 * when a report is requested; the others run regularly and do not ask the store.
 */
export type Checks = {
  readonly storeRead: () => Promise<void>;
  readonly storeTrial: () => Promise<void>;
} & Readonly<Record<Exclude<CheckName, 'storeRead' | 'serving'>, () => Trouble | undefined>>;

export const verdicts = ['ready', 'degraded', 'unready', 'draining'] as const;
export type Verdict = (typeof verdicts)[number];
export type CheckReport = { ok: boolean; detail?: string; remedy?: string | undefined; since?: string };
export type ReadinessReport = { status: Verdict; checks: Record<CheckName, CheckReport> };

/**
 * Milliseconds that reading the store may take: probes usually wait a second, and an answer tells them more than none.
 */
const patience = 750;
/** Milliseconds between runs of the checks that do not ask the store; they show since when a check has been failing. */
const pause = 500;
/** Milliseconds between trials of writing: while they succeed, and once one has failed. */
const trialPause = { fine: 5000, failed: 1000 } as const;
/** Milliseconds for which a server counts as probed. */
const probed = 60_000;

/**
 * What the server can do now. `unready` and `draining` mean that requests should go elsewhere. A server that can verify
 * but not write is `degraded` and keeps receiving requests: the other servers use the same store, and if all were taken
 * out, no application could verify.
 */
export class Readiness {
  readonly #checks: Checks;
  readonly #logger: Logger;
  /** The checks that fail; `since` in epoch milliseconds. */
  readonly #failing: Map<CheckName, Trouble & { since: number }> = new Map();
  readonly #timer: NodeJS.Timeout;
  readonly #read: () => Promise<Trouble | 'none'>;
  readonly #try: () => Promise<void>;
  #triedAt: number = Number.NEGATIVE_INFINITY;
  /** Why the last trial of writing failed. */
  #refusal: Trouble | undefined;
  #probedAt: number = Number.NEGATIVE_INFINITY;
  /** While it listens already, but has not finished its start. */
  #start: PromiseWithResolvers<void> | undefined;

  constructor(checks: Checks, logger: Logger) {
    this.#checks = checks;
    this.#logger = logger;
    this.#read = oneAtATime(() => checks.storeRead().then(() => 'none' as const, publicFacts));
    this.#try = oneAtATime(async () => {
      this.#refusal = await checks.storeTrial().then(() => undefined, publicFacts);
      this.#triedAt = performance.now();
    });
    this.#timer = setInterval(() => this.#look(), pause).unref();
  }

  /** Whether anything has probed lately: if not, nobody would notice that this server is draining. */
  get isProbed(): boolean {
    return performance.now() - this.#probedAt < probed;
  }

  /** Reports that requests should go elsewhere until `started` is called. */
  starting(): void {
    this.#start = Promise.withResolvers();
  }

  started(): void {
    this.#start?.resolve();
    this.#start = undefined;
  }

  /** While the server is starting: resolves when it has started. Until then no credential works. */
  get untilStarted(): Promise<void> | undefined {
    return this.#start?.promise;
  }

  /** Reports from now on that requests should go elsewhere; they are still served. */
  drain(): void {
    this.#note('serving', { detail: 'The server is shutting down, but still serves requests.' });
  }

  /** The report for a probe, which this notes, or for somebody else. */
  async report(reader: 'probe' | 'person' = 'probe'): Promise<ReadinessReport> {
    if (reader === 'probe') this.#probedAt = performance.now();
    const [read] = await Promise.all([within(patience, this.#read()), within(patience, this.#trial())]);
    const late = { detail: `The store has not answered within ${patience} ms.` };
    this.#note('storeRead', read === 'none' ? undefined : (read ?? late));
    this.#look();
    const checks = Object.fromEntries(checkNames.map((name) => [name, this.#reportOn(name)]));
    return { status: this.#verdict(), checks: checks as ReadinessReport['checks'] };
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #trial(): Promise<void> {
    const pause = this.#refusal ? trialPause.failed : trialPause.fine;
    if (performance.now() - this.#triedAt >= pause) await this.#try();
  }

  #look(): void {
    for (const name of ['storeWrite', 'lease', 'clock'] as const) {
      let trouble: Trouble | undefined;
      try {
        trouble = this.#checks[name]();
      } catch (error) {
        trouble = publicFacts(error);
      }
      this.#note(name, trouble ?? (name === 'storeWrite' ? this.#refusal : undefined));
    }
  }

  #note(name: CheckName, trouble: Trouble | undefined): void {
    const known = this.#failing.get(name);
    if (!trouble) {
      if (known) this.#logger.info({ check: name, since: timeOf(known.since) }, 'recovered');
      this.#failing.delete(name);
      return;
    }
    const { detail, remedy, lasting = 0 } = trouble;
    if (known) Object.assign(known, { detail, remedy });
    else {
      const since = Date.now() - lasting;
      this.#failing.set(name, { detail, remedy, since });
      // A server that is told to stop has no trouble that anybody should be warned about.
      const level = name === 'serving' ? 'info' : 'warn';
      this.#logger[level]({ check: name, detail, since: timeOf(since) }, 'failing');
    }
  }

  #reportOn(name: CheckName): CheckReport {
    if (name === 'serving' && this.#start) return { ok: false, detail: 'The server is still starting.' };
    const failing = this.#failing.get(name);
    if (!failing) return { ok: true };
    const { detail, remedy, since } = failing;
    return { ok: false, detail, remedy, since: timeOf(since) };
  }

  #verdict(): Verdict {
    const failing = this.#failing;
    if (failing.has('serving')) return 'draining';
    if (this.#start || failing.has('storeRead') || failing.has('lease') || failing.has('clock')) return 'unready';
    return failing.has('storeWrite') ? 'degraded' : 'ready';
  }
}

function timeOf(at: number): string {
  return new Date(Math.round(at)).toISOString();
}
