import { once } from 'node:events';
import type { Listen } from '../watchers.ts';
import type { Database } from './database.ts';

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
      await broken;
    } finally {
      void client.end().catch(() => {});
    }
  };
}
