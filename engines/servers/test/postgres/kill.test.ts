import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { killServer, killStore } from '../../../../packages/curfew/test/support/kills.ts';
import { PostgresServer } from './server.ts';

/** A few in the suite; 100 and 20 to be sure. */
const serverKills = Number(process.env['CURFEW_TEST_SERVER_KILLS'] ?? 4);
const storeKills = Number(process.env['CURFEW_TEST_STORE_KILLS'] ?? 2);

const envOf = (url: string) => ({ CURFEW_STORE: url, CURFEW_SECRET_KEY: randomBytes(32).toString('hex') });

describe('kills under load, with PostgreSQL', () => {
  test(`after ${serverKills} kills of the server, everything acknowledged still exists, and nothing happened twice`, {
    timeout: 3_600_000,
  }, async (t) => {
    const server = await PostgresServer.start();
    t.after(() => server.dispose());
    const counts = await killServer(t, envOf(await server.createDatabase()), serverKills);
    assert.ok(counts.created > serverKills && counts.ended > serverKills / 2, 'there was hardly any load');
  });

  test(`after ${storeKills} kills and restarts of PostgreSQL everything still exists too, and the server recovers by itself`, {
    timeout: 3_600_000,
  }, async (t) => {
    const server = await PostgresServer.start();
    t.after(() => server.dispose());
    const counts = await killStore(t, envOf(await server.createDatabase()), storeKills, async (round) => {
      if (round % 2 === 0) await server.kill();
      else await server.stop();
      await server.startAgain();
    });
    assert.ok(counts.created > storeKills && counts.refused > 0, 'there was hardly any load');
  });
});
