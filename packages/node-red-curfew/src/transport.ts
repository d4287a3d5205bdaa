import { type ClientRequest, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Answer, RequestOptions as NodeOptions, Request, Send } from 'curfew-nodes';
import { transportFault } from 'curfew-nodes';
import { getProxyForUrl } from 'proxy-from-env';
import { agentFor, type GivenUp, nameOf, type Route } from './agents.ts';
import { Slots } from './slots.ts';

/** Answers of services are small; anything larger than this is refused. */
const maxAnswer = 16 * 1024 * 1024;

/**
 * How many requests to one server are in progress at once: if hundreds of messages arrive together, the others wait for
 * their turn, and their time-out begins with it.
 */
const maxAtOnce = 16;

/** A node's options, and the signal that it has been removed or deployed again. */
export type SendOptions = NodeOptions & { readonly closed?: AbortSignal | undefined };

/**
 * Sends with Node.js's own HTTP and a node's options. Follows no redirects, because they would receive the secrets.
 * After the node has been closed nothing new begins, but requests that belong to one another are all sent.
 */
export function sendOver(options: SendOptions): Send {
  let begun = false;
  const begin = () => {
    if (!begun && options.closed?.aborted) throw canceled();
    begun = true;
  };
  return async (request) => {
    // A node without a proxy uses the proxy of the environment, as Node-RED's own nodes do.
    const environment = options.proxy === undefined ? httpProxyFor(request.url) : '';
    const proxy = environment === '' ? options.proxy : environment;
    try {
      return await exchange(request, { ...options, proxy }, begin);
    } catch (error) {
      const setting = environment === '' ? undefined : variables;
      throw transportFault(error, request.url, options.timeout, proxy, setting);
    }
  };
}

/** The proxy of the environment; one that does not speak HTTP, such as `socks5://`, is ignored. */
function httpProxyFor(url: string): string {
  const proxy = getProxyForUrl(url);
  return /^https?:/i.test(proxy) ? proxy : '';
}

const variables = 'the variables HTTP_PROXY, HTTPS_PROXY and NO_PROXY of the environment';

const slots = new Map<string, Slots>();

/** Waits for its turn, then begins. */
function exchange(request: Request, options: NodeOptions, begin: () => void): Promise<Answer> {
  const { protocol, origin } = new URL(request.url);
  const route: Route = { proxy: options.proxy, secure: protocol === 'https:', ignoreTls: options.ignoreTls };
  const name = `${nameOf(route)} ${origin}`;
  const server = slots.get(name) ?? new Slots(maxAtOnce);
  slots.set(name, server);
  return server.run(() => {
    begin();
    return exchangeNow(request, route, options.timeout);
  });
}

function exchangeNow({ method, url, headers, body }: Request, route: Route, timeout: number): Promise<Answer> {
  const giveUp = new AbortController();
  const sent: RequestOptions & { rejectUnauthorized?: boolean } & GivenUp = {
    method,
    headers: { ...headers, ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }) },
    rejectUnauthorized: !route.ignoreTls,
    agent: agentFor(route),
    givenUp: giveUp.signal,
  };
  return new Promise<Answer>((resolve, reject) => {
    const request: ClientRequest = (route.secure ? httpsRequest : httpRequest)(url, sent, (response) => {
      read(response).then(resolve, reject);
    });
    // From the connection to the last byte received, so that a server which sends very slowly is late as well.
    const clock = setTimeout(() => {
      // A request that has no socket yet emits no error when it is destroyed.
      reject(late());
      request.destroy(late());
      giveUp.abort();
    }, timeout);
    request.on('error', reject);
    request.on('close', () => clearTimeout(clock));
    request.end(body);
  });
}

function late(): Error {
  return Object.assign(new Error('no answer in time'), { code: 'ETIMEDOUT' });
}

/** The code by which `curfew-nodes` knows a canceled request. */
function canceled(): Error {
  return Object.assign(new Error('the node is closed'), { code: 'ERR_CANCELED' });
}

async function read(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxAnswer) throw Object.assign(new Error('the answer is too large'), { code: 'ERR_ANSWER_TOO_LARGE' });
    chunks.push(chunk);
  }
  const headers = Object.entries(response.headers).map(([name, value]) => [name, String(value)]);
  return {
    status: response.statusCode ?? 0,
    headers: Object.fromEntries(headers),
    text: Buffer.concat(chunks).toString('utf8'),
  };
}
