import assert from 'node:assert/strict';
import { test } from 'node:test';
import { day } from '../../src/domain/limits.ts';
import { manualClock } from '../support/ports.ts';
import { TestServer } from '../support/server.ts';

test('CVE-2025-12390, CVE-2022-3916: the id of a session never comes again, for nobody, also once it was forgotten', async (t) => {
  const clock = manualClock(Date.UTC(2026, 5, 1));
  const server = await TestServer.start({}, clock);
  t.after(() => server.close());
  const users = ['ada', 'bob', 'eve'];
  const seen = new Set<string>();
  // All in one moment: what tells them apart is not the time.
  const open = async () => {
    const opened = await Promise.all(
      Array.from({ length: 60 }, (_, i) => server.createSession(users[i % users.length])),
    );
    for (const { session } of opened) {
      assert.ok(!seen.has(session.id), 'an id came again');
      seen.add(session.id);
    }
    return opened;
  };
  const first = await open();
  for (const user of users) await server.call('DELETE', `/v1/users/${user}/sessions`);
  await open();
  // The first sweep writes the ends down, the second one forgets them.
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
