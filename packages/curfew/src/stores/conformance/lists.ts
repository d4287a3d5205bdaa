import assert from 'node:assert/strict';
import type { SessionId } from '../../domain/brand.ts';
import { day, limits, minute } from '../../domain/limits.ts';
import { allOfUser, type Case, forever, group, hour, ids, logout, name, start, user } from './harness.ts';

export const listCases: Case[] = [
  {
    name: 'a list is newest first, and its pages hold every session once, whatever happens between them',
    async run(fixture) {
      const there = await fixture.createMany(57);
      const seen: string[] = [];
      let after: SessionId | undefined;
      for (let page = 0; page === 0 || after; page++) {
        const answer = await fixture.store.listSessions({ filter: {}, after, limit: 10, now: start, budget: 10_000 });
        seen.push(...answer.sessions.map(({ stored }) => stored.id));
        after = answer.next;
        // Between pages: a new session, and the end of one that was listed already and of one that was not.
        await fixture.create({ at: start + 1000 + page });
        await fixture.store.endSession(seen[page]! as SessionId, logout());
        await fixture.store.endSession(there[page]!.id, logout());
        assert.ok(page < 10);
      }
      assert.deepEqual(seen, ids(there).reverse());
    },
  },
  {
    name: 'a last page has no next, even if it is full',
    async run(fixture) {
      await fixture.createMany(20);
      const query = { filter: {}, limit: 10, now: start, budget: 10_000 };
      const first = await fixture.store.listSessions(query);
      assert.equal(first.sessions.length, 10);
      assert.ok(first.next);
      const second = await fixture.store.listSessions({ ...query, after: first.next });
      assert.equal(second.sessions.length, 10);
      const third = second.next && (await fixture.store.listSessions({ ...query, after: second.next }));
      assert.ok(!third || (third.sessions.length === 0 && third.next === undefined));
    },
  },
  {
    name: 'each filter finds its sessions and no others, live and ended, newest first',
    async run(fixture) {
      const a = await fixture.create({ userId: 'ada', groups: ['x', 'y'], ip: '10.0.0.1', name: 'desk', at: start });
      const b = await fixture.create({ userId: 'ada', groups: ['y'], ip: '10.0.0.2', at: start + 1 });
      const c = await fixture.create({ userId: 'ad', groups: ['x'], ip: '10.0.0.1', at: start + 2 });
      await fixture.store.endSession(b.id, logout(start + 3));
      await fixture.store.changeSession({
        id: c.id,
        version: 1,
        set: { suspended: true },
        logged: true,
        now: start + 3,
      });
      const found = async (filter: Parameters<typeof fixture.list>[0]) => ids(await fixture.list(filter, start + 4));
      for (const when of ['before the sweep', 'after it']) {
        if (when === 'after it') await fixture.sweep(start + 4);
        assert.deepEqual(await found({}), [c.id, b.id, a.id]);
        assert.deepEqual(await found({ userId: user('ada') }), [b.id, a.id]);
        assert.deepEqual(await found({ userId: user('ad') }), [c.id]);
        assert.deepEqual(await found({ accessGroup: group('x')[0] }), [c.id, a.id]);
        assert.deepEqual(await found({ accessGroup: group('y')[0] }), [b.id, a.id]);
        assert.deepEqual(await found({ ip: '10.0.0.1' }), [c.id, a.id]);
        assert.deepEqual(await found({ ip: '10.0.0.2' }), [b.id]);
        assert.deepEqual(await found({ name: name('desk') }), [a.id]);
        assert.deepEqual(await found({ status: 'active' }), [a.id]);
        assert.deepEqual(await found({ status: 'suspended' }), [c.id]);
        assert.deepEqual(await found({ status: 'ended' }), [b.id]);
        assert.deepEqual(await found({ userId: user('ada'), status: 'ended' }), [b.id]);
        assert.deepEqual(await found({ accessGroup: group('x')[0], ip: '10.0.0.1', status: 'active' }), [a.id]);
        assert.deepEqual(await found({ userId: user('nobody') }), []);
      }
    },
  },
  {
    name: 'a list shows every status as of its moment, by deadline and by epoch too',
    async run(fixture) {
      const short = await fixture.create({ userId: 'ada', idle: hour });
      const long = await fixture.create({ userId: 'ada', idle: day, at: start + 1 });
      const mine = { userId: user('ada') };
      const statuses = async (now: number) => (await fixture.list(mine, now)).map((session) => session.status);
      assert.deepEqual(await statuses(start + minute), ['active', 'active']);
      assert.deepEqual(await statuses(start + hour), ['active', 'ended']);
      assert.deepEqual(ids(await fixture.list({ ...mine, status: 'ended' }, start + hour)), [short.id]);
      assert.deepEqual(ids(await fixture.list({ ...mine, status: 'active' }, start + hour)), [long.id]);
      assert.equal(await fixture.store.countActive(start + hour), 1);
      await fixture.store.endSessionsOfUser(user('ada'), allOfUser(start + hour));
      assert.deepEqual(await statuses(start + hour), ['ended', 'ended']);
      assert.deepEqual(await fixture.list({ status: 'active' }, start + hour), []);
      assert.equal((await fixture.list({ status: 'ended' }, start + hour)).length, 2);
    },
  },
  {
    name: 'the count of active sessions agrees with the list, whatever happened',
    async run(fixture) {
      const agree = async (now: number) => {
        assert.equal(await fixture.store.countActive(now), (await fixture.list({ status: 'active' }, now)).length);
        for (const text of ['ada', 'bob']) {
          const listed = await fixture.list({ userId: user(text), status: 'active' }, now);
          assert.equal(await fixture.store.countActive(now, user(text)), listed.length, text);
        }
      };
      const [one, two, three] = await fixture.createMany(6, { userId: 'ada' });
      await fixture.createMany(4, { userId: 'bob', idle: hour });
      await agree(start + 10);
      await fixture.store.endSession(one!.id, logout(start + 10));
      await fixture.store.endSession(one!.id, logout(start + 11));
      await agree(start + 11);
      const suspend = { id: two!.id, version: 1, set: { suspended: true }, logged: true, now: start + 12 };
      const suspended = await fixture.store.changeSession(suspend);
      await agree(start + 12);
      assert.ok(suspended.kind === 'changed');
      const resume = { ...suspend, version: suspended.session.version, set: { suspended: false } };
      await fixture.store.changeSession(resume);
      await agree(start + 13);
      await agree(start + 2 * hour);
      await fixture.sweep(start + 2 * hour);
      await agree(start + 2 * hour);
      const third = { ...suspend, id: three!.id };
      await fixture.store.changeSession(third);
      await fixture.store.endSessionsOfUser(user('ada'), allOfUser(start + 2 * hour));
      await agree(start + 2 * hour);
      await fixture.createMany(3, { userId: 'ada', at: start + 2 * hour });
      await agree(start + 2 * hour + 5);
      await fixture.sweep(start + 2 * hour + 5);
      await agree(start + 2 * hour + 5);
    },
  },
  {
    name: 'ended sessions are listed newest first, even if very many ended and no sweep has recorded or moved them',
    async run(fixture) {
      const many = limits.dueCounted + 50;
      const due = await fixture.createMany(many, { userId: 'ada', idle: hour });
      const later = start + 2 * hour;
      const live = await fixture.create({ userId: 'bob', at: later });
      const newestFirst = ids(due).reverse();
      assert.deepEqual(ids(await fixture.list({ status: 'ended' }, later)), newestFirst);
      await fixture.sweep(later);
      // Each of these is ended separately, and the sweep has not followed any of these ends yet.
      const others = await fixture.createMany(many, { userId: 'carol', at: later + 1 });
      await Promise.all(others.map(({ id }) => fixture.store.endSession(id, logout(later + many))));
      const ended = [...ids(others).reverse(), ...newestFirst];
      assert.deepEqual(ids(await fixture.list({ status: 'ended' }, later + many)), ended);
      assert.deepEqual(ids(await fixture.list({ status: 'active' }, later + many)), [live.id]);
    },
  },
  {
    name: 'a list of ended sessions is complete, however often all of a user’s sessions were ended before a sweep came by',
    async run(fixture) {
      const sessions = await fixture.createMany(30, { userId: 'ada' });
      for (const at of [10, 11, 12]) await fixture.store.endSessionsOfUser(user('ada'), logout(start + at));
      const listed = await fixture.store.listSessions({
        filter: { status: 'ended' },
        limit: 10,
        now: start + 20,
        budget: forever,
      });
      assert.deepEqual(
        [listed.sessions.map(({ stored }) => stored.id), listed.next],
        [ids(sessions).reverse().slice(0, 10), ids(sessions).reverse()[9]],
      );
      assert.deepEqual(ids(await fixture.list({ status: 'ended' }, start + 20)), ids(sessions).reverse());
    },
  },
  {
    name: 'a session that ended before a sweep came by is in every list where it belongs, at each step of the sweep',
    async run(fixture) {
      const sessions = await fixture.createMany(12, { groups: ['x'], ip: '10.0.0.1' });
      for (const { id } of sessions) await fixture.store.endSession(id, logout(start + 50));
      const now = start + 60;
      const [accessGroup] = group('x');
      for (let more = true, step = 0; more; step++) {
        for (const filter of [{}, { accessGroup }, { ip: '10.0.0.1' }, { userId: sessions[0]!.userId }]) {
          for (const status of [undefined, 'ended'] as const) {
            const listed = ids(await fixture.list({ ...filter, status }, now));
            assert.deepEqual(listed, ids(sessions).reverse(), `${JSON.stringify(filter)} ${status}, step ${step}`);
          }
        }
        ({ more } = await fixture.store.sweep({ now, keepEnded: forever, keepEvents: forever, batch: 1 }));
      }
    },
  },
  {
    name: 'free text is matched literally, and a scan that runs out of time continues where it stopped',
    async run(fixture) {
      const [needle] = await fixture.createMany(1, { userId: 'Needle.*', ip: '10.9.9.9' });
      await fixture.createMany(200, { userId: 'hay', at: start + 1 });
      assert.deepEqual(ids(await fixture.list({ text: 'needle.' })), [needle!.id]);
      assert.deepEqual(ids(await fixture.list({ text: '10.9.9' })), [needle!.id]);
      assert.deepEqual(await fixture.list({ text: 'n..dle' }), []);
      const found: string[] = [];
      let after: SessionId | undefined;
      for (let turn = 0; ; turn++) {
        const page = await fixture.store.listSessions({
          filter: { text: 'needle' },
          after,
          limit: 10,
          now: start,
          budget: 0,
        });
        found.push(...page.sessions.map(({ stored }) => stored.id));
        assert.equal(page.partial, page.next !== undefined, 'a scan that stopped early says so');
        if (!page.next) break;
        after = page.next;
        assert.ok(turn < 500, 'a scan without time never ends');
      }
      assert.deepEqual(found, [needle!.id]);
    },
  },
];
