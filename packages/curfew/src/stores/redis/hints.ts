import { inTime, type Listen } from '../watchers.ts';
import { shared } from './keys.ts';
import { newClient } from './link.ts';

/** Milliseconds that Redis waits for the next entry before it answers that there is none; and that this may take it. */
const longest = 2000;
const most = 2 * longest;

/** Waits for whatever is appended to the log after the question. */
const nextEntry = ['XREAD', 'COUNT', '1', 'BLOCK', String(longest), 'STREAMS', `${shared}log`, '$'];

/** Listens for entries of the log: Redis answers a reading that waits as soon as there is one. */
export function listenOn(url: string): Listen {
  return async (hint, until) => {
    const client = newClient(url, () => false);
    const stop = () => {
      if (client.isOpen) client.destroy();
    };
    until.addEventListener('abort', stop, { once: true });
    try {
      await client.connect();
      for (let grown = false; !until.aborted; ) {
        const answer = inTime(client.sendCommand(nextEntry), most);
        // Only now, when whatever comes after what is read meanwhile is waited for already.
        if (grown) hint();
        grown = (await answer) !== null;
      }
    } finally {
      until.removeEventListener('abort', stop);
      stop();
    }
  };
}
