import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { inTime, type Listen } from '../watchers.ts';
import type { Database } from './database.ts';

/** Milliseconds between two looks whether the connection still stands; and that such a look may take. */
const pause = 2000;

/** Listens for what the log's trigger tells: see migrations/tables.ts. A pooler that shares connections brings nothing. */
export function listenOn(database: Database): Listen {
  return async (hint, until) => {
    const client = database.listener();
    const broken = once(client, 'error', { signal: until });
    broken.catch(() => {});
    client.on('notification', ({ payload }) => {
      if (payload === database.location.schema) hint();
    });
    try {
      await Promise.race([client.connect(), broken]);
      await client.query('LISTEN curfew');
      for (;;) {
        await Promise.race([broken, setTimeout(pause, undefined, { signal: until, ref: false })]);
        await inTime(client.query('SELECT'), pause);
      }
    } finally {
      void client.end().catch(() => {});
    }
  };
}
