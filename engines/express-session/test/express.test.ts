import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { RedisServer, redisInstalled } from '../../../packages/curfew/test/support/redis.ts';
import { TestServer } from '../../../packages/curfew/test/support/server.ts';
import type { Running } from '../../frameworks/test/programs.ts';
import { Tab } from '../../frameworks/test/tab.ts';
import { onCurfew, program } from './programs.ts';

const json = async (tab: Tab, method: string, path: string, body?: unknown) => {
  const answer = await tab.send(method, path, body);
  assert.equal(answer.status, 200, answer.text);
  return JSON.parse(answer.text);
};

/** What a request that is slow to answer does with a session that is logged out meanwhile by another process. */
async function logOutDuringSlowRequest(here: Tab, there: Tab) {
  const slow = here.send('POST', '/slow', {});
  await here.another().send('POST', '/slow/arrived', {});
  assert.equal((await there.send('POST', '/out', {})).text, 'signed out');
  await here.another().send('POST', '/slow/release', {});
  return slow;
}

describe('Express and Passport on Curfew', () => {
  let server: TestServer;
  let one: Running;
  let two: Running;
  let here: Tab;
  let there: Tab;
  before(async () => {
    server = await TestServer.start({ CURFEW_MAX_SESSIONS: '2' });
    [one, two] = await Promise.all([program('express', onCurfew(server)), program('express', onCurfew(server))]);
  });
  after(async () => {
    one?.stop();
    two?.stop();
    await server.close();
  });
  beforeEach(() => {
    here = new Tab(one.url);
    there = new Tab(two.url);
  });

  const sidOf = (tab: Tab) => tab.cookies.get('connect.sid');
  const sessionsOf = async (user: string) => (await server.call('GET', `/v1/users/${user}/sessions`)).body.sessions;
  /** Both tabs have the same cookie, each for its own process, which knows the session. */
  const signIn = async (user: string) => {
    await here.send('POST', '/login', { username: user, password: 'x' });
    there = new Tab(two.url, here.cookies);
    for (const tab of [here, there]) assert.deepEqual(await json(tab, 'GET', '/me'), { id: user });
  };
  const isSignedOut = async () => {
    for (const tab of [here, there]) assert.equal(await json(tab.another(), 'GET', '/me'), null);
  };

  test('a sign-in gives a new id, and its session is a session of the user', async () => {
    await json(here, 'POST', '/visit');
    const earlier = sidOf(here);
    assert.ok(earlier);
    await signIn('ada');
    assert.notEqual(sidOf(here), earlier);
    const [session, ...others] = await sessionsOf('ada');
    assert.deepEqual([session.status, session.userId, others], ['active', 'ada', []]);
    assert.match(session.ip, /127\.0\.0\.1/);
    assert.equal(JSON.stringify(session).includes('passport'), false, 'a list never has the data');
    // The id from before the sign-in is worth nothing.
    const old = new Tab(two.url, [['connect.sid', earlier]]);
    assert.deepEqual(await json(old, 'GET', '/who'), { user: null, visits: 0, note: null });
  });

  test('a logout is over in every process when it answers', async () => {
    await signIn('bob');
    assert.equal((await here.another().send('POST', '/logout', {})).text, 'signed out');
    await isSignedOut();
    const [session] = (await server.call('GET', '/v1/sessions?user=bob&status=ended')).body.sessions;
    assert.deepEqual([session.status, session.endReason], ['ended', 'logout']);
  });

  test('a session that is ended from outside is dead at once in every process', async () => {
    await signIn('eve');
    const [{ id }] = await sessionsOf('eve');
    await server.call('DELETE', `/v1/sessions/${id}`);
    await isSignedOut();
    await signIn('eve');
    await server.call('DELETE', '/v1/users/eve/sessions');
    await isSignedOut();
  });

  test('a request in flight does not bring a session back that another process has ended', async () => {
    await signIn('carol');
    const slow = await logOutDuringSlowRequest(here.another(), there.another());
    // Its own answer is whole, and is not an error.
    assert.deepEqual([slow.status, slow.text.length], [200, 4_000_000]);
    await isSignedOut();
    assert.deepEqual(
      await sessionsOf('carol').then((all) => all.filter(({ status }: { status: string }) => status === 'active')),
      [],
    );
    assert.equal(
      one.said.concat(two.said).some((line) => line.startsWith('error')),
      false,
      String(one.said),
    );
  });

  test('with connect-redis the same request does', {
    skip: !redisInstalled && 'redis-server is not installed',
  }, async () => {
    const redis = await RedisServer.start();
    const settings = { REDIS_URL: redis.url };
    const others = await Promise.all([program('plain', settings), program('plain', settings)]);
    try {
      const first = new Tab(others[0]!.url);
      await first.send('POST', '/in', { userId: 'carol' });
      const second = new Tab(others[1]!.url, first.cookies);
      await logOutDuringSlowRequest(first.another(), second.another());
      for (const tab of [first, second]) assert.equal((await json(tab.another(), 'GET', '/who')).user, 'carol');
    } finally {
      for (const other of others) other.stop();
      await redis.remove();
    }
  });

  test('what one process saves, the other reads at once', async () => {
    await json(here, 'POST', '/visit');
    there = new Tab(two.url, here.cookies);
    for (let visits = 2; visits <= 40; visits++) {
      const [mine, other]: [Tab, Tab] = visits % 2 === 0 ? [there, here] : [here, there];
      assert.equal(await json(mine, 'POST', '/visit'), visits);
      for (const tab of [mine, other]) assert.equal((await json(tab, 'GET', '/who')).visits, visits);
    }
  });

  test('an application that saves before it answers gets the refusal', async () => {
    await signIn('dan');
    const [{ id }] = await sessionsOf('dan');
    const slow = here.another().send('POST', '/slow/then-save', {});
    await here.another().send('POST', '/slow/arrived', {});
    await server.call('DELETE', `/v1/sessions/${id}`);
    await here.another().send('POST', '/slow/release', {});
    const { status, text } = await slow;
    assert.deepEqual([status, JSON.parse(text).code], [401, 'session_ended']);
  });

  test('nobody’s sessions belong to one user, and are not limited', async () => {
    const tabs = Array.from({ length: 4 }, () => new Tab(one.url));
    for (const tab of tabs) await json(tab, 'POST', '/visit');
    for (const tab of tabs) assert.equal((await json(tab, 'GET', '/who')).visits, 1);
    assert.ok((await sessionsOf('anonymous')).length >= 4);
  });

  test('a sign-in that keeps the id opens a session of the user and ends nobody’s', async () => {
    await json(here, 'POST', '/visit');
    const sid = sidOf(here);
    assert.equal((await here.send('POST', '/switch', { userId: 'frank' })).text, 'switched');
    assert.equal(sidOf(here), sid);
    there = new Tab(two.url, here.cookies);
    for (const tab of [here, there])
      assert.deepEqual(await json(tab, 'GET', '/who'), { user: 'frank', visits: 1, note: null });
    const [{ id }] = await sessionsOf('frank');
    // Another user is refused, and nothing changes.
    const refused = await here.send('POST', '/switch', { userId: 'grace' });
    assert.deepEqual([refused.status, JSON.parse(refused.text).code], [409, 'session_user_changed']);
    assert.equal((await json(there, 'GET', '/who')).user, 'frank');
    await server.call('DELETE', `/v1/sessions/${id}`);
    for (const tab of [here, there])
      assert.deepEqual(await json(tab.another(), 'GET', '/who'), { user: null, visits: 0, note: null });
  });

  test('a session whose user is gone has ended', async () => {
    await signIn('heidi');
    assert.equal((await here.another().send('POST', '/switch', {})).text, 'switched');
    await isSignedOut();
    const [session] = (await server.call('GET', '/v1/sessions?user=heidi&status=ended')).body.sessions;
    assert.equal(session.endReason, 'logout');
  });

  test('a cookie that lasts longer after a while makes the session last longer', async () => {
    await signIn('ivan');
    const [before] = await sessionsOf('ivan');
    await here.send('POST', '/remember', { maxAge: 3 * 86_400_000 });
    const [later] = await sessionsOf('ivan');
    const days = (session: { idleExpiresAt: string; lastSeenAt: string }) =>
      (Date.parse(session.idleExpiresAt) - Date.parse(session.lastSeenAt)) / 86_400_000;
    assert.deepEqual([days(before), days(later)], [1, 3]);
  });
});
