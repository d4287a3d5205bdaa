import { after, before, describe, test } from 'node:test';
import {
  faketimeInstalled,
  machinesWithWrongClocks,
  storeOfWrongClock,
} from '../../../../packages/curfew/test/support/wrong-clocks.ts';
import { PostgresServer } from './server.ts';

describe('clocks on PostgreSQL', () => {
  let server: PostgresServer;
  before(async () => {
    server = await PostgresServer.start();
  });
  after(() => server.dispose());

  test(
    'a machine that is 40 days or 5 minutes off, ahead or behind, ends nothing, and disturbs no server with a right clock',
    {
      skip: faketimeInstalled ? false : 'faketime is not installed',
    },
    async (t) => machinesWithWrongClocks(t, await server.createDatabase()),
  );

  test('servers with right clocks start on a store that a wrong clock wrote to, and doctor corrects it', async (t) =>
    storeOfWrongClock(t, await server.createDatabase()));
});
