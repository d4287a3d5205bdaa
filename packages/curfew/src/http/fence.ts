import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { FenceGauges } from './metrics.ts';

/** Where verifiers attach: the node behind this server. */
export type VerifierHost = {
  attach(stream: {
    send(message: object): void;
    sendText(text: string): void;
    readonly queued: number;
    close(): void;
  }): { receive(text: string): void; closed(): void };
  /** Lets verifiers go, each empty. */
  release(): Promise<void>;
  statistics(): FenceGauges;
};

const path = '/v1/fence';
/** A renewal with a thousand sessions in it is the largest message. */
const largestMessage = 128 * 1024;
/** Streams at once; each costs memory. */
const mostStreams = 10_000;
/** Milliseconds until whoever connects has said who it is, and for the other side to close as well. */
const helloTime = 10_000;
const closeTime = 1000;

/** Takes WebSockets at `/v1/fence` and hands each to the node as an ordered stream. */
export function acceptVerifiers(server: Server, host: VerifierHost): { close(): Promise<void> } {
  let leaving = false;
  const sockets = new WebSocketServer({ noServer: true, maxPayload: largestMessage, perMessageDeflate: false });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    if (request.url?.split('?', 1)[0] !== path) refuse(socket, 404, 'Not Found');
    // Whoever is told to leave would come back at once, and have to be told again.
    else if (leaving || sockets.clients.size >= mostStreams) refuse(socket, 503, 'Service Unavailable');
    else sockets.handleUpgrade(request, socket, head, (accepted) => carry(accepted, host));
  });
  return {
    async close() {
      leaving = true;
      await host.release();
      for (const socket of sockets.clients) socket.terminate();
    },
  };
}

function carry(socket: WebSocket, host: VerifierHost): void {
  let heard = false;
  const handler = host.attach({
    send: (message) => socket.send(JSON.stringify(message), ignore),
    sendText: (text) => socket.send(text, ignore),
    get queued() {
      return socket.bufferedAmount;
    },
    close() {
      socket.close();
      // Whoever does not answer, or does not even read, is cut off.
      setTimeout(() => socket.terminate(), closeTime).unref();
    },
  });
  const impatience = setTimeout(() => {
    if (!heard) socket.terminate();
  }, helloTime).unref();
  socket.on('message', (data, isBinary) => {
    heard = true;
    // Text is what the protocol speaks; bytes are read as text that is none of it.
    handler.receive(isBinary ? '' : String(data));
  });
  socket.on('error', () => socket.terminate());
  socket.on('close', () => {
    clearTimeout(impatience);
    handler.closed();
  });
}

/** A stream that is gone says so by its close. */
function ignore(): void {}

function refuse(socket: Duplex, status: number, text: string): void {
  socket.end(`HTTP/1.1 ${status} ${text}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
