import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { chaosTimeout, withstandChaos } from '../../../../packages/curfew/test/fence/chaos/withstand.ts';
import { PostgresPair } from './pair.ts';

test('PostgreSQL, three servers, six applications: no kill, stop, cut, delay, restart or failover breaks the promise', {
  timeout: chaosTimeout,
}, async (t) => {
  const pair = await PostgresPair.start([], true);
  t.after(() => pair.dispose());
  await withstandChaos(t, 'PostgreSQL', {
    env: { CURFEW_STORE: await pair.createDatabase('chaos'), CURFEW_SECRET_KEY: randomBytes(32).toString('hex') },
    nodes: 3,
    async restart() {
      const { primary } = pair;
      if (Math.random() < 0.5) await primary.kill();
      else await primary.stop();
      await primary.startAgain();
    },
    standby: { lag: () => pair.lag(), promote: () => pair.failOver(), renew: () => pair.rejoin() },
  });
});
