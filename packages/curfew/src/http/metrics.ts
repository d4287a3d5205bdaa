import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { version } from '../version.ts';
import { declarationOf, type NameOf } from './metric-list.ts';
import { oneAtATime, within } from './patience.ts';

/** Numbers that the store and the authority return when asked. */
export type Gauges = {
  activeSessions(): Promise<number>;
  logHead(): Promise<number>;
  storeBytes(): Promise<number>;
  /** The outcomes of the calls to the store. */
  calls: StoreGauges;
  /** Milliseconds by which the server's clock is ahead of the store's; `undefined` while unknown. */
  clockOffset?: () => number | undefined;
};

export type StoreGauges = {
  /** The names of all calls. */
  readonly names: readonly string[];
  listen(onCall: (call: string, seconds: number, code: string | undefined) => void): void;
  /** Milliseconds that the oldest unanswered call has waited. */
  readonly oldest: number;
  /** Sessions that calls have ended, by reason. */
  readonly ends: ReadonlyMap<string, number>;
  /** `completedAt`: epoch milliseconds. */
  readonly sweeps: { expired: number; endsWritten: number; forgotten: number; more: boolean; completedAt: number };
};

/** The fence's own numbers. */
export type FenceGauges = {
  leased: boolean;
  verifiers: number;
  tail: number;
  applied: number;
  /** For each verifier's name, the seconds that the oldest change has waited for it. */
  lags: ReadonlyMap<string, number>;
  nodes: number;
  waiting: number;
  settled: { acks: number; timeout: number };
  expired: number;
  dropped: number;
  /** How often the node started over, by reason. */
  restarts: Readonly<Record<string, number>>;
  own: { sessions: number; hits: number; misses: number; asked: number };
  /** How often the node's lease ran out before it was renewed. */
  leaseLosses: number;
  /** How often a holder's lease ran out while a change waited for it, by name; there are few names. */
  waitedFor: ReadonlyMap<string, number>;
};

export type Metrics = {
  readonly contentType: string;
  /** The page of metrics; it is made even if the store does not answer. */
  render(): Promise<string>;
  /** Returns the function that counts requests of one kind, each with the seconds that it took. */
  counter(route: string, method: string, status: number): (seconds: number) => void;
  /** Counts an answer that was an error, by its code. */
  countError(code: string): void;
  /** Counts a sign-in: `success`, or the code of the error it was refused with. */
  countSignIn(result: string): void;
  /** Counts a verification, by its result and by where the answer came from. */
  countVerification(result: string, source: 'memory' | 'store'): void;
};

/** The fence's numbers: on request, and whenever a change is known everywhere. */
export type FenceSource = {
  statistics(): FenceGauges;
  onPropagated(heard: (seconds: number, by: 'acks' | 'timeout') => void): void;
};

/** Milliseconds that the store may take to return a number; after that the page is made without it. */
const patience = 500;

/** Prometheus metrics of one server, in a registry of its own, so that two servers in one process count separately. */
export function createMetrics(gauges: Gauges, fence: FenceSource): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const counter = addRequests(registry);
  const readStore = addStore(registry, gauges);
  addCalls(registry, gauges.calls);
  addSweeps(registry, gauges.calls);
  addClock(registry, gauges.clockOffset);
  addFence(registry, () => fence.statistics());
  addPropagation(registry, fence);
  addBuild(registry);
  const errors = addCounter(registry, 'curfew_errors_total', [['internal']]);
  const signIns = addCounter(registry, 'curfew_signins_total');
  const verifications = addCounter(registry, 'curfew_verify_total');
  return {
    contentType: registry.contentType,
    async render() {
      await readStore();
      return registry.metrics();
    },
    counter,
    countError: (code) => errors(code)(),
    countSignIn: (result) => signIns(result)(),
    countVerification: (result, source) => verifications(result, source)(),
  };
}

/**
 * Returns a function that returns, for values of the labels, the function that counts. Each is looked up by its labels
 * only once, because that costs more than counting. `fromZero`: the labels of series that exist before they count.
 */
function addCounter(
  registry: Registry,
  name: NameOf<'counter'>,
  fromZero: readonly string[][] = [],
): (...values: string[]) => () => void {
  const counter = new Counter({ ...declarationOf(name), registers: [registry] });
  // Prometheus sees no increase in a series that begins with 1.
  for (const values of fromZero) counter.labels(...values).inc(0);
  return remembered((...values) => {
    const counted = counter.labels(...values);
    return () => counted.inc();
  });
}

/** The same for a histogram: the function observes seconds. */
function addHistogram(
  registry: Registry,
  name: NameOf<'histogram'>,
): (...values: string[]) => (seconds: number) => void {
  const histogram = new Histogram({ ...declarationOf(name), registers: [registry] });
  return remembered((...values) => {
    const observed = histogram.labels(...values);
    return (seconds) => observed.observe(seconds);
  });
}

function remembered<Use>(make: (...values: string[]) => Use): (...values: string[]) => Use {
  const known = new Map<string, Use>();
  return (...values) => {
    const key = values.join('\n');
    const use = known.get(key) ?? make(...values);
    known.set(key, use);
    return use;
  };
}

function addPropagation(registry: Registry, fence: FenceSource): void {
  const duration = addHistogram(registry, 'curfew_end_duration_seconds');
  fence.onPropagated((seconds, by) => duration(by)(seconds));
}

function addBuild(registry: Registry): void {
  const info = new Gauge({ ...declarationOf('curfew_build_info'), registers: [registry] });
  info.set({ version }, 1);
}

function addRequests(registry: Registry): Metrics['counter'] {
  const requests = addCounter(registry, 'curfew_http_requests_total');
  const duration = addHistogram(registry, 'curfew_http_request_duration_seconds');
  return (route, method, status) => {
    const [count, observe] = [requests(route, method, String(status)), duration(route, method)];
    return (seconds) => {
      count();
      observe(seconds);
    };
  };
}

/** Numbers for which the store is asked; one that it does not return in time is left out. */
function addStore(registry: Registry, gauges: Gauges): () => Promise<void> {
  const add = (name: NameOf<'gauge'>, read: () => Promise<number>) => {
    const gauge = new Gauge({ ...declarationOf(name), registers: [registry] });
    const ask = oneAtATime(read);
    return async () => {
      const value = await within(patience, ask()).catch(() => undefined);
      if (value === undefined) gauge.remove();
      else gauge.set(value);
      return value !== undefined;
    };
  };
  const asked = [
    add('curfew_sessions_active', gauges.activeSessions),
    add('curfew_log_head', gauges.logHead),
    add('curfew_store_bytes', gauges.storeBytes),
  ];
  const up = new Gauge({ ...declarationOf('curfew_store_up'), registers: [registry] });
  return async () => {
    const told = await Promise.all(asked.map((ask) => ask()));
    up.set(Number(told.every(Boolean)));
  };
}

function addCalls(registry: Registry, calls: StoreGauges): void {
  const duration = addHistogram(registry, 'curfew_store_call_duration_seconds');
  const full = calls.names.map((call) => [call, 'store_full']);
  const failures = addCounter(registry, 'curfew_store_errors_total', full);
  calls.listen((call, seconds, code) => {
    duration(call)(seconds);
    if (code !== undefined) failures(call, code)();
  });
  addGauge(registry, 'curfew_store_oldest_call_seconds', () => calls.oldest / 1000);
}

function addSweeps(registry: Registry, calls: StoreGauges): void {
  const { sweeps } = calls;
  addTotal(registry, 'curfew_sweep_sessions_total', () => ({
    expired: sweeps.expired,
    settled: sweeps.endsWritten,
    forgotten: sweeps.forgotten,
  }));
  addTotal(registry, 'curfew_ends_total', () => calls.ends);
  addGauge(registry, 'curfew_sweep_backlog', () => Number(sweeps.more));
  addGauge(registry, 'curfew_sweep_completed_timestamp_seconds', () => sweeps.completedAt / 1000);
}

function addClock(registry: Registry, offset: Gauges['clockOffset']): void {
  if (!offset) return;
  addGauge(registry, 'curfew_clock_offset_seconds', () => {
    const milliseconds = offset();
    return milliseconds === undefined ? undefined : milliseconds / 1000;
  });
}

function addFence(registry: Registry, fence: () => FenceGauges): void {
  addGauge(registry, 'curfew_fence_leased', () => Number(fence().leased));
  addGauge(registry, 'curfew_fence_verifiers', () => fence().verifiers);
  addGauge(registry, 'curfew_fence_verifier_lag_seconds', () => fence().lags);
  addGauge(registry, 'curfew_fence_nodes', () => fence().nodes);
  addGauge(registry, 'curfew_fence_lag', () => fence().tail - fence().applied);
  addGauge(registry, 'curfew_fence_waiting', () => fence().waiting);
  addGauge(registry, 'curfew_fence_cached_sessions', () => fence().own.sessions);
  addTotal(registry, 'curfew_fence_settled_acks_total', () => fence().settled.acks);
  addTotal(registry, 'curfew_fence_settled_timeout_total', () => fence().settled.timeout);
  addTotal(registry, 'curfew_fence_expired_total', () => fence().expired);
  addTotal(registry, 'curfew_fence_dropped_total', () => fence().dropped);
  addTotal(registry, 'curfew_fence_cache_hits_total', () => fence().own.hits);
  addTotal(registry, 'curfew_fence_cache_misses_total', () => fence().own.misses);
  addTotal(registry, 'curfew_fence_lease_losses_total', () => fence().leaseLosses);
  addTotal(registry, 'curfew_fence_restarts_total', () => fence().restarts);
  addTotal(registry, 'curfew_fence_waited_for_total', () => fence().waitedFor);
}

type ByName = Readonly<Record<string, number>> | ReadonlyMap<string, number>;

/** A gauge whose value is at hand: one number or, with a label, numbers by name; `undefined` leaves it out. */
function addGauge(registry: Registry, name: NameOf<'gauge'>, read: () => number | ByName | undefined): void {
  const declared = declarationOf(name);
  new Gauge({
    ...declared,
    registers: [registry],
    collect() {
      this.reset();
      const value = read();
      if (value === undefined) this.remove();
      else for (const [labels, number] of labelled(declared, value)) this.set(labels, number);
    },
  });
}

/** A counter whose value is kept elsewhere: one number or, with a label, numbers by name. */
function addTotal(registry: Registry, name: NameOf<'counter'>, read: () => number | ByName): void {
  const declared = declarationOf(name);
  new Counter({
    ...declared,
    registers: [registry],
    collect() {
      this.reset();
      for (const [labels, number] of labelled(declared, read())) this.inc(labels, number);
    },
  });
}

function labelled({ labelNames: [label] }: { labelNames: string[] }, value: number | ByName) {
  if (typeof value === 'number') return [[{}, value]] as const;
  const byName: Iterable<[string, number]> = value instanceof Map ? value : Object.entries(value);
  return Array.from(byName, ([name, number]) => [{ [label!]: name }, number] as const);
}
