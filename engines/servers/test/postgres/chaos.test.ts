import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { chaosTimeout, withstandChaos } from '../../../../packages/curfew/test/fence/chaos/withstand.ts';
import { PostgresServer } from './server.ts';

test('PostgreSQL, three servers, six applications: no kill, stop, cut, delay or restart breaks the promise', {
  timeout: chaosTimeout,
}, async (t) => {
  const server = await PostgresServer.start();
  t.after(() => server.dispose());
  await withstandChaos(t, 'PostgreSQL', {
    env: { CURFEW_STORE: await server.createDatabase(), CURFEW_SECRET_KEY: randomBytes(32).toString('hex') },
    nodes: 3,
    async restart() {
      if (Math.random() < 0.5) await server.kill();
      else await server.stop();
      await server.startAgain();
    },
  });
});
