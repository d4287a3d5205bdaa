import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { networkOf } from '../domain/address-bytes.ts';
import type { FenceGauges } from './metrics.ts';

/** The node behind this server, to which verifiers attach. */
export type VerifierHost = {
  /** Milliseconds of the leases that it grants. */
  readonly lease: number;
  attach(stream: {
    send(message: object): void;
    sendText(text: string): void;
    readonly queued: number;
    readonly network: string;
    close(): void;
  }): { receive(text: string): void; closed(): void };
  /** Releases the verifiers, each after it has emptied its memory. */
  release(): Promise<void>;
  statistics(): FenceGauges;
  onPropagated(heard: (seconds: number, by: 'acks' | 'timeout') => void): void;
};

/** Bytes. The largest message is a renewal that reports a thousand sessions. */
const largestMessage = 128 * 1024;
/** Open streams that have identified themselves; each costs memory. */
const mostStreams = 10_000;
/** Open streams that have sent nothing yet, per address and in all. A genuine verifier says hello at once. */
const mostSilent = { ofAddress: 100, inAll: 1000 };
/**
 * Bytes that all streams together may have waiting. Verifiers that read have next to nothing waiting, so only of those
 * that do not, the worst are cut off.
 */
const mostWaiting = 256 * 1024 * 1024;
/** Bytes that a waiting message costs besides its text: its buffers, and its places in queues. */
const messageCost = 512;
/** Milliseconds for a verifier to identify itself, and for the other side to close as well. */
const helloTime = 10_000;
const closeTime = 1000;
/**
 * A verifier renews its lease four times in each. One that sends nothing for ten leases, and for half a minute at least, is
 * probably on a machine that has lost its power or its network, and its place is free again.
 */
const mostQuiet = 10;
const shortestRound = 3000;

/** Accepts WebSockets, which a server upgrades only at `/v1/fence`, and passes each to the node as an ordered stream. */
export function acceptVerifiers(
  server: Server,
  host: VerifierHost,
  addressOf: (request: IncomingMessage) => string,
  isStarting: () => boolean,
): { close(): Promise<void> } {
  let leaving = false;
  const silent = new SilentStreams(mostSilent);
  const backlog = new Backlog(mostWaiting);
  const quiet = new QuietStreams(mostQuiet);
  const rounds = setInterval(() => quiet.endRound(), Math.max(host.lease, shortestRound)).unref();
  const sockets = new WebSocketServer({ noServer: true, maxPayload: largestMessage, perMessageDeflate: false });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    // A verifier that is told to leave reconnects at once and would have to be told again. Before the first start is done,
    // it would be told that its key is wrong.
    if (leaving || isStarting() || sockets.clients.size - silent.size >= mostStreams)
      refuse(socket, 503, 'Service Unavailable');
    else {
      const network = networkOf(addressOf(request));
      sockets.handleUpgrade(request, socket, head, (accepted) =>
        carry(accepted, { host, backlog, quiet, network, spoken: silent.add(network, accepted) }),
      );
    }
  });
  return {
    async close() {
      leaving = true;
      clearInterval(rounds);
      await host.release();
      for (const socket of sockets.clients) socket.terminate();
    },
  };
}

/**
 * Streams on which nothing has been received yet. If there is one too many, from the address or in all, the oldest of
 * these is closed: so a client that opens streams and sends nothing cannot keep others out.
 */
export class SilentStreams {
  readonly #most: { ofAddress: number; inAll: number };
  /** In the order of arrival. */
  readonly #all: Map<Stream, string> = new Map();
  readonly #byAddress: Map<string, Set<Stream>> = new Map();

  constructor(most: { ofAddress: number; inAll: number }) {
    this.#most = most;
  }

  get size(): number {
    return this.#all.size;
  }

  /** Adds a stream; call the returned function when it has sent something or has closed. */
  add(address: string, stream: Stream): () => void {
    const others = this.#byAddress.get(address) ?? new Set();
    if (others.size >= this.#most.ofAddress) this.#cut(others);
    else if (this.#all.size >= this.#most.inAll) this.#cut(this.#all.keys());
    this.#all.set(stream, address);
    this.#byAddress.set(address, others.add(stream));
    return () => this.#remove(stream);
  }

  #cut([oldest]: Iterable<Stream>): void {
    this.#remove(oldest!);
    oldest!.terminate();
  }

  #remove(stream: Stream): void {
    const address = this.#all.get(stream);
    if (address === undefined) return;
    this.#all.delete(stream);
    const others = this.#byAddress.get(address)!;
    others.delete(stream);
    if (others.size === 0) this.#byAddress.delete(address);
  }
}

/**
 * Streams on which something has been received, and for how many rounds nothing more has been. A stream that is quiet for
 * too many is closed. They are not measured by a clock: after this process was stopped for a while, it would seem that
 * every verifier had been quiet.
 */
export class QuietStreams {
  readonly #most: number;
  readonly #rounds: Map<Stream, number> = new Map();

  constructor(most: number) {
    this.#most = most;
  }

  heard(stream: Stream): void {
    this.#rounds.set(stream, 0);
  }

  remove(stream: Stream): void {
    this.#rounds.delete(stream);
  }

  endRound(): void {
    for (const [stream, rounds] of this.#rounds) {
      if (rounds < this.#most) this.#rounds.set(stream, rounds + 1);
      else {
        this.remove(stream);
        stream.terminate();
      }
    }
  }
}

/**
 * The bytes that wait on each stream until the network takes them. If there are too many on all streams together, the
 * stream with the most is closed, as often as necessary.
 */
export class Backlog {
  readonly #most: number;
  readonly #waiting: Map<Stream, number> = new Map();
  #sum = 0;

  constructor(most: number) {
    this.#most = most;
  }

  of(stream: Stream): number {
    return this.#waiting.get(stream) ?? 0;
  }

  /** Counts bytes that wait. Call the returned function when they do not any more. */
  add(stream: Stream, bytes: number): () => void {
    this.#count(stream, bytes);
    while (this.#sum > this.#most) {
      const [worst] = [...this.#waiting].reduce((one, other) => (other[1] > one[1] ? other : one));
      this.remove(worst);
      worst.terminate();
    }
    // Of a stream that was removed, nothing is counted any more.
    return () => {
      if (this.#waiting.has(stream)) this.#count(stream, -bytes);
    };
  }

  remove(stream: Stream): void {
    this.#sum -= this.of(stream);
    this.#waiting.delete(stream);
  }

  #count(stream: Stream, by: number): void {
    this.#sum += by;
    this.#waiting.set(stream, this.of(stream) + by);
  }
}

type Stream = { terminate(): void };

type Carried = { host: VerifierHost; backlog: Backlog; quiet: QuietStreams; network: string; spoken: () => void };

function carry(socket: WebSocket, { host, backlog, quiet, network, spoken }: Carried): void {
  const sendText = (text: string) => {
    // Nothing that is sent on a closing stream waits.
    if (socket.readyState !== socket.OPEN) return;
    const bytes = Buffer.from(text);
    // An error in sending is ignored: the close of a broken stream is what counts.
    socket.send(bytes, { binary: false }, backlog.add(socket, bytes.length + messageCost));
  };
  const handler = host.attach({
    network,
    send: (message) => sendText(JSON.stringify(message)),
    sendText,
    get queued() {
      return backlog.of(socket);
    },
    close() {
      socket.close();
      // A peer that does not answer, or does not even read, is cut off.
      setTimeout(() => socket.terminate(), closeTime).unref();
    },
  });
  const impatience = setTimeout(() => socket.terminate(), helloTime).unref();
  const notSilent = () => {
    clearTimeout(impatience);
    spoken();
  };
  socket.once('message', notSilent);
  socket.once('close', notSilent);
  socket.on('message', (data, isBinary) => {
    quiet.heard(socket);
    // The protocol is text; in place of a binary message, the node gets a text that is invalid in it.
    handler.receive(isBinary ? '' : String(data));
  });
  socket.on('error', () => socket.terminate());
  socket.on('close', () => {
    backlog.remove(socket);
    quiet.remove(socket);
    handler.closed();
  });
}

function refuse(socket: Duplex, status: number, text: string): void {
  // Otherwise a client that does not close its side would keep the connection open.
  socket.once('finish', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status} ${text}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
