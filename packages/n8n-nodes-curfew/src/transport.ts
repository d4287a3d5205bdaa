import { type RequestOptions, type Send, transportFault } from 'curfew-nodes';
import type { IHttpRequestOptions, IN8nHttpFullResponse } from 'n8n-workflow';

/** One of n8n's ways to send a request. */
export type HttpRequest = (options: IHttpRequestOptions) => Promise<unknown>;

/** Sends with what n8n sends with, so that its proxies, limits and allow-lists count here too. */
export function sendWith(request: HttpRequest, options: RequestOptions): Send {
  return async ({ method, url, headers, body }) => {
    try {
      return answerOf(
        (await request({
          method,
          url,
          headers: { ...headers },
          body,
          encoding: 'text',
          returnFullResponse: true,
          disableFollowRedirect: true,
          timeout: options.timeout,
          skipSslCertificateValidation: options.ignoreTls,
          ...(options.proxy !== undefined && { proxy: proxyOf(options.proxy) }),
          // 401 is for n8n, which signs in anew.
          ignoreHttpStatusErrors: { ignore: true, except: [401] },
        })) as IN8nHttpFullResponse,
      );
    } catch (error) {
      const refused = responseIn(error);
      if (refused) return refused;
      throw transportFault(error, url, options.timeout, options.proxy);
    }
  };
}

function answerOf({ statusCode, headers, body }: IN8nHttpFullResponse) {
  return { status: statusCode, headers: textsOf(headers), text: textOf(body) };
}

/** n8n throws a 401 in one of its own errors; the answer is within. */
function responseIn(error: unknown) {
  for (let at = error, depth = 0; typeof at === 'object' && at !== null && depth < 6; depth++) {
    const { response, cause } = at as {
      response?: { status?: unknown; headers?: object; data?: unknown };
      cause?: unknown;
    };
    if (typeof response?.status === 'number') {
      return { status: response.status, headers: textsOf(response.headers ?? {}), text: textOf(response.data) };
    }
    at = cause;
  }
  return undefined;
}

function textsOf(headers: object): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]));
}

function textOf(body: unknown): string {
  if (body === undefined || body === null) return '';
  return typeof body === 'string' ? body : JSON.stringify(body);
}

function proxyOf(text: string): NonNullable<IHttpRequestOptions['proxy']> {
  const { protocol, hostname, port, username, password } = new URL(text);
  return {
    protocol: protocol.replace(':', ''),
    host: hostname,
    port: Number(port || (protocol === 'https:' ? 443 : 80)),
    ...(username && { auth: { username: decodeURIComponent(username), password: decodeURIComponent(password) } }),
  };
}
