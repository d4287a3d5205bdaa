import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A proxy in front of a server that can cut, slow and hold connections. */
export type ProxyServer = {
  url: string;
  /** Where it leads; a restarted server has another port. */
  target: { port: number };
  cut(): void;
  /** Milliseconds by which traffic is delayed. */
  delay(milliseconds: number): void;
  close(): void;
};

export async function startProxy(): Promise<ProxyServer> {
  const target = { port: 0 };
  let late = 0;
  const open = new Set<Socket>();
  const pass = (from: Socket, to: Socket) => {
    // Late, but never out of order: one timer for everything that waits, because two may fire in either order.
    const waiting: { data: Buffer; due: number }[] = [];
    const passOn = () => {
      const at = performance.now();
      while (waiting.length > 0 && waiting[0]!.due <= at) {
        const { data } = waiting.shift()!;
        if (to.writable) to.write(data);
      }
      if (waiting.length > 0) setTimeout(passOn, waiting[0]!.due - at);
    };
    from.on('data', (data) => {
      if (late === 0 && waiting.length === 0) {
        to.write(data);
        return;
      }
      const due = Math.max(waiting.at(-1)?.due ?? 0, performance.now() + late);
      waiting.push({ data, due });
      if (waiting.length === 1) setTimeout(passOn, late);
    });
    from.on('close', () => to.destroy());
    from.on('error', () => {});
    open.add(from);
    from.on('close', () => open.delete(from));
  };
  const server = createServer((socket) => {
    const onward = connect(target.port, '127.0.0.1');
    pass(socket, onward);
    pass(onward, socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    target,
    cut() {
      for (const socket of [...open]) socket.destroy();
    },
    delay(milliseconds) {
      late = milliseconds;
    },
    close() {
      server.close();
      for (const socket of [...open]) socket.destroy();
    },
  };
}
