import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { UserId } from '../../src/domain/brand.ts';
import { day, hour, minute, second } from '../../src/domain/limits.ts';
import { openSession } from '../../src/domain/open-session.ts';
import { lifetimesOf, type Policy } from '../../src/domain/policy.ts';
import type { SequencedEnd } from '../../src/domain/reasons.ts';
import { endOf, type StoredSession, touch, viewOf } from '../../src/domain/session.ts';
import { parseToken } from '../../src/domain/tokens.ts';
import { random } from '../support/ports.ts';

const start = Date.UTC(2026, 0, 1);

function session(idle = hour, absolute = day): StoredSession {
  const epochs = { user: 0, everyone: 0 };
  return openSession({ userId: 'ada' as UserId, accessGroups: [], metadata: {}, idle, absolute, epochs }, start, random)
    .stored;
}

const byEpoch = (at: number): SequencedEnd => ({ at, by: 'user:root', reason: 'all_of_user', sequence: 7 });

test('7.3.1: a session is active until its idle limit, to the millisecond, and not at it', () => {
  const stored = session(hour);
  assert.equal(endOf(stored, undefined, start + hour - 1), undefined);
  assert.deepEqual(endOf(stored, undefined, start + hour), {
    at: start + hour,
    by: 'policy',
    reason: 'idle',
    sequence: undefined,
  });
});

test('7.3.2: no activity extends the absolute limit', () => {
  let stored = session(hour, day);
  for (let now = start; now < start + day; now += 30 * minute) {
    assert.equal(endOf(stored, undefined, now), undefined);
    stored = touch(stored, now) ?? stored;
  }
  assert.equal(endOf(stored, undefined, start + day)?.reason, 'expired');
});

test('activity that has not been flushed yet counts for the idle limit', () => {
  const stored = session(hour);
  assert.equal(endOf(stored, undefined, start + hour, start + minute), undefined);
  assert.equal(endOf(stored, undefined, start + hour + minute, start + minute)?.reason, 'idle');
});

test('activity never moves back, and never revives a session', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(3 * hour)), (times) => {
      let stored = session(hour);
      for (const time of times) {
        const before = stored;
        const ended = endOf(before, undefined, start + time) !== undefined;
        stored = touch(before, start + time) ?? before;
        assert.ok(stored.lastSeenAt >= before.lastSeenAt);
        if (ended) assert.equal(stored, before);
      }
    }),
  );
});

test('the first end is reported, whichever is found first', () => {
  fc.assert(
    fc.property(fc.nat(3 * hour), fc.nat(3 * hour), (epochAfter, later) => {
      const stored = session(hour);
      const end = endOf(stored, byEpoch(start + epochAfter), start + epochAfter + later);
      assert.equal(end?.reason, epochAfter <= hour ? 'all_of_user' : 'idle');
    }),
  );
});

test('a recorded end remains, whatever happens later', () => {
  const end: SequencedEnd = { at: start + minute, by: 'user:ada', reason: 'logout', sequence: 3 };
  const stored = { ...session(hour), end };
  assert.equal(endOf(stored, byEpoch(start + 1), start + day), end);
  const view = viewOf(stored, endOf(stored, undefined, start + day));
  assert.equal(view.status, 'ended');
  assert.equal(view.endReason, 'logout');
  assert.equal(view.endedBy, 'user:ada');
  assert.equal(view.endedAt, start + minute);
});

test('Secrets: a view contains no secret', () => {
  const stored = session();
  const text = JSON.stringify(viewOf(stored, undefined));
  for (const hash of [stored.tokenHash, stored.refresh.hash]) {
    assert.ok(!text.includes(Buffer.from(hash).toString('hex')));
    assert.ok(!text.includes(Buffer.from(hash).toString('base64')));
  }
  assert.deepEqual(
    Object.keys(viewOf(stored, undefined)).filter((key) => /hash|token|secret|refresh|factor/i.test(key)),
    [],
  );
});

test('7.2.2: two sessions of one user at one moment share neither id nor secret', () => {
  const epochs = { user: 0, everyone: 0 };
  const open = () =>
    openSession(
      { userId: 'ada' as UserId, accessGroups: [], metadata: {}, idle: hour, absolute: day, epochs },
      start,
      random,
    );
  const [one, other] = [open(), open()];
  assert.notEqual(one.stored.id, other.stored.id);
  assert.notEqual(parseToken('session', one.token)?.secret, parseToken('session', other.token)?.secret);
  assert.notEqual(parseToken('session', one.token)?.secret, parseToken('refresh', one.refreshToken)?.secret);
});

test('a session may be shorter than the policy allows, never longer', () => {
  const policy: Policy = { absolute: 30 * day, idle: 7 * day, maxSessions: undefined, excess: 'replace' };
  assert.deepEqual(lifetimesOf({}, policy), { absolute: 30 * day, idle: 7 * day });
  assert.deepEqual(lifetimesOf({ lifetime: hour }, policy), { absolute: hour, idle: hour });
  assert.deepEqual(lifetimesOf({ lifetime: second }, policy), { absolute: second, idle: second });
  assert.throws(() => lifetimesOf({ lifetime: second, idle: second }, policy), /idle is 1 s; it must be 10 to/);
  assert.throws(() => lifetimesOf({ lifetime: second / 2 }, policy), /lifetime is 0.5 s/);
  assert.throws(() => lifetimesOf({ lifetime: 31 * day }, policy), /lifetime is 2678400 s; it must be 1 to 2592000 s/);
  assert.throws(() => lifetimesOf({ idle: 8 * day }, policy), /idle is 691200 s/);
  assert.throws(() => lifetimesOf({ idle: 0 }, policy), { code: 'invalid_value' });
});
