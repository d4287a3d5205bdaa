import { setTimeout } from 'node:timers/promises';
import { inTime, type Listen } from '../watchers.ts';
import type { Database } from './database.ts';

/** Milliseconds between two looks whether the connection still stands; and that such a look may take. */
const pause = 2000;

/** Listens for what writes tell when the log has grown, past a pooler if possible: one that shares connections brings nothing. */
export function listenOn(database: Database): Listen {
  const { schema, connectTimeout } = database.location;
  return async (hint, until) => {
    const client = database.listener();
    const broken = new AbortController();
    const over = AbortSignal.any([broken.signal, until]);
    // Also those that come when nobody waits for anything any more.
    client.on('error', () => broken.abort());
    client.on('notification', ({ payload }) => {
      if (payload === schema) hint();
    });
    try {
      await inTime(client.connect(), connectTimeout, over);
      await inTime(client.query('LISTEN curfew'), pause, over);
      for (;;) {
        await setTimeout(pause, undefined, { signal: over, ref: false });
        // A connection whose other side is gone says nothing of it by itself.
        await inTime(client.query('SELECT'), pause, over);
      }
    } finally {
      void client.end().catch(() => {});
    }
  };
}
