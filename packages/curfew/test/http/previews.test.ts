import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { library } from '../../src/authority/caller.ts';
import { createAuthority } from '../../src/authority/index.ts';
import { minute } from '../../src/domain/limits.ts';
import { manualClock } from '../support/ports.ts';
import { type Json, TestServer } from '../support/server.ts';

describe('counting the sessions that match, and ending exactly these', () => {
  const clock = manualClock(Date.UTC(2026, 5, 1));
  let server: TestServer;
  before(async () => {
    server = await TestServer.start({}, clock);
  });
  after(() => server.close());

  const open = async (count: number, group: string, more: object = {}) => {
    const opened: { session: Json; token: string }[] = [];
    for (let i = 0; i < count; i++) {
      clock.advance(1);
      opened.push(await server.createSession(`${group} ${i % 3}`, { accessGroups: [group], ...more }));
    }
    clock.advance(1);
    return opened;
  };
  const preview = async (body: object, as?: string): Promise<Json> => {
    const answer = await server.call('POST', '/v1/sessions/preview', body, { as });
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    return answer.body;
  };
  const end = (handle: string, as?: string) =>
    server.call('POST', '/v1/sessions/end-previewed', { preview: handle }, { as });
  const active = async (sessions: readonly { token: string }[]) => {
    const verdicts = await Promise.all(sessions.map(({ token }) => server.verify(token)));
    return verdicts.filter((verdict) => verdict.active).length;
  };

  test('what was counted is ended, with one receipt; not what was opened later, and what had ended is reported', async () => {
    const counted = await open(7, 'a');
    const others = await open(2, 'b');
    await server.call('DELETE', `/v1/sessions/${counted.pop()!.session.id}`);
    clock.advance(1);
    const found = await preview({ group: 'a' });
    assert.deepEqual([found.sessions, found.users, found.partial, found.own], [6, 3, false, false]);
    assert.equal(found.countedAt, new Date(clock.now()).toISOString());
    assert.equal(Date.parse(found.expiresAt), clock.now() + 10 * minute);
    const later = await open(1, 'a');
    await server.call('DELETE', `/v1/sessions/${counted[0]!.session.id}`);
    const { status, body } = await end(found.preview);
    assert.deepEqual(
      [status, body.counted, body.ended, body.alreadyEnded, body.changed, body.preview],
      [200, 6, 5, 1, 0, undefined],
    );
    assert.equal(body.receipt.everywhere, true);
    assert.equal(body.receipt.endedAt, new Date(clock.now()).toISOString());
    assert.deepEqual([await active(counted), await active(later), await active(others)], [0, 1, 2]);
    assert.deepEqual(await server.verify(counted[1]!.token), { active: false, reason: 'ended_by_admin' });
    assert.equal(body.receipt.sequence, (await server.context.store.logHead()).sequence);

    const again = (await end(found.preview)).body;
    assert.deepEqual([again.ended, again.alreadyEnded, again.receipt.everywhere], [0, 6, true]);
  });

  test('a filter by any property counts, without the sessions to leave out; no match gives no handle', async () => {
    const sessions = await open(4, 'filtered', { ip: '198.51.100.9' });
    for (const filter of [{ ip: '198.51.100.9' }, { group: 'filtered' }, { filter: 'FILTERED' }]) {
      assert.equal((await preview(filter)).sessions, 4, JSON.stringify(filter));
    }
    assert.equal((await preview({ user: 'filtered 0', group: 'filtered' })).sessions, 2);
    const ids = sessions.map(({ session }) => session.id);
    const found = await preview({ group: 'filtered', except: ids.slice(1) });
    assert.deepEqual([found.sessions, found.users], [1, 1]);
    assert.equal((await end(found.preview)).body.ended, 1);
    assert.equal(await active(sessions), 3);
    const none = await preview({ group: 'nobody is in it' });
    assert.deepEqual([none.sessions, none.users, none.partial, 'preview' in none], [0, 0, false, false]);
    const everything = await preview({});
    assert.equal(everything.sessions, await server.context.store.countActive(clock.now()));
  });

  test('suspended sessions are counted with the active ones, or alone', async () => {
    const name = 'suspended-one';
    const { token } = await server.createSession('suspended', { name, accessGroups: ['mixed'] });
    const other = await server.createSession('suspended', { accessGroups: ['mixed'] });
    await server.call('POST', `/v1/named-sessions/${name}/stop`);
    clock.advance(1);
    const counts = await Promise.all(
      [undefined, 'active', 'suspended'].map(async (status) => (await preview({ group: 'mixed', status })).sessions),
    );
    assert.deepEqual(counts, [2, 1, 1]);
    const found = await preview({ group: 'mixed', status: 'suspended' });
    assert.equal((await end(found.preview)).body.ended, 1);
    assert.equal((await server.verify(token)).reason, 'ended_by_admin');
    assert.equal(await active([other]), 1);
  });

  test('if other sessions match than were counted, none of that part is ended', async () => {
    const [first] = await open(1, 'moving');
    const [late] = await open(1, 'elsewhere');
    const sessions = [first!, ...(await open(3, 'moving')).slice(1)];
    const found = await preview({ group: 'moving' });
    const change = { add: ['moving'] };
    await server.call('POST', `/v1/users/${encodeURIComponent('elsewhere 0')}/access-groups`, change);
    const { body } = await end(found.preview);
    assert.deepEqual([body.ended, body.changed, 'receipt' in body], [0, 4, false]);
    assert.equal(await active([...sessions, late!]), 4);

    const again = await preview({ group: 'moving' });
    await server.call('POST', `/v1/users/${encodeURIComponent('moving 1')}/access-groups`, { remove: ['moving'] });
    assert.deepEqual([again.sessions, (await end(again.preview)).body.changed], [5, 5], 'one has left the group');
    assert.equal(await active([...sessions, late!]), 4);
  });

  test('a handle is refused if it is somebody else’s, was changed, has expired or is another server’s; nothing ends', async () => {
    const sessions = await open(3, 'kept');
    const { preview: handle } = await preview({ group: 'kept' });
    const state = await server.state();
    const refusals: [string, Json][] = [];
    const refused = async (what: string, sealed: string, as?: string) =>
      refusals.push([what, (await end(sealed, as)).body.code]);
    const other = (await server.call('POST', '/v1/keys', { name: 'other', scopes: ['sessions.end'] })).body.token;
    await refused('of another', handle, other);
    const bytes = Buffer.from(handle, 'base64url');
    for (const place of [0, 12, 40, bytes.length - 1]) {
      const changed = Buffer.from(bytes);
      changed[place]! ^= 1;
      await refused(`changed at ${place}`, changed.toString('base64url'));
    }
    await refused('cut', handle.slice(0, -10));
    await refused('empty', '');
    await refused('made up', Buffer.from(JSON.stringify({ by: 'x', filter: {} })).toString('base64url'));
    await refused('another secret', server.context.secrets.seal(randomBytes(300), 'another use').toString());
    assert.deepEqual(new Set(refusals.slice(1).map(([, code]) => code)), new Set(['preview_invalid']));
    assert.equal(refusals[0]![1], 'preview_of_another');
    clock.advance(10 * minute);
    await refused('too old', handle);
    assert.equal(refusals.at(-1)![1], 'preview_expired');
    assert.deepEqual(await server.state(), state);
    assert.equal(await active(sessions), 3);
    const lacking = (await server.call('POST', '/v1/keys', { name: 'lacking', scopes: ['sessions.read'] })).body.token;
    const own = await preview({ group: 'kept' }, lacking);
    assert.equal((await end(own.preview, lacking)).body.code, 'permission_missing');
  });

  test('a person needs the second factor; their own session is counted, and ends last', async () => {
    const { body } = await server.login();
    const authenticator = await server.enrol(body.account.id);
    const user = body.account.id;
    await Promise.all(Array.from({ length: 120 }, () => server.createSession(user)));
    clock.advance(minute);
    const { token } = (await server.login('admin', undefined, authenticator.next())).body;
    clock.advance(6 * minute);
    const found = await preview({ user }, token);
    assert.deepEqual([found.own, found.users], [true, 1]);
    const asked = await end(found.preview, token);
    assert.deepEqual([asked.status, asked.body.code], [403, 'second_factor_required']);
    const authority = createAuthority(server.context);
    const caller = await authority.authenticateSession(token);
    const first = await authority.endPreviewed(caller, { preview: found.preview }, 0);
    assert.deepEqual([first.counted, first.ended, first.receipt], [found.sessions, 99, undefined]);
    assert.equal((await server.verify(token)).active, true, 'it is the newest, and is still needed');
    const code = authenticator.next();
    const rest = await server.call(
      'POST',
      '/v1/sessions/end-previewed',
      { preview: first.preview },
      { as: token, code },
    );
    assert.deepEqual([rest.body.ended, rest.body.preview], [found.sessions, undefined]);
    assert.deepEqual(await server.verify(token), { active: false, reason: 'logout' });
    assert.equal(await server.context.store.countActive(clock.now(), user), 0);
  });

  test('many are ended in parts: each answer has the numbers so far and the handle for the rest', async () => {
    await Promise.all(Array.from({ length: 450 }, () => server.createSession('many')));
    clock.advance(1);
    const { preview: handle, sessions } = await preview({ user: 'many' });
    const authority = createAuthority(server.context);
    const caller = await authority.authenticateKey(server.key);
    const seen: number[] = [];
    let left: string | undefined = handle;
    while (left !== undefined) {
      clock.advance(9 * minute);
      const answer = await authority.endPreviewed(caller, { preview: left }, 0);
      seen.push(answer.ended);
      left = answer.preview;
      assert.equal(answer.receipt === undefined, left !== undefined);
    }
    assert.deepEqual([sessions, ...seen], [450, 100, 200, 300, 400, 450]);
    assert.equal(await server.context.store.countActive(clock.now(), 'many' as never), 0);
    await assert.rejects(authority.endPreviewed(caller, { preview: handle }), { code: 'preview_expired' });
  });

  test('a count that ran out of time is partial, and its handle ends just the newest ones, which were counted', async () => {
    await Promise.all(Array.from({ length: 1200 }, () => server.createSession('very many')));
    clock.advance(1);
    const authority = createAuthority(server.context);
    const found = await authority.previewSessions(library, { user: 'very many' }, 0);
    assert.ok(found.partial && found.sessions > 0 && found.sessions < 1200, `${found.sessions}`);
    let ended = 0;
    for (let left = found.preview; left !== undefined; ) {
      ({ ended, preview: left } = await authority.endPreviewed(library, { preview: left }));
    }
    assert.equal(ended, found.sessions);
    // Counted without a limit of time, which a busy machine would need.
    assert.equal(await server.context.store.countActive(clock.now(), 'very many' as never), 1200 - ended);
  });

  test('two ends by one handle at the same moment end each session once', async () => {
    const sessions = await open(20, 'twice');
    const { preview: handle } = await preview({ group: 'twice' });
    // What ends in the millisecond of the count itself has ended before it, and is not meant.
    clock.advance(1);
    const answers = await Promise.all([end(handle), end(handle)]);
    const total = answers.reduce((sum, { body }) => sum + body.ended, 0);
    assert.deepEqual([total, await active(sessions)], [20, 0]);
    for (const { body } of answers) {
      assert.deepEqual([body.ended + body.alreadyEnded, body.receipt.everywhere], [20, true]);
    }
    const { body } = await server.call('GET', '/v1/events?type=session.ended&limit=100');
    const ended = body.events.filter(({ userId }: Json) => userId.startsWith('twice'));
    assert.equal(ended.length, 20);
  });
});
