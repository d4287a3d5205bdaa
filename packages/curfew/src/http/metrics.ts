import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { version } from '../version.ts';
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
};

/** The fence's numbers: on request, and whenever a change is known everywhere. */
export type FenceSource = {
  statistics(): FenceGauges;
  onPropagated(heard: (seconds: number, by: 'acks' | 'timeout') => void): void;
};

/** Milliseconds that the store may take to return a number; after that the page is made without it. */
const patience = 500;
const buckets = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5];
/** An end waits at most for a lease and its margin: two and a half seconds by default. */
const propagationBuckets = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

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
  const countError = addLabelled(registry, 'curfew_errors_total', 'Answers that were errors, by code.', 'code');
  const countSignIn = addLabelled(
    registry,
    'curfew_signins_total',
    'Sign-ins, by result: success, or the code of the error.',
    'result',
  );
  return {
    contentType: registry.contentType,
    async render() {
      await readStore();
      return registry.metrics();
    },
    counter,
    countError,
    countSignIn,
  };
}

/** A counter with one label. */
function addLabelled(registry: Registry, name: string, help: string, label: string): (value: string) => void {
  const counter = new Counter({ name, help, labelNames: [label], registers: [registry] });
  return (value) => counter.inc({ [label]: value });
}

function addPropagation(registry: Registry, fence: FenceSource): void {
  const duration = new Histogram({
    name: 'curfew_end_duration_seconds',
    help: 'How long ends and other changes took to be known everywhere, by what they waited for last.',
    labelNames: ['by'] as const,
    buckets: propagationBuckets,
    registers: [registry],
  });
  fence.onPropagated((seconds, by) => duration.observe({ by }, seconds));
}

function addBuild(registry: Registry): void {
  const info = new Gauge({
    name: 'curfew_build_info',
    help: 'Always 1; its label is the running version.',
    labelNames: ['version'] as const,
    registers: [registry],
  });
  info.set({ version }, 1);
}

function addRequests(registry: Registry): Metrics['counter'] {
  const registers = [registry];
  const requests = new Counter({
    name: 'curfew_http_requests_total',
    help: 'Requests answered.',
    labelNames: ['route', 'method', 'status'] as const,
    registers,
  });
  const duration = new Histogram({
    name: 'curfew_http_request_duration_seconds',
    help: 'How long answers took.',
    labelNames: ['route', 'method'] as const,
    buckets,
    registers,
  });
  const counters = new Map<string, (seconds: number) => void>();
  return (route, method, status) => {
    // Looked up by its labels only once, because that costs more than counting.
    const key = `${method} ${status} ${route}`;
    const known = counters.get(key);
    if (known) return known;
    const [counted, timed] = [requests.labels({ route, method, status }), duration.labels({ route, method })];
    const count = (seconds: number) => {
      counted.inc();
      timed.observe(seconds);
    };
    counters.set(key, count);
    return count;
  };
}

/** Numbers for which the store is asked; one that it does not return in time is left out. */
function addStore(registry: Registry, gauges: Gauges): () => Promise<void> {
  const add = (name: string, help: string, read: () => Promise<number>) => {
    const gauge = new Gauge({ name, help, registers: [registry] });
    const ask = oneAtATime(read);
    return async () => {
      const value = await within(patience, ask()).catch(() => undefined);
      if (value === undefined) gauge.remove();
      else gauge.set(value);
      return value !== undefined;
    };
  };
  const asked = [
    add('curfew_sessions_active', 'Sessions that have not ended and are not suspended.', gauges.activeSessions),
    add('curfew_log_head', 'The newest entry of the change log.', gauges.logHead),
    add('curfew_store_bytes', 'Bytes that the store occupies.', gauges.storeBytes),
  ];
  const up = new Gauge({
    name: 'curfew_store_up',
    help: 'Whether the store returned its numbers for this page in time: 1 or 0.',
    registers: [registry],
  });
  return async () => {
    const told = await Promise.all(asked.map((ask) => ask()));
    up.set(Number(told.every(Boolean)));
  };
}

function addCalls(registry: Registry, calls: StoreGauges): void {
  const duration = new Histogram({
    name: 'curfew_store_call_duration_seconds',
    help: 'How long calls to the store took, including failed ones.',
    labelNames: ['call'] as const,
    buckets,
    registers: [registry],
  });
  const failures = new Counter({
    name: 'curfew_store_errors_total',
    help: 'Calls to the store that failed, by the code of the error.',
    labelNames: ['call', 'code'] as const,
    registers: [registry],
  });
  const timed = new Map<string, (seconds: number) => void>();
  calls.listen((call, seconds, code) => {
    let observe = timed.get(call);
    if (!observe) {
      const ofCall = duration.labels({ call });
      observe = (took) => ofCall.observe(took);
      timed.set(call, observe);
    }
    observe(seconds);
    if (code !== undefined) failures.inc({ call, code });
  });
  addGauge(
    registry,
    'curfew_store_oldest_call_seconds',
    'How long the oldest unanswered call to the store has waited.',
    () => calls.oldest / 1000,
  );
}

function addSweeps(registry: Registry, calls: StoreGauges): void {
  const { sweeps } = calls;
  addTotal(
    registry,
    'curfew_sweep_sessions_total',
    "Sessions that this server's sweep handled.",
    () => ({ expired: sweeps.expired, settled: sweeps.endsWritten, forgotten: sweeps.forgotten }),
    'outcome',
  );
  addTotal(
    registry,
    'curfew_ends_total',
    'Sessions that this server has ended, by reason; not those ended by a change of their account.',
    () => calls.ends,
    'reason',
  );
  addGauge(registry, 'curfew_sweep_backlog', 'Whether the last step of the sweep left more to do: 1 or 0.', () =>
    Number(sweeps.more),
  );
  addGauge(
    registry,
    'curfew_sweep_completed_timestamp_seconds',
    'When the sweep last had nothing left to do: everything older has been handled. 0: not yet.',
    () => sweeps.completedAt / 1000,
  );
}

function addClock(registry: Registry, offset: Gauges['clockOffset']): void {
  if (!offset) return;
  addGauge(
    registry,
    'curfew_clock_offset_seconds',
    "How far the server's clock is ahead of the store's; negative if it is behind.",
    () => {
      const milliseconds = offset();
      return milliseconds === undefined ? undefined : milliseconds / 1000;
    },
  );
}

function addFence(registry: Registry, fence: () => FenceGauges): void {
  const gauge = (name: string, help: string, read: (all: FenceGauges) => number) =>
    addGauge(registry, `curfew_fence_${name}`, help, () => read(fence()));
  gauge('leased', 'Whether this node holds a lease: 1 or 0.', ({ leased }) => Number(leased));
  gauge('verifiers', 'Verifiers that are attached to this node.', ({ verifiers }) => verifiers);
  gauge('nodes', 'Nodes that are alive, this one included.', ({ nodes }) => nodes);
  gauge(
    'lag',
    'Changes that this node has applied and that one of its verifiers has not.',
    (all) => all.tail - all.applied,
  );
  gauge('waiting', 'Changes that are waiting to be known everywhere.', ({ waiting }) => waiting);
  gauge('cached_sessions', "Sessions that the node's own verifier remembers.", ({ own }) => own.sessions);
  const total = (name: string, help: string, read: (all: FenceGauges) => number) =>
    addTotal(registry, `curfew_fence_${name}_total`, help, () => read(fence()));
  total('settled_acks', 'Changes that every holder acknowledged.', ({ settled }) => settled.acks);
  total('settled_timeout', 'Changes that waited until a lease ran out.', ({ settled }) => settled.timeout);
  total('expired', 'Leases of verifiers that ran out before an acknowledgement.', ({ expired }) => expired);
  total('dropped', 'Streams that did not keep up or broke the protocol.', ({ dropped }) => dropped);
  total('cache_hits', "Verifications that the node's own verifier answered from memory.", ({ own }) => own.hits);
  total('cache_misses', "Verifications for which the node's own verifier asked the store.", ({ own }) => own.misses);
  total(
    'lease_losses',
    "Times that this node's lease ran out before it was renewed.",
    ({ leaseLosses }) => leaseLosses,
  );
  addTotal(
    registry,
    'curfew_fence_restarts_total',
    'Times that this node started over under a new id, by reason.',
    () => fence().restarts,
    'reason',
  );
  addTotal(
    registry,
    'curfew_fence_waited_for_total',
    'Leases that ran out while a change waited for them, by the name of the holder.',
    () => fence().waitedFor,
    'holder',
  );
}

/** A gauge whose value is at hand; `undefined` leaves it out. */
function addGauge(registry: Registry, name: string, help: string, read: () => number | undefined): void {
  new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      const value = read();
      if (value === undefined) this.remove();
      else this.set(value);
    },
  });
}

type ByName = Readonly<Record<string, number>> | ReadonlyMap<string, number>;

/** A counter whose value is kept elsewhere: one number, or, with a label, numbers by name. */
function addTotal(registry: Registry, name: string, help: string, read: () => number): void;
function addTotal(registry: Registry, name: string, help: string, read: () => ByName, label: string): void;
function addTotal(registry: Registry, name: string, help: string, read: () => number | ByName, label?: string): void {
  new Counter({
    name,
    help,
    labelNames: label === undefined ? [] : [label],
    registers: [registry],
    collect() {
      this.reset();
      const counted = read();
      if (typeof counted === 'number') this.inc(counted);
      else {
        const byName = counted instanceof Map ? counted : Object.entries(counted);
        for (const [value, count] of byName) this.inc({ [label!]: value }, count);
      }
    },
  });
}
