import { type ClientRequest, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Answer, RequestOptions as NodeOptions, Request, Send } from 'curfew-nodes';
import { transportFault } from 'curfew-nodes';
import { HttpProxyAgent } from 'http-proxy-agent';
import { HttpsProxyAgent } from 'https-proxy-agent';

/** An answer of a service is small; more than this is none. */
const maxAnswer = 16 * 1024 * 1024;

/** Sends over Node.js' own HTTP, under the options of a node. Redirects are not followed: they would take secrets along. */
export function sendOver(options: NodeOptions): Send {
  return async (request) => {
    try {
      return await exchange(request, options);
    } catch (error) {
      throw transportFault(error, request.url, options.timeout, options.proxy);
    }
  };
}

function exchange({ method, url, headers, body }: Request, options: NodeOptions): Promise<Answer> {
  const secure = url.startsWith('https:');
  const sent: RequestOptions & { rejectUnauthorized?: boolean } = {
    method,
    headers: { ...headers, ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }) },
    rejectUnauthorized: !options.ignoreTls,
    ...(options.proxy !== undefined && { agent: agentOf(options.proxy, secure, options.ignoreTls) }),
  };
  return new Promise((resolve, reject) => {
    const request: ClientRequest = (secure ? httpsRequest : httpRequest)(url, sent, (response) => {
      read(response).then(resolve, reject);
    });
    // From the first byte sent to the last received: a server that only trickles is late as well.
    const clock = setTimeout(() => request.destroy(late()), options.timeout);
    request.on('error', reject);
    request.on('close', () => clearTimeout(clock));
    request.end(body);
  });
}

function agentOf(proxy: string, secure: boolean, ignoreTls: boolean): NonNullable<RequestOptions['agent']> {
  if (!secure) return new HttpProxyAgent(proxy);
  return new HttpsProxyAgent(proxy, { rejectUnauthorized: !ignoreTls });
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
