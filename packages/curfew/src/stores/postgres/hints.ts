import { setTimeout } from 'node:timers/promises';
import { inTime, type Listen } from '../watchers.ts';
import type { Database } from './database.ts';

/** Milliseconds between checks of whether the connection still works, and those that a check may take. */
const pause = 2000;

/** Listens for notifications of the log's growth; if possible, bypasses a pooler, whose shared connections get none. */
export function listenOn(database: Database): Listen {
  const { schema, connectTimeout } = database.location;
  return async (hint, until) => {
    const client = database.listener();
    const broken = new AbortController();
    const over = AbortSignal.any([broken.signal, until]);
    // These include late errors, for which nobody waits any more.
    client.on('error', () => broken.abort());
    client.on('notification', ({ payload }) => {
      if (payload === schema) hint();
    });
    try {
      await inTime(client.connect(), connectTimeout, over);
      await inTime(client.query('LISTEN curfew'), pause, over);
      for (;;) {
        await setTimeout(pause, undefined, { signal: over, ref: false });
        // A connection does not notice by itself that its other side is gone.
        await inTime(client.query('SELECT'), pause, over);
      }
    } finally {
      void client.end().catch(() => {});
    }
  };
}
