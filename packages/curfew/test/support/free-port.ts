import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';

// Systems give higher ones to connections that ask for none: a server that is started later, or again, could find one
// of those taken.
const [lowest, highest] = [10_240, 32_767];

/**
 * A port of this machine on which nothing is listening, and which is not given again, by any process, while this one
 * runs: a server may be started on it later, or again.
 */
export async function freePort(first: number = lowest, last: number = highest): Promise<number> {
  for (;;) {
    const port = randomInt(first, last + 1);
    if ((await reserved(port)) && (await isFree(port))) return port;
  }
}

/** Of the tests' processes, one at a time can have a number: the system takes it back when the process ends. */
async function reserved(port: number): Promise<boolean> {
  const mark = createSocket('udp4').unref();
  mark.bind({ port, address: '127.0.0.1', exclusive: true });
  if (await happens(once(mark, 'listening'))) return true;
  mark.close();
  return false;
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  if (!(await happens(once(server, 'listening')))) return false;
  server.close();
  await once(server, 'close');
  return true;
}

function happens(event: Promise<unknown>): Promise<boolean> {
  return event.then(
    () => true,
    () => false,
  );
}
