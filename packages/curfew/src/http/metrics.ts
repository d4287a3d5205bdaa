import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** What the store and the authority can tell when they are asked. */
export type Gauges = {
  activeSessions(): Promise<number>;
  logHead(): Promise<number>;
  storeBytes(): Promise<number>;
};

/** What the fence tells of itself. */
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
  restarts: Readonly<Record<string, number>>;
  own: { sessions: number; hits: number; misses: number; asked: number };
};

export type Metrics = {
  readonly contentType: string;
  render(): Promise<string>;
  /** Counts requests of one kind, each with the seconds that it took. */
  counter(route: string, method: string, status: number): (seconds: number) => void;
};

/** Prometheus metrics of one server; a registry of its own, so that two servers in one process count apart. */
export function createMetrics(gauges: Gauges, fence: () => FenceGauges): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
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
    buckets: [0.001, 0.005, 0.025, 0.1, 0.5, 2.5],
    registers,
  });
  const counters = new Map<string, (seconds: number) => void>();
  const gauge = (name: string, help: string, read: () => Promise<number>) =>
    new Gauge({
      name,
      help,
      registers,
      async collect() {
        this.set(await read());
      },
    });
  gauge('curfew_sessions_active', 'Sessions that are neither ended nor suspended.', gauges.activeSessions);
  gauge('curfew_log_head', 'The newest entry of the change log.', gauges.logHead);
  gauge('curfew_store_bytes', 'Bytes that the store takes.', gauges.storeBytes);
  const ofFence = (name: string, help: string, read: (all: FenceGauges) => number) =>
    gauge(`curfew_fence_${name}`, help, async () => read(fence()));
  ofFence('leased', 'Whether this node holds a lease: 1 or 0.', ({ leased }) => Number(leased));
  ofFence('verifiers', 'Verifiers that are attached to this node.', ({ verifiers }) => verifiers);
  ofFence('nodes', 'Nodes that are alive, this one included.', ({ nodes }) => nodes);
  ofFence(
    'lag',
    'Changes that this node has applied and some verifier of it still lacks.',
    (all) => all.tail - all.applied,
  );
  ofFence('waiting', 'Changes that wait until they are known everywhere.', ({ waiting }) => waiting);
  ofFence('cached_sessions', "Sessions that the node's own verifier remembers.", ({ own }) => own.sessions);
  const total = (name: string, help: string, read: (all: FenceGauges) => number) =>
    new Counter({
      name: `curfew_fence_${name}_total`,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(read(fence()));
      },
    });
  total('settled_acks', 'Changes that everybody acknowledged.', ({ settled }) => settled.acks);
  total(
    'settled_timeout',
    'Changes for which the time ran out that some lease had left.',
    ({ settled }) => settled.timeout,
  );
  total('expired', 'Leases of verifiers that ran out before an ack.', ({ expired }) => expired);
  total('dropped', 'Streams that did not keep up or broke the protocol.', ({ dropped }) => dropped);
  total('restarts', 'Times that this node started over under a new id.', ({ restarts }) =>
    Object.values(restarts).reduce((sum, count) => sum + count, 0),
  );
  total('cache_hits', "Verifications that the node's own verifier answered from memory.", ({ own }) => own.hits);
  total('cache_misses', "Verifications that the node's own verifier asked the store for.", ({ own }) => own.misses);
  return {
    contentType: registry.contentType,
    render: () => registry.metrics(),
    counter(route, method, status) {
      // Found by its labels once: that costs more than the counting.
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
    },
  };
}
