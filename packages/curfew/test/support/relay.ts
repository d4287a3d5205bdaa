import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

type Trap = 'request' | 'reply' | 'garbled reply' | undefined;

/** A connection between a client and a server that can be slow, silent, cut, or cut at a chosen moment. */
export class Relay {
  readonly port: number;
  /** Milliseconds by which data to the server is delayed. */
  delay = 0;
  /** What the server says, as the client gets it. */
  rewrite: (text: Buffer) => Buffer = (text) => text;
  readonly #server: Server;
  #target: number;
  readonly #pairs: Set<[Socket, Socket]> = new Set();
  readonly #stranded: WeakSet<[Socket, Socket]> = new WeakSet();
  #trap: Trap;
  /** What the trap waits for, if not for any request. */
  #matches: ((request: Buffer) => boolean) | undefined;
  #onGarbled: () => void = () => {};
  #last: Buffer | undefined;
  #silent = false;

  private constructor(server: Server, target: number) {
    this.#server = server;
    this.#target = target;
    this.port = (server.address() as { port: number }).port;
    server.on('connection', (client) => this.#join(client));
  }

  static async to(target: number): Promise<Relay> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Relay(server, target);
  }

  /** The port of the server. */
  get target(): number {
    return this.#target;
  }

  /** New connections go to another server from now on. */
  lead(target: number): void {
    this.#target = target;
  }

  /** Breaks the connection once: at the next request (for which `matches`), or at its reply. */
  breakAt(moment: 'request' | 'reply', matches?: (request: Buffer) => boolean): void {
    this.#trap = moment;
    this.#matches = matches;
  }

  /** Puts a byte in front of the next reply; resolves when it has been sent. */
  garbleReply(): Promise<void> {
    this.#trap = 'garbled reply';
    return new Promise((resolve) => {
      this.#onGarbled = resolve;
    });
  }

  /** Accepts everything and passes nothing on, like a network that swallows packets; or ends that. */
  set silent(silent: boolean) {
    this.#silent = silent;
    if (!silent) this.cut();
  }

  /** Existing connections swallow everything from now on, as if the other side were gone; new ones do not. */
  strand(): void {
    for (const pair of this.#pairs) this.#stranded.add(pair);
  }

  /** New connections pass these bytes of the server on, and swallow everything after them. */
  strandAfter(last: Buffer | undefined): void {
    this.#last = last;
  }

  /** Breaks every existing connection. */
  cut(): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(client: Socket): void {
    const server = connect(this.#target, '127.0.0.1');
    const pair: [Socket, Socket] = [client, server];
    this.#pairs.add(pair);
    const end = () => {
      this.#pairs.delete(pair);
      for (const socket of pair) socket.destroy();
    };
    for (const socket of pair) socket.setNoDelay(true).on('error', end).on('close', end);
    client.on('data', (chunk) => {
      if (this.#silent || this.#stranded.has(pair)) return;
      if (this.#matches?.(chunk)) this.#matches = undefined;
      if (this.#trap === 'request' && !this.#matches) {
        this.#trap = undefined;
        end();
        return;
      }
      if (this.delay === 0) server.write(chunk);
      else setTimeout(() => server.write(chunk), this.delay);
    });
    server.on('data', (chunk) => {
      if (this.#silent || this.#stranded.has(pair)) return;
      if (this.#trap === 'reply' && !this.#matches) {
        this.#trap = undefined;
        end();
        return;
      }
      const garbled = this.#trap === 'garbled reply';
      if (garbled) this.#trap = undefined;
      client.write(garbled ? Buffer.concat([Buffer.from('?'), chunk]) : this.rewrite(chunk));
      if (garbled) this.#onGarbled();
      if (this.#last && chunk.includes(this.#last)) this.#stranded.add(pair);
    });
  }
}
