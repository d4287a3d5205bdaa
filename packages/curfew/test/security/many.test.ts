import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { encodeNumber } from '../../src/domain/base62.ts';
import type { SessionId, UserId } from '../../src/domain/brand.ts';
import { day } from '../../src/domain/limits.ts';
import { openSession } from '../../src/domain/open-session.ts';
import { formatToken, hashSecret, newSecret } from '../../src/domain/tokens.ts';
import { pooledRandom } from '../../src/start/compose.ts';
import { openStore } from '../../src/stores/open.ts';
import type { StoreRecord } from '../../src/stores/records.ts';
import { temporaryFolder } from '../stores/harness.ts';
import { manualClock } from '../support/ports.ts';
import { adminPassword, TestServer } from '../support/server.ts';

/** `CURFEW_TEST_SESSIONS=1000000` creates a million, which takes a minute. */
const count = Number(process.env['CURFEW_TEST_SESSIONS'] ?? 100_000);
const now = Date.UTC(2026, 5, 1);
const random = pooledRandom();
const secret = newSecret(random);

/** That many sessions, every tenth of them Ada's. To create them fast they share a secret and have sequential ids. */
async function* sessions(): AsyncGenerator<StoreRecord> {
  yield { kind: 'counters', head: 0, lastEvent: 0, time: now };
  const users = Array.from({ length: 1000 }, (_, i) => (i % 10 === 0 ? 'ada' : `user ${i}`) as UserId);
  const kinds = users.map((userId) => {
    const opening = { userId, accessGroups: [], metadata: {}, absolute: 30 * day, idle: 7 * day, epochs };
    return { ...openSession(opening, now, random).stored, tokenHash: hashSecret(secret) };
  });
  for (let i = 0; i < count; i++) {
    const kind = kinds[i % kinds.length]!;
    const id = (kind.id.slice(0, 10) + encodeNumber(i, 12)) as SessionId;
    if (i % (count / 100 - 9) === 0) sample.push({ userId: kind.userId, token: formatToken('session', id, secret) });
    yield { kind: 'session', session: { ...kind, id }, writtenAt: undefined };
  }
}
const epochs = { user: 0, everyone: 0 };
const sample: { userId: UserId; token: string }[] = [];

test('7.4.5: an administrator can end all sessions of one user, or everyone’s, in one write however many there are', async (t) => {
  const folder = temporaryFolder();
  t.after(async () => folder.remove());
  const env = { CURFEW_STORE: `lmdb:${folder.path}`, CURFEW_SECRET_KEY: randomBytes(32).toString('hex') };
  const store = await openStore(env.CURFEW_STORE);
  await store.importRecords(sessions());
  await store.close();
  const clock = manualClock(now);
  const server = await TestServer.start(env, clock);
  t.after(() => server.close());
  const { account } = (await server.login()).body;
  const authenticator = await server.enrol(account.id);
  clock.advance(60_000);
  const as = (await server.login('admin', adminPassword, authenticator.next())).body.token as string;
  const active = () => server.context.store.countActive(clock.now());
  const head = async () => (await server.context.store.logHead()).sequence;
  const alive = async () => {
    const left: string[] = [];
    for (const { userId, token } of sample) if ((await server.verify(token)).active) left.push(userId);
    return left;
  };
  assert.equal((await alive()).length, sample.length);
  const before = { active: await active(), head: await head() };
  assert.ok(before.active >= count);

  assert.equal((await server.call('DELETE', '/v1/users/ada/sessions', undefined, { as })).body.ended, count / 10);
  assert.deepEqual([await active(), await head()], [before.active - count / 10, before.head + 1]);
  assert.ok(!(await alive()).includes('ada'));
  assert.ok((await alive()).length > sample.length / 2);

  const everyone = await server.call('POST', '/v1/sessions/end-everyone', { confirm: 'everyone' }, { as });
  assert.equal(everyone.body.ended, before.active - count / 10);
  assert.deepEqual([await active(), await head()], [0, before.head + 2]);
  assert.deepEqual(await alive(), []);
  assert.deepEqual(await server.verify(as), { active: false, reason: 'everyone' });
});
