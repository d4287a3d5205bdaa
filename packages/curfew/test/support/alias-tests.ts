import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { describe, type TestContext, test } from 'node:test';
import { createClient } from 'curfew-client';
import type { AliasCredential } from 'curfew-client/protocol';
import { createVerifier } from 'curfew-client/verifier';
import { hour, second } from '../../src/domain/limits.ts';
import { manualClock } from './ports.ts';
import { TestServer } from './server.ts';

/** An old cookie's secret, and its alias for a creation. */
export function oldSecret(kind = 'express'): AliasCredential & { hashed: { kind: string; hash: string } } {
  const secret = randomUUID();
  return { alias: { kind, secret }, hashed: { kind, hash: createHash('sha256').update(secret).digest('base64url') } };
}

const kindOf = (verdict: { active: boolean; reason?: string }) => (verdict.active ? 'active' : verdict.reason);

/** Aliases on real servers: two of them on one store, and a verifier; an embedded store has one server, which is both. */
export function testAliases(kind: 'lmdb' | 'redis' | 'postgres', options: { skip?: boolean } = {}): void {
  describe(`aliases on ${kind}`, options, () => {
    const fleet = async (t: TestContext, clock?: ReturnType<typeof manualClock>) => {
      const env = { CURFEW_LEASE_MS: '20000' };
      const here = await TestServer.start(env, clock, kind);
      const there = kind === 'lmdb' ? here : await here.another(env, clock);
      const verifier = createVerifier({ url: here.url, key: here.key });
      t.after(async () => {
        verifier.close();
        if (there !== here) await there.leave();
        await here.close();
      });
      const verify = async (server: TestServer, credential: AliasCredential) =>
        (await server.call('POST', '/v1/sessions/verify', { alias: credential.alias })).body;
      return { here, there, verifier, verify };
    };

    test('once an end through one node has returned, no node and no verifier answers active for an alias', async (t) => {
      const { here, there, verifier, verify } = await fleet(t);
      const ends: Record<
        string,
        (id: string, userId: string, old: AliasCredential) => Promise<{ body: { receipt: object } }>
      > = {
        'by id': (id) => there.call('DELETE', `/v1/sessions/${id}`),
        'by alias': (_, __, { alias }) => there.call('POST', '/v1/sessions/logout', { alias }),
        'all of the user': (_, userId) => there.call('DELETE', `/v1/users/${userId}/sessions`),
        everyone: () => there.call('POST', '/v1/sessions/end-everyone', { confirm: 'everyone' }),
      };
      for (const [how, end] of Object.entries(ends)) {
        const userId = `user ${how}`.replaceAll(' ', '-');
        const [old, other] = [oldSecret('express'), oldSecret('django')];
        const made = await here.createSession(userId, { aliases: [old.hashed, other.hashed] });
        const credentials: AliasCredential[] = [old, other].map(({ alias }) => ({ alias }));
        for (const credential of credentials) {
          for (const server of [here, there])
            assert.equal((await verify(server, credential)).session.id, made.session.id);
          const verdict = await verifier.verify(credential);
          assert.ok(verdict.active);
          assert.equal(verifier.check(credential), verdict, 'memory returns the same object');
        }
        assert.ok((await verifier.verify(made.token)).active);
        const { body } = await end(made.session.id, userId, old);
        assert.equal((body.receipt as { everywhere: boolean; by: string }).by, 'acks', how);
        for (const credential of credentials) {
          assert.equal(verifier.check(credential), undefined, `${how}: the verifier answers from memory`);
          assert.equal((await verifier.verify(credential)).active, false, how);
          for (const server of [here, there]) assert.equal((await verify(server, credential)).active, false, how);
        }
        assert.equal(verifier.check(made.token), undefined);
      }
    });

    test('an unknown alias is not remembered: the session that is created with it next is active everywhere', async (t) => {
      const { here, there, verifier, verify } = await fleet(t);
      const old = oldSecret();
      const credential = { alias: old.alias };
      for (let round = 0; round < 2; round++) {
        assert.deepEqual(await verifier.verify(credential), { active: false, reason: 'unknown' });
        for (const server of [here, there]) assert.equal(kindOf(await verify(server, credential)), 'unknown');
      }
      await here.createSession('ada', { aliases: [old.hashed] });
      assert.ok((await verifier.verify(credential)).active);
      for (const server of [here, there]) assert.equal(kindOf(await verify(server, credential)), 'active');
    });

    test('suspension and groups reach an alias as they reach a token', async (t) => {
      const { here, there, verifier } = await fleet(t);
      const old = oldSecret();
      await here.createSession('ada', { aliases: [old.hashed], name: 'desk' });
      const credential = { alias: old.alias };
      assert.ok((await verifier.verify(credential)).active);
      await there.call('POST', '/v1/users/ada/access-groups', { add: ['staff'] });
      const changed = await verifier.verify(credential);
      assert.deepEqual(changed.active && changed.session.accessGroups, ['staff']);
      const { context } = there;
      const { stored } = (await context.store.readNamedSession('desk' as never))!;
      const set = { suspended: true };
      const suspended = await context.store.changeSession({
        id: stored.id,
        version: stored.version,
        set,
        logged: true,
        now: context.clock.now(),
      });
      assert.ok(suspended.kind === 'changed');
      await context.fence.awaitEverywhere(suspended.sequence!, 'everywhere');
      assert.deepEqual(await verifier.verify(credential), { active: false, reason: 'suspended' });
    });

    test('racing exchanges of one alias give the same tokens; it works for 30 seconds more, and then is unknown', async (t) => {
      const clock = manualClock();
      const { here, there, verify } = await fleet(t, clock);
      const old = oldSecret();
      const made = await here.createSession('ada', { aliases: [old.hashed] });
      const exchange = (server: TestServer) => server.call('POST', '/v1/sessions/exchange-alias', { alias: old.alias });
      const answers = await Promise.all(Array.from({ length: 8 }, (_, i) => exchange(i % 2 === 0 ? here : there)));
      for (const { status, body } of answers) {
        assert.equal(status, 200);
        assert.deepEqual([body.token, body.refreshToken], [answers[0]!.body.token, answers[0]!.body.refreshToken]);
        assert.equal(body.session.id, made.session.id);
      }
      const { token, refreshToken } = answers[0]!.body;
      assert.equal((await there.verify(token)).session.id, made.session.id);
      assert.equal(kindOf(await here.verify(made.token)), 'unknown', 'an earlier token goes on working');
      const earlier = await here.call('POST', '/v1/sessions/refresh', { refreshToken: made.refreshToken }, { as: '' });
      assert.equal(earlier.body.code, 'token_unknown');
      assert.equal(kindOf(await verify(there, old)), 'active');
      clock.advance(29 * second);
      assert.equal(kindOf(await verify(here, old)), 'active');
      assert.equal((await exchange(there)).body.token, token);
      clock.advance(second);
      for (const server of [here, there]) {
        assert.equal(kindOf(await verify(server, old)), 'unknown');
        const late = await exchange(server);
        assert.deepEqual([late.status, late.body.code], [404, 'alias_unknown']);
        // A copy of the old cookie ends nothing: applications cannot always remove it.
        assert.equal(kindOf(await server.verify(token)), 'active');
      }
      const refreshed = await there.call('POST', '/v1/sessions/refresh', { refreshToken }, { as: '' });
      assert.equal(refreshed.status, 200);
      assert.equal(
        (await here.call('POST', '/v1/sessions', { userId: 'bob', aliases: [old.hashed] })).body.code,
        'alias_taken',
      );
      const ended = await here.call('POST', '/v1/sessions/logout', { alias: old.alias });
      assert.equal(ended.body.session.id, made.session.id, 'a spent alias still names its session to a logout');
      assert.equal(kindOf(await there.verify(refreshed.body.token)), 'logout');
      assert.equal((await exchange(here)).body.code, 'alias_unknown');
    });

    test('once the tokens of an exchange were refreshed, the alias gives no more', async (t) => {
      const { here, there } = await fleet(t);
      const old = oldSecret();
      await here.createSession('ada', { aliases: [old.hashed] });
      const exchange = () => there.call('POST', '/v1/sessions/exchange-alias', { alias: old.alias });
      const { refreshToken } = (await exchange()).body;
      assert.equal((await here.call('POST', '/v1/sessions/refresh', { refreshToken }, { as: '' })).status, 200);
      assert.equal((await exchange()).body.code, 'alias_unknown');
    });

    test('an alias ends with its session, stays taken while that is kept, and is free when it is forgotten', async (t) => {
      const clock = manualClock();
      const { here, there, verify } = await fleet(t, clock);
      const old = oldSecret();
      await here.createSession('ada', { aliases: [old.hashed], idle: 60 });
      clock.advance(hour);
      assert.equal(kindOf(await verify(there, old)), 'idle');
      const again = () => there.call('POST', '/v1/sessions', { userId: 'ada', aliases: [old.hashed] });
      const taken = await again();
      assert.deepEqual([taken.status, taken.body.code], [409, 'alias_taken']);
      assert.doesNotMatch(JSON.stringify(taken.body), new RegExp(`${old.hashed.hash}|ada`));
      const { context } = here;
      for (const later of [1, 2]) {
        const now = context.clock.now() + later * 1000 * hour;
        for (let more = true; more; ) {
          ({ more } = await context.store.sweep({ now, keepEnded: hour, keepEvents: hour, batch: 100 }));
        }
      }
      assert.equal(kindOf(await verify(there, old)), 'unknown');
      assert.equal((await again()).status, 201);
    });

    test('the typed client creates, verifies, exchanges and ends by alias', async (t) => {
      const { here } = await fleet(t);
      const client = createClient({ url: here.url, token: here.key });
      const { alias, hashed } = oldSecret();
      const made = await client.createSession({ userId: 'ada', aliases: [hashed] });
      assert.equal((await client.verifySession({ alias })).session?.id, made.session.id);
      const { token } = await client.exchangeAlias({ alias });
      assert.equal((await client.verifySession({ token })).active, true);
      assert.equal((await client.logoutSession({ alias })).session.id, made.session.id);
      assert.equal((await client.verifySession({ alias })).reason, 'logout');
      await assert.rejects(client.exchangeAlias({ alias }), { code: 'session_ended' });
    });
  });
}
