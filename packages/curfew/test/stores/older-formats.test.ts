import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { makeKey } from '../../src/authority/keys.ts';
import { eventTypes } from '../../src/domain/events.ts';
import { serve } from '../../src/start/serve.ts';
import { forever, hour, StoreFixture, start } from '../../src/stores/conformance/harness.ts';
import { format } from '../../src/stores/lmdb/codec.ts';
import { openLmdbStore } from '../../src/stores/lmdb/index.ts';
import { random } from '../support/ports.ts';
import { runCli } from '../support/process.ts';
import { temporaryFolder } from './harness.ts';

const fixtures = join(import.meta.dirname, '../fixtures');
const names = readdirSync(fixtures).filter((name) => name.endsWith('.mdb.gz'));

function folderOf(t: { after(done: () => void): void }, name: string): string {
  const folder = temporaryFolder();
  t.after(folder.remove);
  writeFileSync(join(folder.path, 'data.mdb'), gunzipSync(readFileSync(join(fixtures, name))));
  return folder.path;
}

describe('an embedded store written by an earlier version', { timeout: 900_000 }, () => {
  test('there is one of every format, including the current one', () => {
    const formats = new Set(names.map((name) => Number(/^lmdb-(\d+)/.exec(name)![1])));
    assert.deepEqual(
      [...formats].sort(),
      Array.from({ length: format }, (_, i) => i + 1),
    );
  });

  for (const name of names) {
    const number = Number(/^lmdb-(\d+)/.exec(name)![1]);
    test(`${name}: reading it changes nothing, and says what opening would change`, async (t) => {
      const path = folderOf(t, name);
      const bytes = readFileSync(join(path, 'data.mdb'));
      const store = ['--store', `lmdb:${path}`];
      const planned = await runCli(['--json', 'migrate', '--dry-run', ...store]);
      const { version, pending } = JSON.parse(planned.out);
      const steps = number === format ? [] : [{ number: format, name: `from format ${number}` }];
      assert.deepEqual([version, pending], [number, steps]);
      if (number === format) return;
      const exported = await runCli(['export', ...store]);
      assert.deepEqual([exported.code, exported.out], [1, '']);
      assert.match(exported.err, new RegExp(`has format ${number}, and this version of Curfew reads ${format}`));
      assert.ok(readFileSync(join(path, 'data.mdb')).equals(bytes), 'it was changed');
      assert.equal((await runCli(['migrate', ...store])).code, 0);
      assert.equal((await runCli(['export', ...store])).code, 0);
    });

    test(`${name}: everything in it is readable, and it works`, async (t) => {
      const path = folderOf(t, name);
      let store = await openLmdbStore(path);
      let fixture = new StoreFixture({ store, dispose: async () => {} });
      const check = async () => {
        const events = await fixture.events();
        const told = events.map(({ type }) => type);
        const created = Array(6).fill('session.created');
        const rest = ['session.ended', 'user.sessions_ended', 'login.failed', 'groups.changed', 'session.created'];
        assert.deepEqual(told.slice(0, 11), [...created, ...rest]);
        assert.deepEqual(events[8]!.details, { address: '192.0.2.1' });
        assert.deepEqual(events[6]!.reason, 'logout');
        const sessions = await fixture.list({}, start + 10);
        const states = Object.groupBy(sessions, ({ userId, status }) => `${userId} ${status}`);
        assert.deepEqual(
          Object.entries(states)
            .map(([what, some]) => [what, some!.length])
            .sort(),
          [
            ['user 0 active', 2],
            ['user 0 ended', 1],
            ['user 1 ended', 3],
            ['user 2 active', 1],
          ],
        );
        assert.equal(await store.countActive(start + 10), 3);
        const staff = await fixture.list({ accessGroup: 'staff' as never, status: 'active' }, start + 10);
        assert.deepEqual(
          staff.map(({ accessGroups }) => accessGroups),
          [
            ['staff', 'late'],
            ['staff', 'late'],
          ],
        );
        const log = await fixture.log();
        assert.deepEqual(
          log.map(({ sequence }) => sequence),
          log.map((_, i) => i + 1),
        );
      };
      await check();
      const alias = { kind: 'express', hash: Buffer.alloc(32, 1).toString('base64url') };
      const aliased = await store.readSessionByAlias(alias);
      assert.equal(aliased?.stored.userId, Number(/^lmdb-(\d+)/.exec(name)![1]) < 5 ? undefined : 'user 2');
      assert.equal((await store.describe()).format, format);
      await store.close();

      store = await openLmdbStore(path);
      t.after(() => store.close());
      fixture = new StoreFixture({ store, dispose: async () => {} });
      await fixture.sweep(start + 10, forever);
      await check();
      await fixture.create({ userId: 'user 3', at: start + 20 });
      assert.equal(await store.countActive(start + 20), 4);
      // Everything in it ends and is deleted.
      await fixture.sweep(start + forever, hour);
      await fixture.sweep(start + 2 * forever, hour);
      assert.equal(await store.countActive(start + 2 * forever), 0);
      assert.deepEqual(await fixture.list({}, start + 2 * forever), []);
    });

    test(`N10.2: ${name}: a server answers with all of its data`, async (t) => {
      const key = makeKey(Date.now(), random);
      const server = await serve({
        CURFEW_STORE: `lmdb:${folderOf(t, name)}`,
        CURFEW_PORT: '0',
        CURFEW_LOG_LEVEL: 'silent',
        CURFEW_API_KEY: key,
        CURFEW_SECRET_KEY: '7'.repeat(64),
        // Its data is of the year 2026, and must not be swept.
        CURFEW_KEEP_EVENTS: '36500d',
      });
      t.after(() => server.close());
      const headers = { authorization: `Bearer ${key}` };
      for (const call of [
        'events?limit=100',
        'events?type=login.failed',
        'sessions?limit=100',
        'sessions?status=ended',
      ]) {
        const answer = await fetch(`${server.url}/v1/${call}`, { headers });
        assert.equal(answer.status, 200, `${call}: ${await answer.clone().text()}`);
        const { events = [] } = (await answer.json()) as { events?: { type: never }[] };
        for (const { type } of events) assert.ok(eventTypes.includes(type), String(type));
        if (call.startsWith('events')) assert.ok(events.length > 0);
      }
    });
  }
});
