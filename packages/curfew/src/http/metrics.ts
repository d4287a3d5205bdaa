import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** What the store and the authority can tell when they are asked. */
export type Gauges = {
  activeSessions(): Promise<number>;
  logHead(): Promise<number>;
  storeBytes(): Promise<number>;
};

export type Metrics = {
  readonly contentType: string;
  render(): Promise<string>;
  /** Counts requests of one kind, each with the seconds that it took. */
  counter(route: string, method: string, status: number): (seconds: number) => void;
};

/** Prometheus metrics of one server; a registry of its own, so that two servers in one process count apart. */
export function createMetrics(gauges: Gauges): Metrics {
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
