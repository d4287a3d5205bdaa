import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  request,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Closes what a test opened. */
export type Closer = { after(done: () => void): void };

/** A request as seen on the wire. */
export type Seen = { at: number; method: string; path: string; host: string };

async function listening(t: Closer, server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** A server whose answers the test determines, which records its requests. */
export async function answering(t: Closer, listener: RequestListener): Promise<{ url: string; seen: Seen[] }> {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    seen.push(seenOf(request));
    listener(request, response);
  });
  return { url: `http://127.0.0.1:${await listening(t, server)}`, seen };
}

/** A server that accepts every request and never answers. */
export const silent = (t: Closer) => answering(t, () => {});

/** A server that accepts every connection and never sends a byte, not even the answer to CONNECT. */
export async function mute(t: Closer): Promise<{ url: string }> {
  const server = createTcpServer((socket) => socket.resume());
  return { url: `http://127.0.0.1:${await listening(t, server as unknown as Server)}` };
}

/** A server that passes everything on to another, and records its requests. */
export const counting = (t: Closer, to: string) => answering(t, handOn(to));

/** The same over TLS, with a self-signed certificate. */
export async function selfSigned(t: Closer, to: string): Promise<{ url: string }> {
  const server = createTlsServer(certificate(), handOn(to));
  return { url: `https://127.0.0.1:${await listening(t, server as unknown as Server)}` };
}

/**
 * An HTTP proxy: forwards requests that name their whole target, and opens tunnels. Requires a password if given one.
 */
export async function proxy(t: Closer, password?: string): Promise<{ url: string; seen: Seen[] }> {
  const seen: Seen[] = [];
  const wanted = password && `Basic ${Buffer.from(`flow:${password}`).toString('base64')}`;
  const isRefused = (request: IncomingMessage) => wanted && request.headers['proxy-authorization'] !== wanted;
  const server = createServer((request, response) => {
    if (isRefused(request)) return response.writeHead(407).end();
    seen.push(seenOf(request));
    const { origin } = new URL(request.url ?? '');
    return handOn(origin)(request, response);
  });
  server.on('connect', (request: IncomingMessage, socket: Socket) => {
    if (isRefused(request)) return socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
    seen.push(seenOf(request));
    const [host, port] = (request.url ?? '').split(':');
    const upstream = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      upstream.pipe(socket).pipe(upstream);
    });
    upstream.on('error', () => socket.destroy());
    return socket.on('error', () => upstream.destroy());
  });
  const user = password === undefined ? '' : `flow:${password}@`;
  return { url: `http://${user}127.0.0.1:${await listening(t, server)}`, seen };
}

function seenOf({ method = '', url = '', headers }: IncomingMessage): Seen {
  return { at: performance.now(), method, path: url, host: headers.host ?? '' };
}

function handOn(to: string): (request: IncomingMessage, response: ServerResponse) => void {
  return (incoming, outgoing) => {
    const path = URL.canParse(incoming.url ?? '') ? new URL(incoming.url ?? '').pathname : incoming.url;
    const { hostname, port } = new URL(to);
    const { method, headers } = incoming;
    const onward = request({ hostname, port, path, method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  };
}

let kept: { key: string; cert: string } | undefined;

function certificate(): { key: string; cert: string } {
  if (kept) return kept;
  const folder = mkdtempSync(join(tmpdir(), 'curfew-tls-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const args = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=127.0.0.1'];
  execFileSync('openssl', [...args, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  kept = { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  rmSync(folder, { recursive: true, force: true });
  return kept;
}

/** After how many requests there was a pause of at least that many milliseconds. */
export function pauses(seen: readonly Seen[], atLeast: number): number[] {
  return seen.flatMap(({ at }, i) => (i > 0 && at - (seen[i - 1]?.at ?? 0) >= atLeast ? [i] : []));
}
