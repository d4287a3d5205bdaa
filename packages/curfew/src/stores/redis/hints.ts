import { inTime, type Listen } from '../watchers.ts';
import type { Location } from './location.ts';
import { reach } from './reach.ts';

/** Milliseconds that Redis waits for the next entry before it answers that there is none; and that anything may take. */
const longest = 2000;
const most = 2 * longest;

/** Listens for entries of the log: Redis answers a reading that waits as soon as there is one. */
export function listenOn(location: Location): Listen {
  // Waits for whatever is appended to the log after the question.
  const nextEntry = ['XREAD', 'COUNT', '1', 'BLOCK', String(longest), 'STREAMS', `${location.prefix}log`, '$'];
  return async (hint, until) => {
    const { client } = await reach(location, most, until);
    try {
      for (let grown = false; ; ) {
        const answer = inTime(client.sendCommand(nextEntry), most, until);
        // Only now, so that little comes between what is read meanwhile and what is waited for.
        if (grown) hint();
        grown = (await answer) !== null;
      }
    } finally {
      client.destroy();
    }
  };
}
