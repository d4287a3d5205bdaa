import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { logout, note, StoreFixture, start, user } from '../../src/stores/conformance/harness.ts';
import { openLmdbStore } from '../../src/stores/lmdb/index.ts';

/* What becomes of writes whose sync is late, or fails. Prints the answers as JSON. */

const path = join(process.argv[2]!, 'data');
const disk = (what: 'hold' | 'fail') => {
  const file = `${process.env['FAULTY_DISK']}.${what}`;
  writeFileSync(file, '');
  return () => rmSync(file);
};
const outcomeOf = (call: Promise<{ kind?: string }>) =>
  call.then(
    ({ kind = 'done' }) => kind,
    ({ code }: { code: string }) => code,
  );

let store = await openLmdbStore(path);
const fixture = new StoreFixture({ store, dispose: async () => {} });
const [late, lost, next] = [await fixture.create(), await fixture.create(), await fixture.create()];
const key = await fixture.createKey(['sessions.read']);
await store.readKey(key.id);

const release = disk('hold');
const answered: string[] = [];
const end = () => outcomeOf(store.endSession(late.id, logout()));
const first = end().then((kind) => answered.push(kind));
while (!(await store.readSession(late.id))?.stored.end) await pause(1);
const again = end().then((kind) => answered.push(kind));
// Nothing tells that an answer does not come.
await pause(50);
const beforeSync = [...answered];
release();
await Promise.all([first, again]);

const repair = disk('fail');
const failed = [
  await outcomeOf(store.endSession(lost.id, logout())),
  await outcomeOf(store.endSession(lost.id, logout())),
  await outcomeOf(store.revokeKey(key.id, start + 9, note('key.revoked')).then(() => ({}))),
];
const { stored } = (await store.readSession(lost.id))!;
const isRevoked = (await store.readKey(key.id))?.revokedAt !== undefined;
repair();
const afterwards = [
  await outcomeOf(store.endSession(next.id, logout())),
  await outcomeOf(store.endSessionsOfUser(user('ada'), logout())),
  await outcomeOf(store.tryWriting().then(() => ({}))),
];
const [active, log] = [await store.countActive(start), (await fixture.log()).length];
await store.close();
store = await openLmdbStore(path);
const reopened = new StoreFixture({ store, dispose: async () => {} });
const inLog = (await reopened.log()).map((entry) => ('sessionId' in entry ? entry.sessionId : Object.keys(entry)[3]));
const expected = [late.id, lost.id, 'keyId', next.id, 'userId'];
console.log(
  JSON.stringify({
    beforeSync,
    answered: answered.toSorted(),
    failed,
    isEnded: stored.end !== undefined,
    isRevoked,
    afterwards,
    active,
    log,
    inLog: inLog.map((one, i) => one === expected[i]),
    activeThen: await store.countActive(start),
    endThen: await outcomeOf(store.endSession(next.id, logout())),
  }),
);
await store.close();
