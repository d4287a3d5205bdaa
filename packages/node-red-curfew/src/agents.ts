import { type Agent, Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { HttpProxyAgent } from 'http-proxy-agent';
import { HttpsProxyAgent } from 'https-proxy-agent';

/** How to reach a server; requests with the same route share their connections. */
export type Route = { readonly proxy: string | undefined; readonly secure: boolean; readonly ignoreTls: boolean };

/** What an agent for a proxy reads from a request: the connection to the proxy ends when the signal is aborted. */
export type GivenUp = { readonly givenUp: AbortSignal };

/**
 * Connections are kept open in the same way as by Node.js's own agent. There is no `maxSockets`: the agents for proxies
 * never send what waits in their queue after a connection has failed, until another request succeeds.
 */
const connections = { keepAlive: true, scheduling: 'lifo', timeout: 5000 } as const;

const agents = new Map<string, Agent>();

export function agentFor(route: Route): Agent {
  const name = nameOf(route);
  const agent = agents.get(name) ?? makeAgent(route);
  agents.set(name, agent);
  return agent;
}

export function nameOf({ proxy, secure, ignoreTls }: Route): string {
  return `${secure} ${ignoreTls} ${proxy ?? ''}`;
}

function makeAgent({ proxy, secure, ignoreTls }: Route): Agent {
  if (proxy === undefined) return secure ? new HttpsAgent(connections) : new HttpAgent(connections);
  if (!secure) return new ForwardingAgent(proxy, connections);
  return new TunnelAgent(proxy, { ...connections, rejectUnauthorized: !ignoreTls });
}

/*
 * The agents of the packages wait for a proxy without a limit, and a request has no socket to destroy until then. The
 * signal destroys the connection to the proxy. They read `connectOpts` before they first wait, so the signal of one
 * request never gets into the connection of another.
 */

type Connect<Proxy extends HttpProxyAgent<string> | HttpsProxyAgent<string>> = Parameters<Proxy['connect']>;

class ForwardingAgent extends HttpProxyAgent<string> {
  override connect(
    ...[request, options]: Connect<HttpProxyAgent<string>>
  ): ReturnType<HttpProxyAgent<string>['connect']> {
    this.connectOpts = { ...this.connectOpts, signal: signalOf(options) };
    return super.connect(request, options);
  }
}

class TunnelAgent extends HttpsProxyAgent<string> {
  override connect(
    ...[request, options]: Connect<HttpsProxyAgent<string>>
  ): ReturnType<HttpsProxyAgent<string>['connect']> {
    this.connectOpts = { ...this.connectOpts, signal: signalOf(options) };
    return super.connect(request, options);
  }
}

function signalOf(options: object): AbortSignal {
  return (options as GivenUp).givenUp;
}
