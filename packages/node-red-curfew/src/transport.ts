import {
  type Agent,
  type ClientRequest,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
  type RequestOptions,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Answer, RequestOptions as NodeOptions, Request, Send } from 'curfew-nodes';
import { transportFault } from 'curfew-nodes';
import { HttpProxyAgent } from 'http-proxy-agent';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { getProxyForUrl } from 'proxy-from-env';

/** Answers of services are small; anything larger than this is refused. */
const maxAnswer = 16 * 1024 * 1024;

/**
 * Limits the connections to one server: if hundreds of messages arrive at once, the others wait for their turn, and
 * their time-out begins with it. Connections are kept open in the same way as by Node.js's own agent.
 */
const connections = { maxSockets: 16, keepAlive: true, scheduling: 'lifo', timeout: 5000 } as const;

/** Sends with Node.js's own HTTP and a node's options. Follows no redirects, because they would receive the secrets. */
export function sendOver(options: NodeOptions): Send {
  return async (request) => {
    // A node without a proxy uses the proxy of the environment, as Node-RED's own nodes do.
    const environment = options.proxy === undefined ? httpProxyFor(request.url) : '';
    const proxy = environment === '' ? options.proxy : environment;
    try {
      return await exchange(request, { ...options, proxy });
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

function exchange({ method, url, headers, body }: Request, options: NodeOptions): Promise<Answer> {
  const secure = url.startsWith('https:');
  const sent: RequestOptions & { rejectUnauthorized?: boolean } = {
    method,
    headers: { ...headers, ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }) },
    rejectUnauthorized: !options.ignoreTls,
    agent: agentFor(options.proxy, secure, options.ignoreTls),
  };
  return new Promise((resolve, reject) => {
    const request: ClientRequest = (secure ? httpsRequest : httpRequest)(url, sent, (response) => {
      read(response).then(resolve, reject);
    });
    // From the connection to the last byte received, so that a server which sends very slowly is late as well.
    let clock: NodeJS.Timeout | undefined;
    request.once('socket', () => {
      clock = setTimeout(() => request.destroy(late()), options.timeout);
    });
    request.on('error', reject);
    request.on('close', () => clearTimeout(clock));
    request.end(body);
  });
}

const agents = new Map<string, Agent>();

function agentFor(proxy: string | undefined, secure: boolean, ignoreTls: boolean): Agent {
  const name = `${secure} ${ignoreTls} ${proxy ?? ''}`;
  const agent = agents.get(name) ?? makeAgent(proxy, secure, ignoreTls);
  agents.set(name, agent);
  return agent;
}

function makeAgent(proxy: string | undefined, secure: boolean, ignoreTls: boolean): Agent {
  if (proxy === undefined) return secure ? new HttpsAgent(connections) : new HttpAgent(connections);
  if (!secure) return new HttpProxyAgent(proxy, connections);
  return new HttpsProxyAgent(proxy, { ...connections, rejectUnauthorized: !ignoreTls });
}

function late(): Error {
  return Object.assign(new Error('no answer in time'), { code: 'ETIMEDOUT' });
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
