import { after, before, describe, test } from 'node:test';
import { conformanceCases, runCase } from '../../../src/stores/conformance/index.ts';
import { RedisServer, redisInstalled } from '../../support/redis.ts';
import { redisHarness } from '../redis-harness.ts';

describe('CVE-2025-29928: the store contract on redis', { skip: !redisInstalled }, () => {
  let server: RedisServer;
  before(async () => {
    server = await RedisServer.start();
  });
  after(() => server.remove());
  const harness = redisHarness(() => server);
  for (const rule of conformanceCases) test(rule.name, () => runCase(rule, harness));
});
