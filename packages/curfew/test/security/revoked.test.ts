import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hour, minute } from '../../src/domain/limits.ts';
import { manualClock } from '../support/ports.ts';
import { redisInstalled } from '../support/redis.ts';
import { follow, testRevoked } from '../support/revoked-tests.ts';
import { TestServer } from '../support/server.ts';

testRevoked('lmdb');
testRevoked('redis', { skip: !redisInstalled });

test('N2.3: a stream of events ends at the deadline of its session, and does not count as activity', async (t) => {
  const clock = manualClock();
  const server = await TestServer.start({}, clock);
  t.after(() => server.close());
  const { session, token } = (
    await server.call(
      'POST',
      '/v1/login',
      { username: 'admin', password: 'correct horse battery', idle: 3600 },
      { as: '' },
    )
  ).body;
  const stream = await follow(server, token);
  clock.advance(30 * minute);
  await server.createSession('ada');
  await stream.hears('session.created');
  clock.advance(hour);
  await stream.end;
  const { body } = await server.call('GET', `/v1/sessions/${session.id}`);
  assert.deepEqual([body.session.status, body.session.endReason], ['ended', 'idle']);
});
