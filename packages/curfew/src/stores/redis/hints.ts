import { inTime, type Listen } from '../watchers.ts';
import type { Location } from './location.ts';
import { reach } from './reach.ts';

/** Milliseconds that Redis waits for the next entry before it answers with none, and that any call may take. */
const longest = 2000;
const most = 2 * longest;

/** Listens for entries of the log: Redis answers a blocking read as soon as there is one. */
export function listenOn(location: Location): Listen {
  // This command waits for anything that is appended to the log after the call.
  const nextEntry = ['XREAD', 'COUNT', '1', 'BLOCK', String(longest), 'STREAMS', `${location.prefix}log`, '$'];
  return async (hint, until) => {
    const { client } = await reach(location, most, until);
    try {
      for (let grown = false; ; ) {
        const answer = inTime(client.sendCommand(nextEntry), most, until);
        // Only after the next wait has begun, so that few entries fall between it and the reader's read.
        if (grown) hint();
        grown = (await answer) !== null;
      }
    } finally {
      client.destroy();
    }
  };
}
