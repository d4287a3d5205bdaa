import { NodeFault, type RequestOptions, type Send, transportFault } from 'curfew-nodes';
import type { IHttpRequestOptions, IN8nHttpFullResponse } from 'n8n-workflow';

/** One of n8n's ways to send a request. */
export type HttpRequest = (options: IHttpRequestOptions) => Promise<unknown>;

/** Sends with n8n's own HTTP helper, so that its proxies, limits and allow-lists apply here too. */
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
          ignoreHttpStatusErrors: true,
        })) as IN8nHttpFullResponse,
      );
    } catch (error) {
      throw faultOver(options, transportFault(error, url, options.timeout, options.proxy));
    }
  };
}

/** Through a proxy, n8n 1 always checks certificates, so the remedy is different there. */
function faultOver({ ignoreTls, proxy }: RequestOptions, fault: NodeFault): NodeFault {
  if (fault.code !== 'certificate_untrusted' || !ignoreTls || proxy === undefined) return fault;
  return new NodeFault(fault.code, fault.message, {
    origin: fault.origin,
    cause: fault.cause,
    remedy:
      'Through a proxy, this n8n always checks certificates: let this machine trust its issuer (NODE_EXTRA_CA_CERTS), or update to n8n 2.',
  });
}

function answerOf({ statusCode, headers, body }: IN8nHttpFullResponse) {
  return { status: statusCode, headers: textsOf(headers), text: textOf(body) };
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
