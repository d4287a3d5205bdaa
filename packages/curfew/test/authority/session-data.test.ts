import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, type TestContext, test } from 'node:test';
import { type Client, CurfewApiError, createClient } from 'curfew-client';
import { anonymousKind } from 'curfew-client/protocol';
import { importSession, importStore } from '../../src/authority/import-session.ts';
import type { SessionId } from '../../src/domain/brand.ts';
import { hour, minute, second } from '../../src/domain/limits.ts';
import { oldSecret } from '../support/alias-tests.ts';
import { manualClock, random } from '../support/ports.ts';
import { TestServer } from '../support/server.ts';

async function start(t: TestContext, clock?: ReturnType<typeof manualClock>) {
  const server = await TestServer.start({}, clock);
  t.after(() => server.close());
  return { server, client: createClient({ url: server.url, token: server.key }) };
}

describe('the user id of visitors who are not signed in', () => {
  const userId = 'anonymous';

  test('is nobody else’s: no creation, data, widget or import can name it', async (t) => {
    const { server, client } = await start(t);
    const { hashed } = oldSecret();
    const tries = {
      createSession: () => client.createSession({ userId }),
      keepSessionData: () => client.keepSessionData({ alias: hashed, userId, data: '{}' }),
      createWidgetToken: () => client.createWidgetToken({ userId, origin: 'https://app.example.com' }),
    };
    for (const [name, attempt] of Object.entries(tries)) {
      await assert.rejects(attempt(), { code: 'invalid_value', message: /anonymous/ }, name);
    }
    const { store, policy, clock } = server.context;
    const parts = { into: await importStore(store), random, policy, lifetime: hour };
    const found = { alias: hashed, userId, expiresAt: undefined, metadata: {} };
    for (const dryRun of [true, false]) {
      await assert.rejects(importSession(parts, found, clock.now(), dryRun), { code: 'invalid_value' });
    }
    assert.equal((await client.listSessions({})).sessions.length, 0);
  });

  test('is that of data without a user, whose sessions can be listed and ended', async (t) => {
    const { client } = await start(t);
    const { session } = await client.keepSessionData({ alias: oldSecret().hashed, data: '{}' });
    assert.equal(session.userId, userId);
    assert.equal((await client.listSessions({ user: userId })).sessions.length, 1);
    assert.equal((await client.endUserSessions({ userId })).ended, 1);
  });

  test('N1.9: is nobody’s to act as: no caller gets the tokens of its sessions, or changes what they may reach', async (t) => {
    const { client } = await start(t);
    const { alias, hashed } = oldSecret();
    const { session } = await client.keepSessionData({ alias: hashed, data: '{}' });
    const ofNobody = { ...alias, kind: anonymousKind(alias.kind) };
    assert.equal((await client.verifySession({ alias: ofNobody })).active, true);
    await assert.rejects(client.exchangeAlias({ alias: ofNobody }), { code: 'alias_unknown' });
    const groups = { userId, add: ['staff'] };
    for (const change of [groups, { ...groups, sessionId: session.id }]) {
      await assert.rejects(client.changeAccessGroupsOfUser(change), { code: 'invalid_value', message: /anonymous/ });
    }
    assert.deepEqual((await client.getSession({ id: session.id })).session.accessGroups, []);
  });
});

describe('data that is kept by an alias', () => {
  test('is not changed, and its session not ended, by an alias that was exchanged and has stopped working', async (t) => {
    const clock = manualClock();
    const { client } = await start(t, clock);
    const { alias, hashed } = oldSecret();
    await client.keepSessionData({ alias: hashed, userId: 'ada', data: '{}' });
    const { token } = await client.exchangeAlias({ alias });
    clock.advance(29 * second);
    await client.keepSessionData({ alias: hashed, userId: 'ada', data: '{"cart":[7]}' });
    clock.advance(second);
    const before = (await client.verifySession({ token })).session;
    for (const change of [{ userId: 'ada', data: '{"cart":[8]}', idle: 86_400 }, { data: '{}' }]) {
      await assert.rejects(client.keepSessionData({ alias: hashed, ...change }), {
        code: 'alias_unknown',
        status: 404,
      });
    }
    assert.deepEqual((await client.verifySession({ token })).session, before);
    const [kept, ...others] = (await client.listSessionData({ kind: hashed.kind })).sessions;
    assert.deepEqual([kept!.data, others], ['{"cart":[7]}', []]);
  });

  test('is not changed by a call that has seen other data; that only counts as activity, and opens nothing', async (t) => {
    const clock = manualClock();
    const { client } = await start(t, clock);
    const { hashed } = oldSecret();
    const seen = createHash('sha256').update('{"cart":[7]}').digest('base64url');
    const cases: [string, string | undefined][] = [
      ['nobody', undefined],
      ['ada', 'ada'],
    ];
    await assert.rejects(client.keepSessionData({ alias: hashed, data: '{}', seen }), { code: 'session_not_found' });
    for (const [what, userId] of cases) {
      const data = async () => (await client.listSessionData({ kind: hashed.kind })).sessions.map((one) => one.data);
      const keep = (text: string, more: object = {}) =>
        client.keepSessionData({ alias: hashed, userId, data: text, ...more });
      await keep('{"cart":[7]}');
      assert.ok((await keep('{"cart":[7],"n":1}', { seen })).receipt, what);
      assert.deepEqual(await data(), ['{"cart":[7],"n":1}']);
      const { idleExpiresAt } = (await keep('{"cart":[7],"n":1}')).session;
      clock.advance(minute);
      const late = await keep('{"cart":[7],"n":2}', { seen });
      assert.equal(late.receipt, undefined, what);
      assert.deepEqual(await data(), ['{"cart":[7],"n":1}']);
      const { session } = await keep('{"cart":[7],"n":3}');
      assert.equal(Date.parse(session.idleExpiresAt!) - Date.parse(idleExpiresAt!), minute, 'it was not used');
    }
  });

  test('is not changed by a call that has seen other data, although that is saved while the call reads', async (t) => {
    for (const userId of [undefined, 'ada']) {
      const { server, client } = await start(t);
      const { hashed } = oldSecret();
      const keep = (data: string, more: object = {}) =>
        client.keepSessionData({ alias: hashed, userId, data, ...more });
      await keep('{"cart":[7]}');
      const seen = createHash('sha256').update('{"cart":[7]}').digest('base64url');
      const { store } = server.context;
      const read = store.readSessionByAlias.bind(store);
      let reads = 0;
      store.readSessionByAlias = async (alias) => {
        const found = await read(alias);
        // Once the call has read the session.
        if (found && reads++ === 0) await keep('{"cart":[7,8]}');
        return found;
      };
      assert.equal((await keep('{"cart":[7],"n":1}', { seen })).receipt, undefined);
      assert.deepEqual(
        (await client.listSessionData({ kind: hashed.kind })).sessions.map(({ data }) => data),
        ['{"cart":[7,8]}'],
        `of ${userId ?? 'nobody'}`,
      );
    }
  });

  test('the events of its ends name the caller, not the user', async (t) => {
    const { server, client } = await start(t);
    const { hashed } = oldSecret();
    const { body: key } = await server.call('POST', '/v1/keys', { name: 'shop', scopes: ['sessions.create'] });
    const shop = createClient({ url: server.url, token: key.token });
    await shop.keepSessionData({ alias: hashed, data: '{}' });
    await shop.keepSessionData({ alias: hashed, userId: 'ada', data: '{}' });
    await shop.keepSessionData({ alias: hashed, data: '{}' });
    const { events } = await client.listEvents({ type: 'session.ended' });
    assert.deepEqual(
      events.map(({ by, userId, reason }) => ({ by, userId, reason })).sort((a, b) => (a.userId! < b.userId! ? -1 : 1)),
      [
        { by: `key:${key.key.id}`, userId: 'ada', reason: 'logout' },
        { by: `key:${key.key.id}`, userId: 'anonymous', reason: 'replaced' },
      ],
    );
  });

  test('ends the session of nobody at the next save, if that could not be done when somebody signed in', async (t) => {
    const { client } = await start(t);
    const { hashed } = oldSecret();
    const nobody = await client.keepSessionData({ alias: hashed, data: '{}' });
    // What is left if the store, or the process, fails between the two steps of a sign-in.
    const { session } = await client.createSession({ userId: 'ada', aliases: [hashed] });
    for (const data of ['{"cart":[7]}', '{"cart":[7]}', '{"cart":[8]}']) {
      const kept = await client.keepSessionData({ alias: hashed, userId: 'ada', data });
      assert.deepEqual([kept.session.id, kept.session.status], [session.id, 'active']);
      const { session: earlier } = await client.getSession({ id: nobody.session.id });
      assert.deepEqual([earlier.status, earlier.endReason], ['ended', 'replaced']);
    }
    const { events } = await client.listEvents({ type: 'session.ended' });
    assert.equal(events.length, 1);
  });

  describe('of a sign-in under way while the session of nobody ends', () => {
    /** Runs `meanwhile` between a sign-in's reads and the opening of its session. */
    async function signInDuring(t: TestContext, meanwhile: (world: World) => unknown) {
      const clock = manualClock();
      const { server, client } = await start(t, clock);
      const { alias, hashed } = oldSecret();
      const { session } = await client.keepSessionData({ alias: hashed, data: '{}', idle: 600 });
      const { store } = server.context;
      const create = store.createSession;
      store.createSession = async (creation) => {
        store.createSession = create;
        await meanwhile({ server, client, clock, alias, nobody: session.id });
        return create.call(store, creation);
      };
      const signedIn = await client
        .keepSessionData({ alias: hashed, userId: 'ada', data: '{"user":"ada"}', existing: true })
        .catch((error: unknown) => error as CurfewApiError);
      return { client, alias, signedIn };
    }
    type World = {
      server: TestServer;
      client: Client;
      clock: ReturnType<typeof manualClock>;
      alias: Alias;
      nobody: string;
    };
    type Alias = ReturnType<typeof oldSecret>['alias'];

    /** What `destroy` of a session of express-session does. */
    const destroy = async ({ client, alias }: World) => {
      for (const kind of [alias.kind, anonymousKind(alias.kind)]) {
        await client.logoutSession({ alias: { ...alias, kind } }).catch(() => {});
      }
    };
    const ends: [reason: string, meanwhile: (world: World) => unknown][] = [
      ['logout', destroy],
      ['ended_by_admin', ({ client, nobody }) => client.endSession({ id: nobody })],
      ['all_of_user', ({ client }) => client.endUserSessions({ userId: 'anonymous' })],
      ['idle', ({ clock }) => clock.advance(600 * second)],
    ];
    for (const [reason, meanwhile] of ends) {
      test(`is refused, and nobody is signed in, if that ends otherwise than by the sign-in: ${reason}`, async (t) => {
        const { client, alias, signedIn } = await signInDuring(t, meanwhile);
        assert.ok(signedIn instanceof CurfewApiError, 'somebody is signed in with a cookie that was over');
        assert.deepEqual([signedIn.code, signedIn.problem?.reason], ['session_ended', reason]);
        assert.deepEqual(await client.verifySession({ alias }), { active: false, reason: 'logout' });
      });
    }

    test('is kept if another try of the sign-in has ended that', async (t) => {
      const { client, alias, signedIn } = await signInDuring(t, ({ server: { context }, nobody }) =>
        context.store.endSession(nobody as SessionId, { at: context.clock.now(), by: 'policy', reason: 'replaced' }),
      );
      assert.ok(!(signedIn instanceof CurfewApiError), String(signedIn));
      const verdict = await client.verifySession({ alias });
      assert.deepEqual([verdict.active, verdict.session?.userId], [true, 'ada']);
    });
  });
});
