import { NodeFault } from './fault.ts';
import { flagOf, integerOf, type Parameter, textOf, type Values } from './parameter.ts';

/** Options of every node that sends a request. Each works the same in every engine. */
export const requestOptions: readonly Parameter[] = [
  {
    name: 'batchSize',
    label: 'Items per Batch',
    help: 'How many requests are sent before a pause. Without one, there is no pause.',
    kind: 'integer',
    min: 1,
    max: 10_000,
    extra: true,
    placeholder: '50',
  },
  {
    name: 'batchInterval',
    label: 'Batch Interval (Ms)',
    help: 'How many milliseconds the pause after each batch lasts',
    kind: 'integer',
    min: 0,
    max: 3_600_000,
    fallback: 1000,
    extra: true,
  },
  {
    name: 'allowUnauthorizedCerts',
    label: 'Ignore SSL Issues (Insecure)',
    help: 'Whether to connect even if SSL certificate validation is not possible',
    kind: 'flag',
    fallback: false,
    extra: true,
  },
  {
    name: 'proxy',
    label: 'Proxy',
    help: 'The HTTP proxy to send the requests through, with user and password if it requires them',
    kind: 'text',
    placeholder: 'http://user:password@127.0.0.1:3128',
    extra: true,
    check: (text) =>
      URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)
        ? undefined
        : 'must be a URL that begins with http:// or https://.',
  },
  {
    name: 'timeout',
    label: 'Timeout (Ms)',
    help: 'How many milliseconds an answer may take',
    kind: 'integer',
    min: 1,
    max: 3_600_000,
    fallback: 10_000,
    extra: true,
  },
];

/** The sign-in to a proxy, for an engine that keeps secrets separate from its flows. */
export const proxySignIn: readonly Parameter[] = [
  {
    name: 'proxyUser',
    label: 'Proxy User',
    help: 'The user name for the proxy, if it requires one',
    kind: 'text',
    extra: true,
  },
  {
    name: 'proxyPassword',
    label: 'Proxy Password',
    help: 'The password of that user. It is kept with the credentials, not in the flow.',
    kind: 'secret',
    extra: true,
  },
];

/** The label of an option, for use in a message. */
export function optionLabel(name: string): string {
  const found = requestOptions.find((option) => option.name === name);
  if (!found) throw new TypeError(`no option is named ${name}`);
  return `“${found.label}”`;
}

export type RequestOptions = {
  readonly batchSize: number | undefined;
  /** Milliseconds. */
  readonly batchInterval: number;
  readonly ignoreTls: boolean;
  readonly proxy: string | undefined;
  /** Milliseconds. */
  readonly timeout: number;
};

export function requestOptionsOf(values: Values): RequestOptions {
  return {
    batchSize: integerOf(values, 'batchSize'),
    batchInterval: integerOf(values, 'batchInterval') ?? 1000,
    ignoreTls: flagOf(values, 'allowUnauthorizedCerts'),
    proxy: textOf(values, 'proxy'),
    timeout: integerOf(values, 'timeout') ?? 10_000,
  };
}

/** The URL of a service, without a trailing slash. @throws `invalid_url` */
export function baseUrl(text: string): string {
  const url = text.trim().replace(/\/+$/, '');
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return url;
  throw new NodeFault('invalid_url', `${JSON.stringify(text)} is not a URL.`, {
    remedy: 'Correct the URL of the credential: it must begin with http:// or https://.',
  });
}

/**
 * Waits before each request that opens a new batch: `turn()` resolves when the next request may be sent. Concurrent
 * requests count in the same way. A pause is measured from the previous request, so a request that comes after the
 * interval opens a new batch at once.
 */
export function batches(
  { batchSize, batchInterval }: RequestOptions,
  sleep: (ms: number) => Promise<void>,
  now: () => number = () => performance.now(),
): { turn(): Promise<void> } {
  let sent = 0;
  let last = Number.NEGATIVE_INFINITY;
  let turns: Promise<void> = Promise.resolve();
  const next = async () => {
    const rest = last + batchInterval - now();
    if (sent === batchSize && rest > 0) await sleep(rest);
    if (sent === batchSize || rest <= 0) sent = 0;
    sent += 1;
    last = now();
  };
  return {
    turn() {
      if (batchSize === undefined) return Promise.resolve();
      turns = turns.then(next);
      return turns;
    },
  };
}
