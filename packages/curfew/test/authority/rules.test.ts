import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { library } from '../../src/authority/caller.ts';
import { type Authority, createAuthority } from '../../src/authority/index.ts';
import type { SessionId } from '../../src/domain/brand.ts';
import { day, hour, minute, second } from '../../src/domain/limits.ts';
import { CurfewError } from '../../src/errors.ts';
import { type CurfewOptions, compose } from '../../src/start/compose.ts';
import { PartlySwept, PartlyTouched } from '../../src/stores/contract.ts';
import { manualClock } from '../support/ports.ts';
import { temporaryStore } from '../support/store.ts';

/** The use cases with a separate store for each test, on a clock that the test sets. */
async function open(t: { after(done: () => Promise<void>): void }, settings: Partial<CurfewOptions> = {}) {
  const store = await temporaryStore();
  const clock = manualClock();
  const reopen = () => compose({ ...store.settings, clock, ...settings });
  let opened = await reopen();
  t.after(async () => {
    await opened.close();
    await store.remove();
  });
  return {
    clock,
    get context() {
      return opened.context;
    },
    get authority(): Authority {
      return createAuthority(opened.context);
    },
    sweep: () => opened.upkeep.sweep(),
    async restart() {
      await opened.close();
      opened = await reopen();
    },
  };
}

describe('refreshing', () => {
  test('CVE-2026-1035: 64 concurrent refreshes get the same successor', async (t) => {
    const { authority } = await open(t);
    const { refreshToken, session } = await authority.createSession(library, { userId: 'ada' });
    const all = await Promise.all(Array.from({ length: 64 }, () => authority.refreshSession(refreshToken)));
    assert.equal(new Set(all.map((one) => one.token)).size, 1);
    assert.equal(new Set(all.map((one) => one.refreshToken)).size, 1);
    assert.equal((await authority.verifySession(all[0]!.token)).active, true);
    assert.equal((await authority.getSession(session.id)).status, 'active');
  });

  test('what a use case has read, the store need not read again: a reused refresh token, and a name', async (t) => {
    const { authority, clock, context } = await open(t);
    const ends = t.mock.method(context.store, 'endSession');
    const reused = await authority.createSession(library, { userId: 'ada' });
    await authority.refreshSession(reused.refreshToken);
    clock.advance(minute);
    await assert.rejects(authority.refreshSession(reused.refreshToken), { code: 'session_ended' });
    const held = await authority.createSession(library, { userId: 'bob', name: 'desk' });
    await authority.logoutNamedSession(library, 'desk');
    const seen = ends.mock.calls.map(({ arguments: [, , condition] }) => condition?.seen?.id);
    assert.deepEqual(seen, [reused.session.id, held.session.id]);
  });

  test('django-oauth-toolkit 1617, N7.2: the previous token works for 30 s after the first rotation; then it ends the session', async (t) => {
    const { authority, clock } = await open(t);
    const first = await authority.createSession(library, { userId: 'ada' });
    const next = await authority.refreshSession(first.refreshToken);
    clock.advance(30 * second);
    assert.deepEqual(
      [(await authority.refreshSession(first.refreshToken)).token],
      [next.token],
      'the previous one gives the same successor',
    );
    clock.advance(1);
    await assert.rejects(authority.refreshSession(first.refreshToken), { code: 'session_ended' });
    assert.deepEqual(await authority.verifySession(next.token), { active: false, reason: 'refresh_reuse' });
    await assert.rejects(authority.refreshSession(next.refreshToken), { code: 'session_ended' });
  });

  test('django-oauth-toolkit 1617: an earlier generation ends the session, even within the window', async (t) => {
    const { authority } = await open(t);
    const first = await authority.createSession(library, { userId: 'ada' });
    const next = await authority.refreshSession(first.refreshToken);
    const last = await authority.refreshSession(next.refreshToken);
    await assert.rejects(authority.refreshSession(first.refreshToken), { code: 'session_ended' });
    assert.equal((await authority.verifySession(last.token)).active, false);
  });

  test('7.3.2: a thousand refreshes do not exceed the absolute limit', async (t) => {
    const { authority, clock } = await open(t, { policy: { absolute: 1000 * minute, idle: hour } });
    let { refreshToken, token } = await authority.createSession(library, { userId: 'ada' });
    for (let i = 0; i < 999; i++) {
      clock.advance(minute);
      ({ refreshToken, token } = await authority.refreshSession(refreshToken));
    }
    assert.equal((await authority.verifySession(token)).active, true);
    clock.advance(minute);
    await assert.rejects(authority.refreshSession(refreshToken), { code: 'session_ended' });
    assert.deepEqual(await authority.verifySession(token), { active: false, reason: 'expired' });
  });

  test('CVE-2026-9802: ended sessions and rotated tokens stay so after a restart', async (t) => {
    const at = await open(t);
    const one = await at.authority.createSession(library, { userId: 'ada' });
    const two = await at.authority.createSession(library, { userId: 'ada' });
    await at.authority.endSession(library, { id: one.session.id });
    const fresh = await at.authority.refreshSession(two.refreshToken);
    await at.restart();
    assert.deepEqual(await at.authority.verifySession(one.token), { active: false, reason: 'ended_by_admin' });
    await assert.rejects(at.authority.refreshSession(one.refreshToken), { code: 'session_ended' });
    assert.equal((await at.authority.verifySession(two.token)).active, false);
    assert.equal((await at.authority.verifySession(fresh.token)).active, true);
    at.clock.advance(minute);
    await assert.rejects(at.authority.refreshSession(two.refreshToken), { code: 'session_ended' });
  });

  test('keycloak 51127, better-auth 11073: a refresh that races an end never leaves a session active', async (t) => {
    const { authority } = await open(t);
    for (let i = 0; i < 30; i++) {
      const { refreshToken, session } = await authority.createSession(library, { userId: `user ${i}` });
      const [refreshed] = await Promise.allSettled([
        authority.refreshSession(refreshToken),
        authority.endSession(library, { id: session.id }),
        authority.refreshSession(refreshToken),
      ]);
      assert.equal((await authority.getSession(session.id)).status, 'ended');
      if (refreshed.status === 'fulfilled') {
        assert.equal((await authority.verifySession(refreshed.value.token)).active, false);
      }
    }
  });
});

describe('deadlines', () => {
  test('7.3.1: the idle limit holds to the second, and every verification extends it', async (t) => {
    const { authority, clock } = await open(t);
    const { token } = await authority.createSession(library, { userId: 'ada', idle: 60 * second });
    for (let i = 0; i < 10; i++) {
      clock.advance(59 * second);
      assert.equal((await authority.verifySession(token)).active, true, `round ${i}`);
    }
    clock.advance(60 * second);
    assert.deepEqual(await authority.verifySession(token), { active: false, reason: 'idle' });
  });

  test('activity is recorded once a minute, and survives a restart', async (t) => {
    const at = await open(t);
    const { token, session } = await at.authority.createSession(library, { userId: 'ada', idle: hour });
    let writes = 0;
    const { store } = at.context;
    const original = store.touchSessions;
    store.touchSessions = (activities) => {
      writes += activities.length;
      return original.call(store, activities);
    };
    for (let i = 0; i < 100; i++) {
      at.clock.advance(second);
      await at.authority.verifySession(token);
      await at.context.activity.flush(at.clock.now());
    }
    assert.ok(writes <= 2, `${writes} writes in 100 s`);
    const seen = at.clock.now();
    await at.restart();
    assert.equal((await at.authority.getSession(session.id)).lastSeenAt, seen);
    at.clock.advance(hour - 1);
    assert.equal((await at.authority.verifySession(token)).active, true);
  });

  test('the use of an API key is recorded once an hour, and survives a restart; a failed write is made up for', async (t) => {
    const at = await open(t);
    const { token, key } = await at.authority.createKey(library, { name: 'n8n', scopes: ['sessions.end'] });
    const { store, keyUse } = at.context;
    const original = store.touchKeys;
    let writes = 0;
    store.touchKeys = (uses) => {
      writes += uses.length;
      return original.call(store, uses);
    };
    const use = async () => {
      await at.authority.authenticate(token);
      await keyUse.flush();
      return (await at.authority.getKey(key.id)).lastUsedAt;
    };
    const first = at.clock.now();
    assert.equal(await use(), first);
    at.clock.advance(hour - 1);
    assert.equal(await use(), first);
    assert.equal(writes, 1);
    at.clock.advance(1);
    store.touchKeys = () => Promise.reject(new Error('not now'));
    await assert.rejects(use(), /not now/);
    store.touchKeys = original;
    await keyUse.flush();
    assert.equal((await at.authority.getKey(key.id)).lastUsedAt, first + hour);
    at.clock.advance(hour);
    await at.authority.authenticate(token);
    await at.restart();
    assert.equal((await at.authority.getKey(key.id)).lastUsedAt, first + 2 * hour);
  });

  test('a flush writes what a flush in progress leaves out', async (t) => {
    const at = await open(t);
    const [one, two] = [
      await at.authority.createSession(library, { userId: 'ada' }),
      await at.authority.createSession(library, { userId: 'ben' }),
    ];
    const { activity, store } = at.context;
    at.clock.advance(2 * minute);
    const seen = at.clock.now();
    await at.authority.verifySession(one.token);
    const original = store.touchSessions;
    store.touchSessions = async (activities) => {
      // While the first is being written.
      if (activities.some(({ id }) => id === one.session.id)) {
        await at.authority.verifySession(two.token);
        store.touchSessions = original;
      }
      return original.call(store, activities);
    };
    await Promise.all([activity.flush(seen), activity.flush()]);
    for (const { session } of [one, two]) {
      assert.equal((await store.readSession(session.id as SessionId))?.stored.lastSeenAt, seen);
    }
  });

  test('a session that is used while its activity is being written stays active, however short its idle limit', async (t) => {
    const at = await open(t);
    const { token } = await at.authority.createSession(library, { userId: 'ada', idle: 10 * second });
    const { activity, store } = at.context;
    const original = store.touchSessions;
    store.touchSessions = async (activities) => {
      at.clock.advance(3);
      await at.authority.verifySession(token);
      return original.call(store, activities);
    };
    for (let i = 0; i < 40; i++) {
      at.clock.advance(second);
      await at.sweep();
      assert.equal((await at.authority.verifySession(token)).active, true, `after ${i} s`);
      await activity.flush(at.clock.now());
    }
  });

  test('the sweep spares sessions that were active while it recorded earlier activity, however far the time has moved', async (t) => {
    const { authority, clock, context, sweep } = await open(t);
    const { token, session } = await authority.createSession(library, { userId: 'ada', idle: 60 * second });
    const seen = async () => assert.equal((await authority.verifySession(token)).active, true);
    clock.advance(59 * second);
    await seen();
    const { store } = context;
    const write = store.touchSessions.bind(store);
    store.touchSessions = async (activities) => {
      store.touchSessions = write;
      await write(activities);
      clock.advance(59 * second);
      await seen();
      clock.advance(2 * second);
    };
    await sweep();
    assert.equal(store.touchSessions, write, 'nothing was recorded');
    assert.equal((await store.readSession(session.id as SessionId))!.stored.end, undefined);
    await seen();
  });

  test('while a part of the store cannot write activity, all others do, and the sweep ends nobody who was active there', async (t) => {
    const { authority, clock, context, sweep } = await open(t);
    const { store, activity } = context;
    const opened = async (userId: string) => authority.createSession(library, { userId, idle: 60 * second });
    const [lost, there, unused] = [await opened('lost'), await opened('there'), await opened('unused')];
    const { stored } = (await store.readSession(there.session.id as SessionId))!;
    clock.advance(59 * second);
    const seen = clock.now();
    for (const { token } of [lost, there]) assert.equal((await authority.verifySession(token)).active, true);
    // More than are written together.
    for (let i = 0; i < 2000; i++) activity.note({ ...stored, id: `ses_${i}` as SessionId }, seen);
    const write = store.touchSessions;
    const asked: string[] = [];
    const isLost = (id: string) => id === lost.session.id;
    store.touchSessions = async (activities) => {
      asked.push(...activities.map(({ id }) => id));
      await write(activities.filter(({ id }) => !isLost(id)));
      const fault = new CurfewError('store_unavailable');
      if (activities.some(({ id }) => isLost(id))) throw new PartlyTouched(fault, isLost);
    };
    await assert.rejects(activity.flush(seen), { code: 'store_unavailable' });
    assert.equal(asked.length, 2002);
    const endOf = async (id: string) => (await store.readSession(id as SessionId))?.stored.end?.reason;
    clock.advance(2 * second);
    await assert.rejects(sweep(), { code: 'store_unavailable' });
    assert.deepEqual(asked.slice(2002), [lost.session.id], 'what was written is written again');
    assert.equal(await endOf(unused.session.id), 'idle');
    for (const { session } of [lost, there]) assert.equal(await endOf(session.id), undefined);
    store.touchSessions = write;
    await sweep();
    assert.equal((await store.readSession(lost.session.id as SessionId))?.stored.lastSeenAt, seen);
  });

  test('a session that was used right before and right after its idle deadline goes on, written or not', async (t) => {
    const { authority, clock, context, sweep } = await open(t);
    const opened = await authority.createSession(library, { userId: 'ada', idle: 60 * second });
    clock.advance(60 * second - 1);
    assert.equal((await authority.verifySession(opened.token)).active, true);
    clock.advance(2);
    assert.equal((await authority.verifySession(opened.token)).active, true);
    await sweep();
    await sweep();
    const { stored } = (await context.store.readSession(opened.session.id as SessionId))!;
    assert.deepEqual([stored.end, stored.lastSeenAt], [undefined, clock.now()]);
  });

  test('the sweep goes on as long as there is more to do, although a part of the store cannot be swept', async (t) => {
    const { context, sweep } = await open(t);
    const { store } = context;
    let left = 5;
    store.sweep = async () => {
      left -= 1;
      const outcome = { expired: 0, endsWritten: 0, forgotten: 0, more: left > 0 };
      throw new PartlySwept(new CurfewError('store_unavailable'), outcome);
    };
    await assert.rejects(sweep(), { code: 'store_unavailable' });
    assert.equal(left, 0);
  });

  test('if very many sessions were active within a minute, none of them waits', async (t) => {
    const at = await open(t);
    const { token, session } = await at.authority.createSession(library, { userId: 'ada' });
    const { activity, store } = at.context;
    at.clock.advance(second);
    const seen = at.clock.now();
    assert.equal((await at.authority.verifySession(token)).active, true);
    await activity.flush(seen);
    const { stored } = (await store.readSession(session.id as SessionId))!;
    assert.equal(stored.lastSeenAt, seen - second);
    for (let i = 0; i < 50_000; i++) activity.note({ ...stored, id: `ses_${i}` as SessionId }, seen);
    await activity.flush(seen);
    assert.equal((await store.readSession(session.id as SessionId))?.stored.lastSeenAt, seen);
  });

  test('the sweep ends sessions past their deadline, and spares those active a moment ago', async (t) => {
    const { authority, clock, sweep } = await open(t);
    const quiet = await authority.createSession(library, { userId: 'ada', idle: hour });
    const busy = await authority.createSession(library, { userId: 'ada', idle: hour });
    clock.advance(hour - second);
    await authority.verifySession(busy.token);
    clock.advance(second);
    await sweep();
    assert.equal((await authority.getSession(quiet.session.id)).endReason, 'idle');
    assert.equal((await authority.verifySession(busy.token)).active, true);
  });
});

describe('policies and races', () => {
  test('a repeated removal of an account waits until what the store has completed is in force everywhere', async (t) => {
    const { authority, context } = await open(t);
    const { session } = await authority.createSession(library, { userId: 'ada' });
    const { store, fence } = context;
    store.deleteAccount = async ({ id, version, end }) => {
      assert.deepEqual([id, version], ['ada', 0]);
      const outcome = await store.endSessionsOfUser(session.userId, end);
      assert.ok(outcome.kind === 'ended');
      return { kind: 'not_found', sequence: outcome.sequence };
    };
    const waits = t.mock.method(fence, 'awaitEverywhere');
    await assert.rejects(authority.deleteAccount(library, 'ada'), { code: 'account_not_found' });
    assert.deepEqual(
      waits.mock.calls.map((call) => call.arguments),
      [[1, 'everywhere']],
    );
  });

  test('7.1.2: a user has at most N sessions: the oldest is replaced, or the new one refused', async (t) => {
    const replace = await open(t, { policy: { maxSessions: 2, excess: 'replace' } });
    const tokens = [];
    for (let i = 0; i < 3; i++) {
      replace.clock.advance(1);
      tokens.push((await replace.authority.createSession(library, { userId: 'ada' })).token);
    }
    assert.deepEqual(await replace.authority.verifySession(tokens[0]!), { active: false, reason: 'replaced' });
    assert.equal((await replace.authority.verifySession(tokens[1]!)).active, true);
    const refuse = await open(t, { policy: { maxSessions: 1, excess: 'refuse' } });
    await refuse.authority.createSession(library, { userId: 'ada' });
    await assert.rejects(refuse.authority.createSession(library, { userId: 'ada' }), { code: 'too_many_sessions' });
    assert.ok(await refuse.authority.createSession(library, { userId: 'bob' }));
  });

  test('7.4.2: R19: a sign-in does not survive a concurrent end of all sessions', async (t) => {
    const { authority, context } = await open(t);
    await authority.createAccount(library, { username: 'ada', password: 'correct horse' });
    const { account } = (await context.store.findAccount({ username: 'ada' }))!;
    const original = context.passwords.matches;
    for (const end of [
      () => authority.endUserSessions(library, account.id),
      () => authority.endEveryone(library, { confirm: 'everyone' }),
      () => authority.updateAccount(library, account.id, { disabled: true }),
    ]) {
      // Between reading the credential and opening the session, somebody ends all sessions.
      context.passwords.matches = async (...asked) => {
        const right = await original(...asked);
        await end();
        return right;
      };
      const signIn = authority.signIn({ login: { username: 'ada' }, password: 'correct horse' });
      await assert.rejects(signIn, { code: 'signed_out_meanwhile' });
      assert.equal(await context.store.countActive(context.clock.now(), account.id), 0);
    }
  });

  test('CVE-2026-8922: whatever happens in whatever order, ended sessions stay ended', async (t) => {
    const { authority, clock, sweep } = await open(t, { policy: { idle: day } });
    const act = fc.record({
      what: fc.constantFrom('create', 'end', 'endUser', 'everyone', 'refresh', 'verify', 'groups', 'wait', 'sweep'),
      who: fc.nat(2),
      which: fc.nat(50),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 5, maxLength: 40 }), async (acts) => {
        const open: { id: string; userId: string; token: string; refreshToken: string; over: boolean }[] = [];
        for (const { what, who, which } of acts) {
          const userId = `user ${who}`;
          const picked = open[which % Math.max(1, open.length)];
          const fall = (match: (one: (typeof open)[number]) => boolean) => {
            for (const one of open) if (match(one)) one.over = true;
          };
          if (what === 'create') {
            const { session, token, refreshToken } = await authority.createSession(library, { userId });
            open.push({ id: session.id, userId, token, refreshToken, over: false });
          } else if (what === 'end' && picked) {
            await authority.endSession(library, { id: picked.id });
            picked.over = true;
          } else if (what === 'endUser') {
            await authority.endUserSessions(library, userId);
            fall((one) => one.userId === userId);
          } else if (what === 'everyone') {
            await authority.endEveryone(library, { confirm: 'everyone' });
            fall(() => true);
          } else if (what === 'refresh' && picked) {
            const refreshed = await authority.refreshSession(picked.refreshToken).catch(() => undefined);
            assert.equal(refreshed === undefined, picked.over);
            if (refreshed) Object.assign(picked, { token: refreshed.token, refreshToken: refreshed.refreshToken });
          } else if (what === 'groups') {
            await authority.changeAccessGroups(library, userId, { add: [`g${which}`] });
          } else if (what === 'wait') {
            clock.advance(minute);
          } else if (what === 'sweep') {
            await sweep();
          }
          for (const one of open) {
            const { active } = await authority.verifySession(one.token);
            assert.equal(active, !one.over, `${one.id} after ${what}`);
          }
        }
      }),
      { numRuns: 40 },
    );
  });

  test('CVE-2023-20862: a logout persists', async (t) => {
    const at = await open(t);
    const { token } = await at.authority.createSession(library, { userId: 'ada' });
    await at.authority.endSession(library, { token });
    await at.restart();
    assert.deepEqual(await at.authority.verifySession(token), { active: false, reason: 'logout' });
  });

  test('a clock behind the latest time in the store is accepted only if configured', async (t) => {
    const store = await temporaryStore();
    t.after(store.remove);
    const clock = manualClock(Date.UTC(2030, 0, 1));
    const settings = { ...store.settings, clock };
    const first = await compose(settings);
    await createAuthority(first.context).createSession(library, { userId: 'ada' });
    await first.close();
    clock.set(Date.UTC(2026, 0, 1));
    const wary = await compose(settings);
    await assert.rejects(createAuthority(wary.context).createSession(library, { userId: 'eve' }), {
      code: 'clock_stepped_back',
    });
    await wary.close();
    const told = await compose({ ...settings, acceptClock: true });
    assert.ok(await createAuthority(told.context).createSession(library, { userId: 'eve' }));
    await told.close();
  });
});
