import assert from 'node:assert/strict';
import { test } from 'node:test';
import { importStore } from '../../src/authority/import-session.ts';
import { minute } from '../../src/domain/limits.ts';
import { endOf, type SessionEnd, type StoredSession } from '../../src/domain/session.ts';
import { type ImportReceipt, importSessions } from '../../src/import-sessions.ts';
import { connectRedis } from '../../src/sources/kinds/connect-redis.ts';
import { parsePath } from '../../src/sources/path.ts';
import { type Decoded, decode, sha256 } from '../../src/sources/source.ts';
import { openStore } from '../../src/stores/open.ts';
import { random } from '../support/ports.ts';
import { temporaryStore } from '../support/store.ts';

type Test = { after(done: () => unknown): void };

const noon = Date.UTC(2026, 0, 1, 12);
const policy = { absolute: 30 * 24 * 60 * minute, idle: 7 * 24 * 60 * minute };
const alias = { kind: 'express-session', hash: sha256('a') };

/** A store without a server, so that the test alone says what time it is. */
async function world(t: Test) {
  const temporary = await temporaryStore();
  const store = await openStore(temporary.url);
  t.after(async () => {
    await store.close();
    await temporary.remove();
  });
  /** An import at minutes after noon, of one session as its own store has it then. */
  async function importAt(
    at: number,
    read: (now: number) => Decoded,
    dryRun = false,
    lifetime = policy.absolute,
  ): Promise<ImportReceipt> {
    const now = noon + at * minute;
    const pieces = async function* () {
      yield [decode('a', sha256, () => read(now))];
    };
    const source = { shown: '', about: 1, passedOver: 0, notes: [], pieces, close: async () => {} };
    const opened = { source, alias: alias.kind, user: [parsePath('passport.user')], slides: true, prefix: 'sess:' };
    const parts = { into: await importStore(store), random, policy, lifetime };
    return importSessions(opened, { parts, dryRun, withoutData: false, now: () => now, progress: () => {} });
  }
  async function holder(): Promise<StoredSession> {
    return (await store.readSessionByAlias(alias))!.stored;
  }
  async function endAt(at: number): Promise<SessionEnd | undefined> {
    const { stored, epochEnd } = (await store.readSessionByAlias(alias))!;
    return endOf(stored, epochEnd, noon + at * minute);
  }
  return { store, importAt, holder, endAt };
}

/** A session of express-session with `maxAge` of half an hour, and so many minutes left. */
const withLeft = (left: number | undefined, maxAge: number | null = 30) => {
  const cookie = { originalMaxAge: maxAge && maxAge * minute };
  const text = JSON.stringify({ cookie, passport: { user: 'ada' } });
  return (now: number) => connectRedis.redis!.read(text, left === undefined ? undefined : left * minute, now);
};

const counts = ({ imported, already, renewed, timedOut }: ImportReceipt) => ({ imported, already, renewed, timedOut });
const none = { imported: 0, already: 0, renewed: 0, timedOut: 0 };

test('a session that was used in its own store since the first import is active here as long as there', async (t) => {
  const { importAt, holder, endAt } = await world(t);
  assert.deepEqual(counts(await importAt(0, withLeft(30))), { ...none, imported: 1 });
  assert.deepEqual(counts(await importAt(20, withLeft(29), true)), { ...none, renewed: 1 });
  assert.equal((await holder()).lastSeenAt, noon, 'the dry run has written something');
  const receipt = await importAt(20, withLeft(29));
  assert.deepEqual([counts(receipt), receipt.notes], [{ ...none, renewed: 1 }, []]);
  assert.equal(await endAt(45), undefined);
  assert.equal((await endAt(49))?.reason, 'idle');
  // With the same end it has nothing to move.
  assert.deepEqual(counts(await importAt(21, withLeft(28))), { ...none, already: 1 });
  assert.deepEqual(counts(await importAt(48, withLeft(30))), { ...none, renewed: 1 });
});

test('its idle limit becomes as long as its own store says, if that tells no last use', async (t) => {
  const { importAt, endAt } = await world(t);
  const days = 24 * 60;
  assert.equal((await importAt(0, withLeft(8 * days, null))).imported, 1);
  assert.deepEqual(counts(await importAt(60, withLeft(10 * days, null))), { ...none, renewed: 1 });
  assert.equal(await endAt(10 * days + 59), undefined);
  assert.equal((await endAt(10 * days + 60))?.reason, 'idle');
});

test('a session without an end in its own store was not used there, as far as anybody knows', async (t) => {
  const { importAt } = await world(t);
  const lifetime = 2 * policy.absolute;
  assert.equal((await importAt(0, withLeft(undefined, null), false, lifetime)).imported, 1);
  assert.deepEqual(counts(await importAt(60, withLeft(undefined, null))), { ...none, already: 1 });
});

test('a session whose own store tells no last use ends as there, and once it is used, has at least the idle limit of the policy', async (t) => {
  const hourLeft = await world(t);
  await hourLeft.importAt(0, withLeft(60, null));
  assert.equal(await hourLeft.endAt(59), undefined);
  assert.equal((await hourLeft.endAt(60))?.reason, 'idle');
  const { id } = await hourLeft.holder();
  await hourLeft.store.touchSessions([{ id, at: noon + 30 * minute }]);
  const later = 30 + policy.idle / minute;
  assert.equal(await hourLeft.endAt(later - 1), undefined);
  assert.equal((await hourLeft.endAt(later))?.reason, 'idle');

  const daysLeft = await world(t);
  await daysLeft.importAt(0, withLeft(2 * (policy.idle / minute), null));
  const long = await daysLeft.holder();
  assert.deepEqual([long.lastSeenAt, long.idle], [noon, 2 * policy.idle]);

  const fixed = await world(t);
  await fixed.importAt(0, withLeft(60, null), false, 0);
  const { lastSeenAt, expiresAt } = await fixed.holder();
  assert.deepEqual([lastSeenAt, expiresAt], [noon, noon + 60 * minute]);
});

test('what was ended here stays ended, although it is still used in its own store', async (t) => {
  const { store, importAt, holder, endAt } = await world(t);
  await importAt(0, withLeft(30));
  const { id } = await holder();
  await store.endSession(id, { at: noon + 10 * minute, by: 'user:ada', reason: 'logout' });
  for (const dryRun of [true, false]) {
    assert.deepEqual(counts(await importAt(20, withLeft(29), dryRun)), { ...none, already: 1 });
  }
  assert.equal((await endAt(21))?.reason, 'logout');
});

test('what has timed out here stays ended, and the receipt counts it and says what helps', async (t) => {
  const { importAt, endAt } = await world(t);
  await importAt(0, withLeft(30));
  for (const dryRun of [true, false]) {
    const receipt = await importAt(35, withLeft(29), dryRun);
    assert.deepEqual(counts(receipt), { ...none, timedOut: 1 });
    assert.match(receipt.notes.join(), /^1 session timed out here .*its user signs in again/);
  }
  assert.equal((await endAt(36))?.reason, 'idle');
});

test('an import moves no end of a session that it has not made, that is suspended or that has its own tokens', async (t) => {
  const made = await world(t);
  await made.importAt(0, withLeft(30));
  const { id, version, refresh } = await made.holder();
  await made.store.changeSession({ id, version, set: { suspended: true }, logged: true, now: noon });
  assert.deepEqual(counts(await made.importAt(20, withLeft(29))), { ...none, already: 1 });
  const again = await made.holder();
  const rotated = { suspended: false, refresh: { ...refresh, rotations: 1 } };
  await made.store.changeSession({ id, version: again.version, set: rotated, logged: true, now: noon });
  assert.deepEqual(counts(await made.importAt(20, withLeft(29))), { ...none, already: 1 });

  const opened = await world(t);
  await opened.importAt(0, withLeft(30), true);
  const session = { ...again, suspended: false, end: undefined, version: 1 };
  const epochs = 'current';
  const creation = {
    session: { ...session, openedWith: ['sessions.create' as never] },
    epochs,
    by: 'library',
    now: noon,
  };
  assert.equal((await opened.store.createSession(creation as never)).kind, 'created');
  assert.deepEqual(counts(await opened.importAt(20, withLeft(29))), { ...none, already: 1 });
});
