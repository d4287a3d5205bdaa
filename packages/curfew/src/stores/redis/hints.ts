import type { Listen } from '../watchers.ts';
import { shared } from './keys.ts';
import { newClient } from './link.ts';

/** Milliseconds that Redis waits for the next entry before it answers that there is none. */
const longest = '5000';

/** Waits for whatever is appended to the log after the question. */
const nextEntry = ['XREAD', 'COUNT', '1', 'BLOCK', longest, 'STREAMS', `${shared}log`, '$'];

/** Listens for entries of the log: Redis answers a reading that waits as soon as there is one. */
export function listenOn(url: string): Listen {
  return async (hint, until) => {
    const client = newClient(url, () => false);
    const stop = () => client.destroy();
    until.addEventListener('abort', stop, { once: true });
    try {
      await client.connect();
      for (let grown = false; !until.aborted; ) {
        const answer = client.sendCommand(nextEntry);
        // Only now, when whatever comes after what is read meanwhile is waited for already.
        if (grown) hint();
        grown = (await answer) !== null;
      }
    } finally {
      until.removeEventListener('abort', stop);
      if (client.isOpen) client.destroy();
    }
  };
}
