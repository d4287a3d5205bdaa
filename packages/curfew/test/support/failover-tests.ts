import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import {
  assertSwift,
  end,
  type FailingStore,
  failovers,
  fleetSettings,
  goThrough,
  insist,
  look,
  open,
  remember,
  startFleet,
  startPlace,
  tell,
  until,
  watch,
} from './failover.ts';

const timeout = 600_000;

/** What every kind of failover is tested with: whole servers on a store, and applications attached to them. */
export function testFailovers(
  how: string,
  start: (t: TestContext) => Promise<FailingStore>,
  options: { skip?: boolean } = {},
): void {
  const setting = { ...options, timeout };

  test(
    `R10: ${how}, no session that ends after a failover is reported as active, although the sequences of lost ends are reused`,
    setting,
    async (t) => {
      const store = await start(t);
      const fleet = await startFleet(t, store.url, fleetSettings());
      const stale: number[] = [];
      for (let run = 1; run <= failovers; run++) {
        const seen = await watch(fleet);
        const found = await goThrough(fleet, store, { ahead: run % 2 === 0 });
        t.diagnostic(tell(run, found));
        stale.push(found.stale.length);
        assert.ok(found.reused > 0, 'the standby lacked nothing, or its sequences differ');
        await seen.startedOver('store_incarnation', 'log_replaced');
        await seen.toldOnce();
        assertSwift(found.later);
        await store.renew();
      }
      assert.deepEqual(stale, new Array(failovers).fill(0));
    },
  );

  test(
    `R10: ${how}, a failover that loses nothing is noticed too, and a server that starts later waits for nobody`,
    setting,
    async (t) => {
      const store = await start(t);
      const settings = fleetSettings();
      const fleet = await startFleet(t, store.url, settings);
      const seen = await watch(fleet);
      const found = await goThrough(fleet, store, { ahead: false, lags: false });
      t.diagnostic(tell(1, found));
      assert.deepEqual(found.stale, []);
      assert.equal(found.reused, 0, 'the failover has lost something');
      await seen.startedOver('store_incarnation');
      await seen.toldOnce();
      assertSwift(found.later);

      const late = await startPlace(t, store.url, settings);
      const sessions = await open(late.client, 3);
      await remember([late, fleet.A], sessions);
      const receipts = [];
      for (const session of sessions) {
        receipts.push(await end(late, session));
        assert.deepEqual(await look({ late, ...fleet }, [session]), []);
      }
      assertSwift(receipts);
      await seen.toldOnce();
    },
  );
}

/** Tests that do not depend on how the standby replaces the primary, which must happen within seconds. */
export function testAfterFailover(
  how: string,
  start: (t: TestContext) => Promise<FailingStore>,
  options: { skip?: boolean } = {},
): void {
  const setting = { ...options, timeout };

  test(`R10: ${how}, ends wait for a server whose row the failover lost`, setting, async (t) => {
    const store = await start(t);
    const settings = fleetSettings({ CURFEW_LEASE_MS: '8000' });
    const B = await startPlace(t, store.url, settings);
    const sessions = await open(B.client, 10);
    await store.lag();
    const A = await startPlace(t, store.url, settings);
    await remember([A, B], sessions);
    A.door.silent = true;
    await store.failOver();
    const known = sessions.filter(({ token }) => A.verifier.check(token)).length;
    assert.equal(known, sessions.length, 'its application’s lease is no longer valid');
    await Promise.all(
      sessions.map(async (session) => {
        await end(B, session);
        assert.deepEqual(await look({ A, B }, [session]), []);
      }),
    );
  });

  test(
    `${how}, with CURFEW_END_ALL_AFTER_FAILOVER everyone’s sessions are ended after a failover, once for all servers`,
    setting,
    async (t) => {
      const store = await start(t);
      const fleet = await startFleet(t, store.url, fleetSettings({ CURFEW_END_ALL_AFTER_FAILOVER: 'true' }));
      const { B } = fleet;
      const sessions = await open(B.client, 5);
      const lost = await open(B.client, 5);
      await remember(Object.values(fleet), [...sessions, ...lost]);
      const seen = await watch(fleet);
      await store.lag();
      for (const session of lost) await end(B, session);
      await store.failOver();

      const events = async () => (await B.client.listEvents({ type: 'everyone.ended' })).events;
      await until(async () => (await events()).length > 0);
      await seen.startedOver('store_incarnation', 'log_replaced');
      await seen.toldOnce();
      for (const { token } of [...sessions, ...lost]) {
        for (const { client, verifier } of Object.values(fleet)) {
          await until(async () => !(await verifier.verify(token)).active);
          assert.deepEqual(await insist(() => client.verifySession({ token })), { active: false, reason: 'everyone' });
        }
      }
      const [event, ...others] = await events();
      assert.deepEqual([event!.by, others], ['policy', []]);
      const [fresh] = await open(B.client, 1);
      await remember(Object.values(fleet), [fresh!]);
    },
  );
}
