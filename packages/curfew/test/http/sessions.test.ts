import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { manualClock } from '../support/ports.ts';
import { TestServer } from '../support/server.ts';

describe('sessions over HTTP', () => {
  let server: TestServer;
  before(async () => {
    server = await TestServer.start();
  });
  after(() => server.close());

  test('a session is opened, verified, read, listed, ended and refused', async () => {
    const opened = await server.call('POST', '/v1/sessions', {
      userId: 'ada',
      accessGroups: ['staff', 'billing', 'staff'],
      userAgent: 'curl/8.5.0',
      ip: '203.0.113.7',
      metadata: { plan: 'pro', 'a\nb': 1 },
      lifetime: 3600,
      idle: 60,
    });
    assert.equal(opened.status, 201);
    assert.equal(opened.headers.get('cache-control'), 'no-store');
    const { session, token, refreshToken } = opened.body;
    assert.match(token, /^cfs_[0-9A-Za-z]{71}$/);
    assert.match(refreshToken, /^cfr_[0-9A-Za-z]{71}$/);
    assert.deepEqual(session.accessGroups, ['staff', 'billing']);
    assert.deepEqual(session.device, { type: 'program', name: 'curl', version: '8', longVersion: '8.5.0' });
    assert.equal(Date.parse(session.expiresAt) - Date.parse(session.createdAt), 3_600_000);
    assert.equal(Date.parse(session.idleExpiresAt) - Date.parse(session.createdAt), 60_000);

    const verified = await server.verify(token);
    assert.equal(verified.active, true);
    assert.equal(verified.session.userId, 'ada');
    const read = await server.call('GET', `/v1/sessions/${session.id}`);
    assert.deepEqual(read.body.session.metadata, { plan: 'pro', 'a\nb': 1 });
    const listed = await server.call('GET', '/v1/users/ada/sessions');
    assert.deepEqual([listed.body.sessions.length, listed.body.total, listed.body.partial], [1, 1, false]);

    const ended = await server.call('DELETE', `/v1/sessions/${session.id}`);
    assert.equal(ended.status, 200);
    assert.equal(ended.body.success, true);
    assert.equal(ended.body.session.status, 'ended');
    assert.deepEqual(ended.body.receipt, {
      sequence: 1,
      endedAt: ended.body.session.endedAt,
      everywhere: true,
      by: 'acks',
      verifiers: { acknowledged: 0, expired: 0 },
      nodes: { applied: 1, expired: 0 },
      waitedMs: ended.body.receipt.waitedMs,
    });
    assert.deepEqual(await server.verify(token), { active: false, reason: 'ended_by_admin' });
    assert.deepEqual((await server.call('GET', '/v1/users/ada/sessions')).body.sessions, []);
    const kept = await server.call('GET', '/v1/users/ada/sessions?status=any');
    assert.equal(kept.body.sessions[0].endReason, 'ended_by_admin');
  });

  test('R18: ending again is another 200, with the first end', async () => {
    const { session } = await server.createSession('again');
    const first = await server.call('DELETE', `/v1/sessions/${session.id}`);
    const second = await server.call('DELETE', `/v1/sessions/${session.id}?wait=stored`);
    assert.equal(second.status, 200);
    assert.equal(second.body.receipt.endedAt, first.body.receipt.endedAt);
    assert.equal(second.body.receipt.sequence, first.body.receipt.sequence);
    assert.equal(second.body.receipt.everywhere, false);
  });

  test('R18: so does ending again by a name that nobody keeps, for a key and for the session’s own user', async () => {
    const logOut = (name: string, as = server.key) => server.call('POST', '/v1/sessions/logout', { name }, { as });
    const { session } = await server.createSession('namesake', { name: 'passing' });
    const { token } = await server.createSession('namesake');
    const first = await logOut('passing');
    for (const as of [server.key, token]) {
      const again = await logOut('passing', as);
      assert.deepEqual([again.status, again.body.session?.id], [200, session.id]);
      assert.equal(again.body.receipt.endedAt, first.body.receipt.endedAt);
      assert.equal(again.body.receipt.sequence, first.body.receipt.sequence);
    }
    const { token: stranger } = await server.createSession('passer-by');
    assert.equal((await logOut('passing', stranger)).body.code, 'permission_missing');
    assert.equal((await logOut('unheard-of')).body.code, 'session_not_found');
  });

  test('a session ends by token, refresh token, name or id', async () => {
    for (const by of ['token', 'refreshToken', 'name', 'id']) {
      const opened = await server.createSession('four ways', { name: 'desk' });
      const value = { ...opened, name: 'desk', id: opened.session.id }[by as 'token'];
      const answer = await server.call('POST', '/v1/sessions/logout', { [by]: value });
      assert.equal(answer.status, 200, by);
      assert.match(answer.body.message, /has ended everywhere/);
      assert.equal((await server.verify(opened.token)).active, false);
    }
    for (const body of [{}, { id: 'a', token: 'b' }]) {
      assert.equal((await server.call('POST', '/v1/sessions/logout', body)).body.code, 'missing_field');
    }
  });

  test('a refresh replaces both tokens', async () => {
    const opened = await server.createSession('refresher');
    const refreshed = await server.call(
      'POST',
      '/v1/sessions/refresh',
      { refreshToken: opened.refreshToken },
      { as: '' },
    );
    assert.equal(refreshed.status, 200);
    assert.equal(refreshed.body.session.id, opened.session.id);
    assert.equal((await server.verify(refreshed.body.token)).active, true);
    assert.deepEqual(await server.verify(opened.token), { active: false, reason: 'unknown' });
  });

  test('ending all but one, and all of a user’s sessions', async () => {
    const [one, two, three] = [
      await server.createSession('eve'),
      await server.createSession('eve'),
      await server.createSession('eve'),
    ];
    const other = await server.createSession('mallory');
    const except = await server.call('DELETE', `/v1/users/eve/sessions?except=${two!.session.id}`);
    assert.deepEqual([except.body.ended, except.body.message], [2, '2 sessions have ended.']);
    assert.deepEqual(await server.verify(one!.token), { active: false, reason: 'all_of_user' });
    assert.equal((await server.verify(two!.token)).active, true);
    const all = await server.call('DELETE', '/v1/users/eve/sessions');
    assert.deepEqual([all.body.ended, all.body.message], [1, '1 session has ended.']);
    assert.equal((await server.verify(three!.token)).active, false);
    assert.equal((await server.verify(other.token)).active, true);
    assert.equal((await server.call('DELETE', '/v1/users/nobody/sessions')).body.ended, 0);
  });

  test('N8.13: a user’s sessions can be ended without the id in the path, by the same rules', async () => {
    const userId = 'team/../a%2Fb?';
    const [one, two] = [await server.createSession(userId), await server.createSession(userId)];
    const end = (body: object, as?: string) => server.call('POST', '/v1/sessions/end-user', body, { as });
    const except = await end({ userId, except: two.session.id });
    assert.deepEqual([except.status, except.body.ended, except.body.receipt.everywhere], [200, 1, true]);
    assert.deepEqual(await server.verify(one.token), { active: false, reason: 'all_of_user' });
    assert.equal((await server.verify(two.token)).active, true);
    const stranger = await server.createSession('stranger');
    assert.equal((await end({ userId }, stranger.token)).status, 403);
    assert.equal((await end({ userId: 'stranger' }, stranger.token)).body.ended, 1);
    assert.equal((await end({ userId })).body.ended, 1);
    assert.equal((await end({})).body.code, 'missing_field');
  });

  test('no operation requires a user’s id in the path: each also works without one, by the same rules', async () => {
    for (const userId of ['.', '..', '../../keys', 'a/b', 'ü?&=#%2F']) {
      const opened = await Promise.all([1, 2, 3].map(() => server.createSession(userId)));
      const [one, two] = opened;
      const call = (path: string, body: object, as?: string) =>
        server.call('POST', `/v1/sessions/${path}`, { userId, ...body }, { as });
      const found = await call('find', { token: one!.token });
      assert.equal(found.body.session?.id, one!.session.id, userId);
      const list = await server.call('GET', `/v1/sessions?${new URLSearchParams({ user: userId, status: 'active' })}`);
      assert.deepEqual([list.body.sessions.length, list.body.total], [3, 3]);
      assert.equal((await call('access-groups', { add: ['staff'] })).body.updated, 3);
      assert.equal((await call('access-groups', { remove: ['staff'], sessionId: two!.session.id })).body.updated, 1);
      assert.equal((await call('access-groups', {})).body.code, 'missing_field');
      assert.deepEqual((await server.verify(one!.token)).session.accessGroups, ['staff']);
      assert.equal((await call('end', { token: one!.session.id })).body.receipt.everywhere, true);
      assert.deepEqual(await server.verify(one!.token), { active: false, reason: 'ended_by_admin' });
      assert.equal((await call('end-user', {})).body.ended, 2);

      const stranger = await server.createSession('stranger');
      for (const [path, body] of [
        ['find', { token: two!.token }],
        ['end', { token: two!.token }],
        ['access-groups', { add: ['staff'] }],
      ] as const) {
        assert.equal((await call(path, body, stranger.token)).status, 403, path);
      }
      for (const path of ['find', 'end']) {
        assert.equal((await call(path, { token: stranger.token })).body.code, 'session_not_found', 'not of this user');
      }
    }
  });

  test('people can list their own sessions without their id in the path, and nobody else’s', async () => {
    const { token } = await server.createSession('../me');
    const list = (query: string) => server.call('GET', `/v1/sessions${query}`, undefined, { as: token });
    assert.equal((await list(`?user=${encodeURIComponent('../me')}`)).body.sessions.length, 1);
    for (const query of ['', '?user=stranger', '?status=active']) assert.equal((await list(query)).status, 403, query);
  });

  test("one of a user's sessions is found and ended by token or id; another user's looks like none", async () => {
    const mine = await server.createSession('owner');
    const other = await server.createSession('stranger');
    for (const token of [mine.token, mine.session.id]) {
      const found = await server.call('POST', '/v1/users/owner/sessions/find', { token });
      assert.equal(found.body.session.id, mine.session.id);
    }
    const unknown = '0'.repeat(22);
    for (const act of ['find', 'end']) {
      const answers = await Promise.all(
        [other.token, other.session.id, unknown, 'nonsense', mine.refreshToken].map((token) =>
          server.call('POST', `/v1/users/owner/sessions/${act}`, { token }),
        ),
      );
      for (const answer of answers) {
        assert.equal(answer.status, 404);
        assert.equal(answer.body.detail, answers[0]!.body.detail, 'told apart');
      }
    }
    assert.equal((await server.verify(other.token)).active, true);
    const ended = await server.call('POST', '/v1/users/owner/sessions/end', { token: mine.token });
    assert.equal(ended.body.session.endReason, 'ended_by_admin');
    assert.equal((await server.call('POST', '/v1/users/owner/sessions/end', { token: mine.session.id })).status, 200);
    assert.equal((await server.call('POST', '/v1/users/owner/sessions/find', { token: mine.token })).status, 404);
  });

  test('access groups change on all live sessions of a user, or on one', async () => {
    const [one, two] = [await server.createSession('grouped'), await server.createSession('grouped')];
    const change = (body: object) => server.call('POST', '/v1/users/grouped/access-groups', body);
    assert.equal((await change({ add: ['staff', 'night'] })).body.updated, 2);
    assert.equal((await change({ add: ['staff'] })).body.updated, 0);
    assert.deepEqual((await server.verify(one.token)).session.accessGroups, ['staff', 'night']);
    const single = await change({ remove: ['night'], sessionId: two.session.id });
    assert.equal(single.body.updated, 1);
    assert.ok(single.body.receipt.everywhere && single.body.receipt.changedAt && !single.body.receipt.endedAt);
    assert.deepEqual((await server.verify(two.token)).session.accessGroups, ['staff']);
    assert.deepEqual((await server.verify(one.token)).session.accessGroups, ['staff', 'night']);
    assert.equal((await change({})).body.code, 'missing_field');
    const listed = await server.call('GET', '/v1/sessions?group=night');
    assert.deepEqual(
      listed.body.sessions.map((session: { id: string }) => session.id),
      [one.session.id],
    );
  });

  test('a list is paged by cursor, filtered, sorted and searched', async () => {
    const users = ['zoe', 'yan', 'xia', 'wim', 'vic'];
    for (const [i, userId] of users.entries()) {
      await server.createSession(userId, {
        accessGroups: ['listed'],
        ip: `198.51.100.${i}`,
        userAgent: `tool${i}/1.0`,
      });
    }
    const seen: string[] = [];
    let cursor = '';
    do {
      const { body } = await server.call('GET', `/v1/sessions?group=listed&limit=2${cursor && `&cursor=${cursor}`}`);
      seen.push(...body.sessions.map((session: { userId: string }) => session.userId));
      cursor = body.nextCursor ?? '';
    } while (cursor);
    assert.deepEqual(seen, ['vic', 'wim', 'xia', 'yan', 'zoe']);
    const usersOf = async (query: string) =>
      (await server.call('GET', `/v1/sessions?group=listed&${query}`)).body.sessions.map(
        (s: { userId: string }) => s.userId,
      );
    assert.deepEqual(await usersOf('sort=createdAt'), users);
    assert.deepEqual(await usersOf('sort=-ip&limit=2'), ['vic', 'wim']);
    assert.deepEqual(await usersOf('ip=198.51.100.3'), ['wim']);
    assert.deepEqual(await usersOf('filter=TOOL2'), ['xia']);
    assert.deepEqual(await usersOf('filter=.*'), []);
    assert.deepEqual(await usersOf('user=zoe'), ['zoe']);
    assert.deepEqual(await usersOf('status=ended'), []);
    const active = await server.call('GET', '/v1/sessions?status=active&limit=1');
    assert.ok(active.body.total >= 5);
    const sorted = await server.call('GET', '/v1/sessions?group=listed&sort=device&limit=3');
    const rest = await server.call(
      'GET',
      `/v1/sessions?group=listed&sort=device&limit=3&cursor=${sorted.body.nextCursor}`,
    );
    assert.deepEqual(
      [...sorted.body.sessions, ...rest.body.sessions].map(
        (session: { device: { name: string } }) => session.device.name,
      ),
      ['tool0', 'tool1', 'tool2', 'tool3', 'tool4'],
    );
    assert.deepEqual([sorted.body.total, rest.body.nextCursor], [5, undefined]);
  });

  test('N6.17: a list in any order shows every session that stays, while listed sessions are being ended', async () => {
    const orders = ['createdAt', 'lastSeenAt', 'expiresAt', 'userId', 'ip', 'device', 'status'];
    for (const sort of orders.flatMap((key) => [key, `-${key}`])) {
      const group = `ending ${sort}`;
      const all = await Promise.all(
        Array.from({ length: 24 }, async (_, i) => {
          const more = { accessGroups: [group], ip: `10.0.0.${i % 5}`, userAgent: `tool${i % 3}/1.0` };
          return (await server.createSession(`user ${i % 4}`, more)).session.id as string;
        }),
      );
      const seen = new Set<string>();
      const query = `/v1/sessions?status=active&group=${encodeURIComponent(group)}&sort=${sort}&limit=5`;
      let [cursor, partial] = ['', false];
      do {
        const { body } = await server.call('GET', `${query}${cursor && `&cursor=${cursor}`}`);
        for (const { id } of body.sessions) {
          seen.add(id);
          await server.call('DELETE', `/v1/sessions/${id}?wait=stored`);
        }
        partial ||= body.partial;
        cursor = body.nextCursor ?? '';
      } while (cursor);
      assert.deepEqual([...seen].sort(), all.sort(), sort);
      if (!sort.includes('lastSeenAt')) assert.equal(partial, false, sort);
    }
  });

  test('N6.17: in an order in which a session moves to an earlier page, the list reports that one may be missing', async (t) => {
    const clock = manualClock(Date.UTC(2026, 5, 1));
    const own = await TestServer.start({}, clock);
    t.after(() => own.close());
    const opened = [];
    for (let i = 0; i < 6; i++) {
      clock.advance(1000);
      opened.push(await own.createSession(`user ${i}`));
    }
    const page = async (cursor?: string) =>
      (await own.call('GET', `/v1/sessions?sort=-lastSeenAt&limit=2${cursor ? `&cursor=${cursor}` : ''}`)).body;
    const first = await page();
    assert.deepEqual([first.partial, (await page(first.nextCursor)).partial], [false, false], 'while no session moves');
    clock.advance(1000);
    await own.verify(opened[0]!.token);
    const second = await page(first.nextCursor);
    const third = await page(second.nextCursor);
    assert.deepEqual([second.partial, third.partial, third.nextCursor], [true, true, undefined]);
  });

  test('N6.18: addresses sort as numbers', async () => {
    const inOrder = [
      '9.0.0.1',
      '10.0.0.9',
      '10.0.0.10',
      '10.0.0.100',
      '192.0.2.1',
      '::1',
      '2001:db8::9',
      '2001:db8::10',
    ];
    for (const ip of [...inOrder].sort()) await server.createSession('numbers', { ip });
    for (const [sort, expected] of [
      ['ip', inOrder],
      ['-ip', [...inOrder].reverse()],
    ] as const) {
      const { sessions } = (await server.call('GET', `/v1/sessions?user=numbers&sort=${sort}`)).body;
      assert.deepEqual(
        sessions.map(({ ip }: { ip: string }) => ip),
        expected,
      );
    }
  });

  test('everybody’s sessions end in one step', async (t) => {
    const own = await TestServer.start();
    t.after(() => own.close());
    const tokens = await Promise.all(['a', 'b', 'c'].map(async (userId) => (await own.createSession(userId)).token));
    const refused = await own.call('POST', '/v1/sessions/end-everyone', { confirm: 'yes' });
    assert.deepEqual([refused.status, refused.body.code], [400, 'confirmation_required']);
    assert.equal((await own.verify(tokens[0]!)).active, true);
    const done = await own.call('POST', '/v1/sessions/end-everyone', { confirm: 'everyone' });
    assert.deepEqual([done.status, done.body.ended], [200, 3]);
    for (const token of tokens) assert.deepEqual(await own.verify(token), { active: false, reason: 'everyone' });
    assert.equal((await own.verify((await own.createSession('d')).token)).active, true);
  });

  test('a key that may only end sessions restarts a named session, but not one that is stopped', async () => {
    await server.call('POST', '/v1/named-sessions', { name: 'shop' });
    const { token } = await server.createSession('ada', { name: 'shop' });
    const key = await server.call('POST', '/v1/keys', { name: 'ends', scopes: ['sessions.end'] });
    const act = (what: string) =>
      server.call('POST', `/v1/named-sessions/shop/${what}`, undefined, { as: key.body.token });
    assert.equal((await act('restart')).body.named.status, 'working');
    assert.equal((await act('stop')).body.named.status, 'stopped');
    const refused = await act('restart');
    assert.deepEqual([refused.status, refused.body.code], [403, 'permission_missing']);
    assert.match(refused.body.detail, /sessions\.create/);
    assert.deepEqual(await server.verify(token), { active: false, reason: 'suspended' });
  });

  test('a named session waits, works, stops, starts and is logged out', async () => {
    const make = await server.call('POST', '/v1/named-sessions', { name: 'bot', config: { color: 'blue' } });
    assert.deepEqual([make.status, make.body.named.status], [201, 'waiting']);
    assert.equal((await server.call('POST', '/v1/named-sessions', { name: 'bot' })).body.code, 'named_session_exists');
    const { token } = await server.createSession('robot', { name: 'bot' });
    const act = async (what: string) => (await server.call('POST', `/v1/named-sessions/bot/${what}`)).body;
    assert.equal((await server.call('GET', '/v1/named-sessions/bot')).body.named.status, 'working');
    const stopped = await act('stop');
    assert.deepEqual([stopped.named.status, stopped.receipt.everywhere], ['stopped', true]);
    assert.deepEqual(await server.verify(token), { active: false, reason: 'suspended' });
    assert.equal((await act('stop')).named.status, 'stopped');
    assert.equal((await server.call('POST', '/v1/sessions', { userId: 'x', name: 'bot' })).body.code, 'name_taken');
    assert.equal((await act('start')).named.status, 'working');
    assert.equal((await server.verify(token)).active, true);
    assert.equal((await act('restart')).named.status, 'working');
    const out = await act('logout');
    assert.deepEqual(
      [out.named.status, out.named.session, out.named.config],
      ['waiting', undefined, { color: 'blue' }],
    );
    assert.equal((await server.verify(token)).active, false);
    await act('stop');
    assert.equal(
      (await server.call('POST', '/v1/sessions', { userId: 'x', name: 'bot' })).body.code,
      'named_session_stopped',
    );
    assert.equal((await act('logout')).named.status, 'stopped');
    const put = await server.call('PUT', '/v1/named-sessions/bot', { config: { color: 'red' } });
    assert.equal(put.body.named.config.color, 'red');
    const list = await server.call('GET', '/v1/named-sessions');
    assert.ok(list.body.namedSessions.some((named: { name: string }) => named.name === 'bot'));
    assert.equal((await server.call('DELETE', '/v1/named-sessions/bot')).status, 200);
    assert.equal((await server.call('GET', '/v1/named-sessions/bot')).body.code, 'named_session_not_found');
  });
});

describe('the reason of an end', () => {
  let server: TestServer;
  before(async () => {
    server = await TestServer.start();
  });
  after(() => server.close());

  /** Every call that ends sessions of one user: the path with its query, and the body. */
  const ends = (userId: string, { session, token }: { session: { id: string }; token: string }) =>
    [
      ['DELETE', `/v1/sessions/${session.id}`, undefined],
      ['POST', '/v1/sessions/logout', { id: session.id }],
      ['POST', '/v1/sessions/end', { userId, token }],
      ['POST', `/v1/users/${userId}/sessions/end`, { token }],
      ['DELETE', `/v1/users/${userId}/sessions`, undefined],
      ['POST', '/v1/sessions/end-user', { userId }],
    ] as const;

  test('an application can give the reason for ending its user’s sessions; the session and the event show it', async () => {
    for (const reason of ['logout', 'ended_by_admin']) {
      for (const place of [0, 1, 2, 3, 4, 5]) {
        const opened = await server.createSession('told');
        const [method, path, body] = ends('told', opened)[place]!;
        const answer = await server.call(method, `${path}?reason=${reason}`, body);
        assert.equal(answer.status, 200, JSON.stringify(answer.body));
        const { session } = (await server.call('GET', `/v1/sessions/${opened.session.id}`)).body;
        assert.equal(session.endReason, reason, path);
        assert.deepEqual(await server.verify(opened.token), { active: false, reason });
        const { events } = (await server.call('GET', '/v1/events?user=told&limit=1')).body;
        assert.equal(events[0].reason, reason, path);
      }
    }
  });

  test('the end of a named session has the reason that any other end by its caller has', async () => {
    const { id } = await server.createAccount('ned', { roles: ['admin'] });
    const authenticator = await server.enrol(id);
    const person = (await server.login('ned', 'ned password', authenticator.next())).body.token;
    for (const [method, path] of [
      ['POST', '/v1/named-sessions/desk/logout'],
      ['DELETE', '/v1/named-sessions/desk'],
    ] as const) {
      for (const [as, userId, reason] of [
        [person, id, 'logout'],
        [person, 'ada', 'ended_by_admin'],
        [server.key, 'ada', 'ended_by_admin'],
      ] as const) {
        const { session } = await server.createSession(userId, { name: 'desk' });
        assert.equal((await server.call(method, path, undefined, { as })).status, 200);
        assert.equal((await server.call('GET', `/v1/sessions/${session.id}`)).body.session.endReason, reason, path);
      }
    }
  });

  test('without a reason it follows from the caller; only the two can be given', async () => {
    const opened = await server.createSession('plain');
    const path = `/v1/sessions/${opened.session.id}`;
    for (const reason of ['idle', 'refresh_reuse', 'everyone', '']) {
      assert.equal((await server.call('DELETE', `${path}?reason=${reason}`)).body.code, 'invalid_value', reason);
    }
    assert.equal((await server.call('DELETE', path)).body.session.endReason, 'ended_by_admin');
  });

  test('a person cannot give the reason, for their own sessions or for others’; nothing ends', async () => {
    const { body } = await server.login();
    const own = { session: body.session, token: body.token };
    const other = await server.createSession('someone');
    for (const [user, one] of [[body.account.id, own] as const, ['someone', other] as const]) {
      for (const [method, path, sent] of ends(user, one)) {
        const refused = await server.call(method, `${path}?reason=logout`, sent, { as: body.token });
        assert.equal(refused.status, 403, `${path}: ${JSON.stringify(refused.body)}`);
        assert.equal((await server.verify(one.token)).active, true, path);
      }
    }
    const refused = await server.call('DELETE', `/v1/sessions/${own.session.id}?reason=logout`, undefined, {
      as: body.token,
    });
    assert.deepEqual(
      [refused.body.code, refused.body.detail],
      ['permission_missing', 'Only an API key may give a reason for an end.'],
    );
  });
});
