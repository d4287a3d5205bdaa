import type { End } from '../domain/reasons.ts';
import { errors, isCurfewError, publicFacts } from '../errors.ts';
import {
  type CreationOutcome,
  type EndOutcome,
  type EpochOutcome,
  PartlySwept,
  type Store,
  type SweepOutcome,
} from './contract.ts';

/** The operations that are observed: all that return a promise, except `close`. */
export type StoreCall = Exclude<
  {
    [Name in keyof Store]-?: NonNullable<Store[Name]> extends (...given: never) => Promise<unknown> ? Name : never;
  }[keyof Store],
  'close'
>;

/**
 * Every observed operation, and whether it is a write that must last: those show whether the store accepts changes. A
 * node's row and the attempts need not survive a crash, and an import may take any time.
 */
const calls: Readonly<Record<StoreCall, boolean>> = {
  createSession: true,
  readSession: false,
  readNamedSession: false,
  readSessionByAlias: false,
  changeSession: true,
  endSession: true,
  endSessionsOfUser: true,
  endEveryone: true,
  changeGroups: true,
  touchSessions: true,
  listSessions: false,
  countActive: false,
  readUser: false,
  findAccount: false,
  createAccount: true,
  changeAccount: true,
  deleteAccount: true,
  listAccounts: false,
  createKey: true,
  readKey: false,
  revokeKey: true,
  touchKeys: true,
  listKeys: false,
  createNamed: true,
  readNamed: false,
  changeNamed: true,
  removeNamed: true,
  listNamed: false,
  takeAttempt: false,
  failAttempt: false,
  clearAttempts: false,
  appendEvent: true,
  readEvents: false,
  readLog: false,
  logHead: false,
  renewNode: false,
  listNodes: false,
  removeNode: false,
  confirmIncarnation: false,
  sweep: true,
  importRecords: false,
  keyFingerprint: false,
  keepKeyFingerprint: true,
  latestTime: false,
  mendTime: true,
  ping: false,
  tryWriting: false,
  describe: false,
};

/** What every store must be able to do. */
export const operations: readonly (StoreCall | 'exportRecords' | 'close')[] = [
  ...(Object.keys(calls) as StoreCall[]),
  'exportRecords',
  'close',
];

/** Milliseconds after which a write that has not been answered counts as held up. */
const heldUp = 5000;
/** Milliseconds for which a failed write counts, unless one succeeds sooner: then another try is worthwhile. */
const remembered = 10_000;

/** What is wrong, what to do about it, and for how many milliseconds it has been, if known. */
export type StoreTrouble = { detail: string; remedy?: string | undefined; lasting?: number };

type Open = { call: StoreCall; began: number };

/** `code`: that of the error with which the call failed. */
export type OnCall = (call: StoreCall, seconds: number, code: string | undefined) => void;

export type SweepFigures = Pick<SweepOutcome, 'expired' | 'endsWritten' | 'forgotten' | 'more'> & {
  /** When a sweep last found nothing more to do, in epoch milliseconds; 0 before the first. */
  completedAt: number;
};

/** Observes the calls to a store. Times are those of the given clock unless stated otherwise. */
export class StoreCalls {
  readonly names: readonly StoreCall[] = Object.keys(calls) as StoreCall[];
  readonly #now: () => number;
  readonly #open: Set<Open> = new Set();
  #failure: { call: StoreCall; error: unknown; since: number; at: number } | undefined;
  #renewal: unknown;
  #onCall: OnCall = () => {};
  readonly sweeps: SweepFigures = { expired: 0, endsWritten: 0, forgotten: 0, more: false, completedAt: 0 };

  /** Sessions that calls have ended, by reason; `deadline` counts those that the sweep has ended. */
  readonly ends: Map<string, number> = new Map();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Calls `onCall` after every call from now on. */
  listen(onCall: OnCall): void {
    this.#onCall = onCall;
  }

  /** How long the oldest unanswered call has waited, in milliseconds. */
  get oldest(): number {
    const [oldest] = this.#open;
    return oldest ? this.#now() - oldest.began : 0;
  }

  /** Why writes do not last now, and for how many milliseconds they have not; `undefined` if they do. */
  get writeTrouble(): StoreTrouble | undefined {
    const now = this.#now();
    for (const { call, began } of this.#open) {
      if (!calls[call] || now - began < heldUp) continue;
      return { detail: `A write (${call}) has not been answered.`, lasting: now - began };
    }
    const failure = this.#failure;
    if (!failure || now - failure.at > remembered) return undefined;
    const { call, error, since } = failure;
    const { detail, remedy } = publicFacts(error);
    return { detail: `A write (${call}) failed: ${detail}`, remedy, lasting: now - since };
  }

  /** Why the last renewal of the lease failed; `undefined` if it succeeded. */
  get renewalTrouble(): StoreTrouble | undefined {
    const error = this.#renewal;
    return error === undefined ? undefined : publicFacts(error);
  }

  /** Without a promise of its own: a request that the store answers from memory takes little more time than one. */
  watch(call: StoreCall, given: readonly unknown[], answer: Promise<unknown>): void {
    const open = { call, began: this.#now() };
    this.#open.add(open);
    answer.then(
      (result) => {
        this.#answered(call, given, result);
        this.#closed(open, undefined);
      },
      (error) => {
        if (calls[call] && isFault(error)) this.#failed(call, error);
        if (error instanceof PartlySwept) this.#count(call, given, error.outcome);
        if (call === 'renewNode') this.#renewal = error;
        this.#closed(open, isCurfewError(error) ? error.code : 'internal');
      },
    );
  }

  #answered(call: StoreCall, given: readonly unknown[], result: unknown): void {
    // A sweep makes room, and may find nothing to write, so it shows nothing about other writes.
    if (calls[call] && (call !== 'sweep' || this.#failure?.call === 'sweep')) this.#failure = undefined;
    if (call === 'renewNode') this.#renewal = undefined;
    this.#count(call, given, result);
    if (call !== 'sweep') return;
    const { more } = result as SweepOutcome;
    this.sweeps.more = more;
    if (!more) this.sweeps.completedAt = Date.now();
  }

  /** What a call has done. */
  #count(call: StoreCall, given: readonly unknown[], result: unknown): void {
    if (call === 'sweep') this.#swept(result as SweepOutcome);
    const [reason, count] = endsOf(call, given, result);
    if (count > 0) this.ends.set(reason, (this.ends.get(reason) ?? 0) + count);
  }

  #closed(open: Open, code: string | undefined): void {
    this.#open.delete(open);
    this.#onCall(open.call, (this.#now() - open.began) / 1000, code);
  }

  #failed(call: StoreCall, error: unknown): void {
    const at = this.#now();
    const unbroken = this.#failure && at - this.#failure.at <= remembered;
    this.#failure = { call, error, since: unbroken ? this.#failure!.since : at, at };
  }

  #swept({ expired, endsWritten, forgotten }: SweepOutcome): void {
    this.sweeps.expired += expired;
    this.sweeps.endsWritten += endsWritten;
    this.sweeps.forgotten += forgotten;
  }
}

/** The same store with its calls observed. Its answers are unchanged and no slower. */
export function observeStore(
  store: Store,
  now: () => number = () => performance.now(),
): { store: Store; calls: StoreCalls } {
  const observed = new StoreCalls(now);
  const names = (Object.keys(calls) as StoreCall[]).filter((name) => store[name] !== undefined);
  const same = Object.fromEntries(names.map((name) => [name, observe(store, name, observed)]));
  const rest: Pick<Store, Exclude<keyof Store, StoreCall>> = {
    kind: store.kind,
    exportRecords: (options) => store.exportRecords(options),
    close: () => store.close(),
    ...(store.shortage && { shortage: () => store.shortage!() }),
    ...(store.watchLog && { watchLog: (onGrowth) => store.watchLog!(onGrowth) }),
  };
  return { store: { ...(same as Pick<Store, StoreCall>), ...rest }, calls: observed };
}

function observe(store: Store, call: StoreCall, observed: StoreCalls): (...given: unknown[]) => Promise<unknown> {
  const method = (store[call] as (...given: unknown[]) => Promise<unknown>).bind(store);
  return (...given) => {
    const answer = method(...given);
    observed.watch(call, given, answer);
    return answer;
  };
}

/** How many sessions a call has ended, and why. The count is unknown when an account is disabled or deleted. */
function endsOf(call: StoreCall, given: readonly unknown[], result: unknown): [reason: string, count: number] {
  switch (call) {
    case 'endSession':
      return [(given[1] as End).reason, Number((result as EndOutcome).kind === 'ended')];
    case 'endSessionsOfUser': {
      const outcome = result as EpochOutcome;
      return [(given[1] as End).reason, outcome.kind === 'ended' ? outcome.ended : 0];
    }
    case 'endEveryone':
      return [(given[0] as End).reason, (result as { ended: number }).ended];
    case 'createSession': {
      const outcome = result as CreationOutcome;
      return ['replaced', outcome.kind === 'created' ? outcome.replaced.length : 0];
    }
    case 'sweep':
      return ['deadline', (result as SweepOutcome).expired];
    default:
      return ['', 0];
  }
}

/** A refusal, such as `too_many_groups`, is not a fault of the store. */
function isFault(error: unknown): boolean {
  return !isCurfewError(error) || errors[error.code].status >= 500;
}
