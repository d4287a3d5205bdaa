import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

/**
 * A proxy in front of several servers: if one refuses a request or cannot answer it, the next one is tried, each once.
 */
export async function startRetrying(
  ports: readonly number[],
): Promise<{ url: string; retried(): number; close(): void }> {
  const agent = new Agent({ keepAlive: true });
  let turn = 0;
  let retried = 0;
  const server = createServer(async (incoming, outgoing) => {
    const body = await buffer(incoming);
    const first = turn++;
    for (let i = 0; i < ports.length; i++) {
      const answer = await ask(agent, ports[(first + i) % ports.length]!, incoming, body).catch(() => undefined);
      if (answer && (answer.status !== 503 || i === ports.length - 1)) {
        outgoing.writeHead(answer.status, { 'content-type': answer.type }).end(answer.body);
        return;
      }
      retried += 1;
    }
    outgoing.writeHead(502).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    retried: () => retried,
    close() {
      server.close();
      server.closeAllConnections();
      agent.destroy();
    },
  };
}

async function ask(agent: Agent, port: number, { method, url, headers }: IncomingMessage, body: Buffer) {
  const asked = request({ agent, host: '127.0.0.1', port, method, path: url, headers: { ...headers, host: 'bench' } });
  // After an answer has begun, its reader handles errors.
  asked.on('error', () => {}).end(body);
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  const { statusCode: status = 502, headers: told } = answer;
  return { status, type: told['content-type'] ?? 'application/json', body: await buffer(answer) };
}
