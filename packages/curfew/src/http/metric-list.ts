/*
 * Every metric of the server, declared once: /metrics and docs/metrics.md derive from it. Names and units follow the
 * conventions of Prometheus: counters end with `_total`, and times are in seconds.
 */

type Declared = {
  type: 'counter' | 'gauge' | 'histogram';
  /** One or more sentences; the first is HELP on the page of metrics. */
  help: string;
  /** More for the documentation. */
  more?: string;
  labels?: readonly string[];
  /** Upper bounds of a histogram's buckets. */
  buckets?: readonly number[];
  /** When an operator should be told. */
  alert?: string;
};

const metric = <const Metric extends Declared>(declared: Metric): Metric => declared;

/** An end waits at most for a lease and its margin: two and a half seconds by default. */
const propagation = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const answers = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5];

export const metricList = {
  // ---- What the server does
  curfew_ends_total: metric({
    type: 'counter',
    help: 'Sessions that this server has ended, by reason; not those ended by a change of their account.',
    more: '`deadline` counts those that the sweep found expired or idle.',
    labels: ['reason'],
  }),
  curfew_end_duration_seconds: metric({
    type: 'histogram',
    help: 'How long ends and other changes took to be known everywhere, by what they waited for last.',
    more: '`acks`: every holder acknowledged. `timeout`: a lease ran out.',
    labels: ['by'],
    buckets: propagation,
    alert: 'p99 over 1 s for five minutes',
  }),
  curfew_verify_total: metric({
    type: 'counter',
    help: 'Verifications that this server answered, by result and by where the answer came from.',
    more:
      '`result`: `active`, `ended`, `suspended`, `unknown` or `malformed`. `source`: `memory`, or `store` if the store was ' +
      'asked. Both the API and `/v1/forward-auth` count; what applications verify from their own memory does not reach the server.',
    labels: ['result', 'source'],
    alert:
      '`unknown` or `malformed` well above what is usual: somebody guesses, or an application sends something else',
  }),
  curfew_signins_total: metric({
    type: 'counter',
    help: 'Sign-ins, by result: success, or the code of the error.',
    more: 'They count whichever API they come through.',
    labels: ['result'],
    alert: '`invalid_credentials` or `too_many_attempts` well above what is usual',
  }),
  curfew_errors_total: metric({
    type: 'counter',
    help: 'Answers that were errors, by code.',
    labels: ['code'],
    alert: 'any `internal`',
  }),
  curfew_http_requests_total: metric({
    type: 'counter',
    help: 'Requests answered.',
    labels: ['route', 'method', 'status'],
    alert: '5xx over 1 % for five minutes',
  }),
  curfew_http_request_duration_seconds: metric({
    type: 'histogram',
    help: 'How long answers took.',
    labels: ['route', 'method'],
    buckets: answers,
  }),
  curfew_build_info: metric({
    type: 'gauge',
    help: 'Always 1; its label is the running version.',
    labels: ['version'],
    alert: 'more than one version for longer than a rolling update',
  }),
  // ---- The store
  curfew_store_up: metric({
    type: 'gauge',
    help: 'Whether the store returned its numbers for this page in time: 1 or 0.',
    alert: '0 for a minute',
  }),
  curfew_store_call_duration_seconds: metric({
    type: 'histogram',
    help: 'How long calls to the store took, including failed ones.',
    labels: ['call'],
    buckets: answers,
    alert: 'p99 of `readSession` or `endSession` over 0.5 s for five minutes',
  }),
  curfew_store_errors_total: metric({
    type: 'counter',
    help: 'Calls to the store that failed, by the code of the error.',
    more: '`store_full` needs an operator at once; after `outcome_unknown` the caller tries again.',
    labels: ['call', 'code'],
    alert: 'any `store_full`; a rate over 1 a minute of the others',
  }),
  curfew_store_oldest_call_seconds: metric({
    type: 'gauge',
    help: 'How long the oldest unanswered call to the store has waited.',
    more: 'It reveals a store that hangs, which no duration does.',
    alert: 'over 5',
  }),
  curfew_sessions_active: metric({ type: 'gauge', help: 'Sessions that have not ended and are not suspended.' }),
  curfew_log_head: metric({ type: 'gauge', help: 'The newest entry of the change log.' }),
  curfew_store_bytes: metric({
    type: 'gauge',
    help: 'Bytes that the store occupies.',
    alert: 'depending on your disk',
  }),
  curfew_sweep_sessions_total: metric({
    type: 'counter',
    help: "Sessions that this server's sweep handled.",
    labels: ['outcome'],
  }),
  curfew_sweep_backlog: metric({
    type: 'gauge',
    help: 'Whether the last step of the sweep left more to do: 1 or 0.',
    alert: '1 for ten minutes',
  }),
  curfew_sweep_completed_timestamp_seconds: metric({
    type: 'gauge',
    help: 'When the sweep last had nothing left to do: everything older has been handled. 0: not yet.',
    alert:
      '`time() - …` over 300, or 300 seconds after the start still 0: ended sessions are not recorded, or not removed',
  }),
  curfew_clock_offset_seconds: metric({
    type: 'gauge',
    help: "How far the server's clock is ahead of the store's; negative if it is behind.",
    alert: 'more than 1 either way: repair the time service',
  }),
  // ---- The fence
  curfew_fence_leased: metric({
    type: 'gauge',
    help: 'Whether this node holds a lease: 1 or 0.',
    alert: '0 for ten seconds: it verifies nothing',
  }),
  curfew_fence_lease_losses_total: metric({
    type: 'counter',
    help: "Times that this node's lease ran out before it was renewed.",
    more: 'A loss is counted when the lease is regained.',
    alert: 'an increase over 3 in ten minutes: the store or the machine is too slow for the lease',
  }),
  curfew_fence_restarts_total: metric({
    type: 'counter',
    help: 'Times that this node started over under a new id, by reason.',
    labels: ['reason'],
    alert: 'any: something happened to the store',
  }),
  curfew_fence_nodes: metric({
    type: 'gauge',
    help: 'Nodes that are alive, this one included.',
    alert: 'fewer than you run',
  }),
  curfew_fence_verifiers: metric({ type: 'gauge', help: 'Verifiers that are attached to this node.' }),
  curfew_fence_verifier_lag_seconds: metric({
    type: 'gauge',
    help: 'How long the oldest change has waited for a verifier of this name to acknowledge it; 0 if none waits.',
    more: 'The name is the one given to `createVerifier({ name })`. At most a hundred names are shown.',
    labels: ['verifier'],
    alert: 'over 1 for a minute: that application freezes or is cut off',
  }),
  curfew_fence_lag: metric({
    type: 'gauge',
    help: 'Changes that this node has applied and that one of its verifiers has not.',
  }),
  curfew_fence_waiting: metric({
    type: 'gauge',
    help: 'Changes that are waiting to be known everywhere.',
    alert: 'over 100 for a minute',
  }),
  curfew_fence_settled_acks_total: metric({ type: 'counter', help: 'Changes that every holder acknowledged.' }),
  curfew_fence_settled_timeout_total: metric({
    type: 'counter',
    help: 'Changes that waited until a lease ran out.',
    alert: 'over 1 % of these and those that were acknowledged',
  }),
  curfew_fence_waited_for_total: metric({
    type: 'counter',
    help: 'Leases that ran out while a change waited for them, by the name of the holder.',
    labels: ['holder'],
    alert: 'a name whose count keeps rising: that application freezes or is cut off',
  }),
  curfew_fence_expired_total: metric({
    type: 'counter',
    help: 'Leases of verifiers that ran out before an acknowledgement.',
    alert: 'a rate over 1 a minute',
  }),
  curfew_fence_dropped_total: metric({
    type: 'counter',
    help: 'Streams that did not keep up or broke the protocol.',
    alert: 'a rate over 1 a minute',
  }),
  curfew_fence_cached_sessions: metric({ type: 'gauge', help: "Sessions that the node's own verifier remembers." }),
  curfew_fence_cache_hits_total: metric({
    type: 'counter',
    help: "Verifications that the node's own verifier answered from memory.",
    alert: 'under 80 % of these and the misses: raise `CURFEW_CACHE_SESSIONS`',
  }),
  curfew_fence_cache_misses_total: metric({
    type: 'counter',
    help: "Verifications for which the node's own verifier asked the store.",
  }),
} as const satisfies Readonly<Record<string, Declared>>;

export type MetricName = keyof typeof metricList;

/** The names of the metrics of one type. */
export type NameOf<Type extends Declared['type']> = {
  [Name in MetricName]: (typeof metricList)[Name]['type'] extends Type ? Name : never;
}[MetricName];

/** What prom-client needs to make a metric. */
export function declarationOf(name: MetricName): {
  name: string;
  help: string;
  labelNames: string[];
  buckets?: number[];
} {
  const { help, labels = [], buckets }: Declared = metricList[name];
  return { name, help, labelNames: [...labels], ...(buckets && { buckets: [...buckets] }) };
}
