import type { Logger } from 'pino';
import { isCurfewError } from '../errors.ts';
import { oneAtATime, within } from './patience.ts';

/** What is looked at, in this order. */
export const checkNames = ['storeRead', 'storeWrite', 'lease', 'clock', 'serving'] as const;
export type CheckName = (typeof checkNames)[number];

/** What is wrong, and for how many milliseconds it has been so, where that is known. */
export type Trouble = { detail: string; lasting?: number };

/**
 * Says what is wrong, or throws it. Those that are looked at again and again ask nothing of the store; `storeRead` asks
 * it, and only when somebody wants to know.
 */
export type Checks = {
  readonly storeRead: () => Promise<void>;
} & Readonly<Record<Exclude<CheckName, 'storeRead' | 'serving'>, () => Trouble | undefined>>;

export type Verdict = 'ready' | 'degraded' | 'unready' | 'draining';
export type CheckReport = { ok: boolean; detail?: string; since?: string };
export type ReadinessReport = { status: Verdict; checks: Record<CheckName, CheckReport> };

/**
 * Milliseconds that the store may take to be read: whoever probes waits a second, as a rule, and is told more by an
 * answer than by none.
 */
const patience = 750;
/** How often is looked at what asks nothing of the store: so it is known since when it has been so. */
const pause = 500;
/** Milliseconds for which a server counts as probed. */
const probed = 60_000;

/**
 * What the server can do now. `unready` and `draining` mean that a request should go elsewhere. A server that cannot
 * write and still verifies is `degraded`, and stays where it is: its neighbours have the same store, and without any of
 * them no application could verify either.
 */
export class Readiness {
  readonly #checks: Checks;
  readonly #logger: Logger;
  /** Since when what fails has failed, in epoch milliseconds. */
  readonly #failing: Map<CheckName, { detail: string; since: number }> = new Map();
  readonly #timer: NodeJS.Timeout;
  readonly #read: () => Promise<Trouble | 'none'>;
  #probedAt: number = Number.NEGATIVE_INFINITY;

  constructor(checks: Checks, logger: Logger) {
    this.#checks = checks;
    this.#logger = logger;
    this.#read = oneAtATime(() => checks.storeRead().then(() => 'none' as const, troubleOf));
    this.#timer = setInterval(() => this.#look(), pause).unref();
  }

  /** Whether somebody has asked lately: who has not need not be told that this server goes. */
  get isProbed(): boolean {
    return performance.now() - this.#probedAt < probed;
  }

  /** Says from now on that requests should go elsewhere; they are served all the same. */
  drain(): void {
    this.#note('serving', { detail: 'The server is shutting down, and still serves what it is sent.' });
  }

  async report(): Promise<ReadinessReport> {
    this.#probedAt = performance.now();
    const read = await within(patience, this.#read());
    const late = { detail: `The store has not answered within ${patience} ms.` };
    this.#note('storeRead', read === 'none' ? undefined : (read ?? late));
    this.#look();
    const checks = Object.fromEntries(checkNames.map((name) => [name, this.#reportOn(name)]));
    return { status: this.#verdict(), checks: checks as ReadinessReport['checks'] };
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    for (const name of ['storeWrite', 'lease', 'clock'] as const) {
      let trouble: Trouble | undefined;
      try {
        trouble = this.#checks[name]();
      } catch (error) {
        trouble = troubleOf(error);
      }
      this.#note(name, trouble);
    }
  }

  #note(name: CheckName, trouble: Trouble | undefined): void {
    const known = this.#failing.get(name);
    if (!trouble) {
      if (known) this.#logger.info({ check: name, since: timeOf(known.since) }, 'recovered');
      this.#failing.delete(name);
      return;
    }
    const { detail, lasting = 0 } = trouble;
    if (known) known.detail = detail;
    else {
      const since = Date.now() - lasting;
      this.#failing.set(name, { detail, since });
      this.#logger.warn({ check: name, detail, since: timeOf(since) }, 'failing');
    }
  }

  #reportOn(name: CheckName): CheckReport {
    const failing = this.#failing.get(name);
    return failing ? { ok: false, detail: failing.detail, since: timeOf(failing.since) } : { ok: true };
  }

  #verdict(): Verdict {
    const failing = this.#failing;
    if (failing.has('serving')) return 'draining';
    if (failing.has('storeRead') || failing.has('lease') || failing.has('clock')) return 'unready';
    return failing.has('storeWrite') ? 'degraded' : 'ready';
  }
}

/** Anybody may ask, so an error that is not a `CurfewError` is only logged. */
function troubleOf(error: unknown): Trouble {
  return { detail: isCurfewError(error) ? `${error.message}` : 'It failed in a way that nobody foresaw.' };
}

function timeOf(at: number): string {
  return new Date(Math.round(at)).toISOString();
}
