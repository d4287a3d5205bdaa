import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * A port of this machine on which nothing is listening. Systems give higher ones to connections that ask for none, so a
 * server that is started later, or again, could find one of those taken.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const server = createServer().listen(randomInt(10_240, 32_768), '127.0.0.1');
    const { port } = await once(server, 'listening').then(
      () => server.address() as { port: number },
      () => ({ port: undefined }),
    );
    if (port === undefined) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}
