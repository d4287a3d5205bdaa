import assert from 'node:assert/strict';
import { test } from 'node:test';
import { day } from '../../src/domain/limits.ts';
import { manualClock } from '../support/ports.ts';
import { TestServer } from '../support/server.ts';

test('CVE-2025-12390, CVE-2022-3916: the id of a session is never reused, for anyone, even after the session was deleted', async (t) => {
  const clock = manualClock(Date.UTC(2026, 5, 1));
  const server = await TestServer.start({}, clock);
  t.after(() => server.close());
  const users = ['ada', 'bob', 'eve'];
  const seen = new Set<string>();
  // All at the same moment, so that the time does not distinguish them.
  const open = async () => {
    const opened = await Promise.all(
      Array.from({ length: 60 }, (_, i) => server.createSession(users[i % users.length])),
    );
    for (const { session } of opened) {
      assert.ok(!seen.has(session.id), 'an id was reused');
      seen.add(session.id);
    }
    return opened;
  };
  const first = await open();
  for (const user of users) await server.call('DELETE', `/v1/users/${user}/sessions`);
  await open();
  // The first sweep records the ends, the second one deletes the sessions.
  for (let i = 0; i < 2; i++) {
    clock.advance(2 * day);
    await server.running.opened.upkeep.sweep();
  }
  const [{ session, token, refreshToken }] = first as [(typeof first)[0]];
  assert.equal((await server.call('GET', `/v1/sessions/${session.id}`)).body.code, 'session_not_found');
  await open();
  assert.deepEqual(await server.verify(token), { active: false, reason: 'unknown' });
  assert.equal((await server.call('POST', '/v1/sessions/refresh', { refreshToken })).body.code, 'token_unknown');
  assert.equal((await server.call('DELETE', `/v1/sessions/${session.id}`)).body.code, 'session_not_found');
});
