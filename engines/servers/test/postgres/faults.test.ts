import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import type { CurfewError } from 'curfew';
import pg from 'pg';
import { day } from '../../../../packages/curfew/src/domain/limits.ts';
import {
  everyone,
  logout,
  name,
  note,
  StoreFixture,
  start,
  user,
} from '../../../../packages/curfew/src/stores/conformance/harness.ts';
import { Database } from '../../../../packages/curfew/src/stores/postgres/database.ts';
import { callFault, isRefusal } from '../../../../packages/curfew/src/stores/postgres/faults.ts';
import { openPostgresStore, type PostgresStore } from '../../../../packages/curfew/src/stores/postgres/index.ts';
import { recovers } from '../../../../packages/curfew/test/support/recovers.ts';
import { Relay } from '../../../../packages/curfew/test/support/relay.ts';
import { PostgresServer } from './server.ts';

const words = (store: PostgresStore) => new StoreFixture({ store, dispose: async () => {} });

/** With this message, a server ends a login and awaits the first query. */
const readyForQuery = Buffer.from('Z\0\0\0\x05I', 'latin1');

/** The error of a call, and how long the call took in milliseconds. */
async function faultOf(call: () => Promise<unknown>): Promise<{ code: string; message: string; took: number }> {
  const began = performance.now();
  const error = await call().then(
    () => assert.fail('it was reported as a success'),
    (fault: CurfewError) => fault,
  );
  return { code: error.code, message: error.message, took: performance.now() - began };
}

test('a refusal in the server’s own language is a refusal, unless it could be worse', () => {
  const said = (severity: string, code: string) =>
    Object.assign(new pg.DatabaseError('…', 1, 'error'), { severity, code });
  for (const code of ['40P01', '55P03', '57014', '23505', '25006']) {
    for (const severity of ['ERROR', 'FEHLER', 'ОШИБКА']) assert.ok(isRefusal(said(severity, code)), severity + code);
    assert.equal(callFault(said('FEHLER', code), 'write').code, 'store_unavailable');
  }
  for (const [severity, code] of [
    ['FATAL', '57P01'],
    ['FATALE', '57P01'],
    ['PANIK', '53100'],
    ['PANIC', 'XX000'],
    ['FATAL', '25P03'],
  ] as const) {
    assert.equal(callFault(said(severity, code), 'write').code, 'outcome_unknown', severity + code);
  }
  assert.equal(callFault(said('ERROR', '53100'), 'write').code, 'store_full');
});

test('an error that callers see shows neither where the server is nor whom it refused', () => {
  const said = (code: string, text: string, severity?: string) =>
    Object.assign(new Error(text), { code, ...(severity && { severity }) });
  for (const [cause, shown] of [
    [said('ECONNREFUSED', 'connect ECONNREFUSED 10.1.2.3:5432'), 'there is no connection to it (ECONNREFUSED)'],
    [said('ENOTFOUND', 'getaddrinfo ENOTFOUND db.internal'), 'there is no connection to it (ENOTFOUND)'],
    [said('28P01', 'password authentication failed for user "app"', 'FATAL'), 'it refused the login (28P01)'],
    [said('28000', 'no pg_hba.conf entry for host "10.1.2.4"', 'FATAL'), 'it refused the login (28000)'],
    [said('3D000', 'database "secret" does not exist', 'FATAL'), 'the database does not exist'],
    [new Error('timeout expired'), 'timeout expired'],
  ] as const) {
    const fault = callFault(cause, 'nothing');
    assert.equal(fault.facts.detail, `PostgreSQL: ${shown}.`);
    assert.equal(fault.cause, cause);
  }
});

describe('faults of PostgreSQL', () => {
  let server: PostgresServer;
  const open: { close(): Promise<unknown> }[] = [];
  const opened = async (url: string) => {
    const store = await openPostgresStore(url);
    open.push(store);
    return store;
  };
  const relayed = async () => {
    const relay = await Relay.to(server.port);
    open.push(relay);
    return relay;
  };
  before(async () => {
    server = await PostgresServer.start();
  });
  afterEach(async () => {
    for (const one of open.splice(0)) await one.close();
  });
  after(() => server.dispose());

  test('an acknowledged end is on disk, even if the database is configured not to wait for it', async () => {
    const url = await server.createDatabase('hasty');
    await server.sql('postgres', 'ALTER DATABASE hasty SET synchronous_commit = off');
    await server.sql('postgres', "ALTER DATABASE hasty SET default_transaction_isolation = 'serializable'");
    const store = await opened(url);
    assert.equal((await store.describe()).facts['synchronousCommit'], 'on');
    const fixture = words(store);
    const { id } = await fixture.create();
    assert.equal((await store.endSession(id, logout())).kind, 'ended');
    assert.equal((await store.logHead()).sequence, 1);
  });

  test('while another transaction holds the lock, an end fails in time with a definite error, and changes nothing', async () => {
    const url = `${await server.createDatabase('locked')}?statement_timeout=300`;
    const store = await opened(url);
    const fixture = words(store);
    const { id } = await fixture.create();
    const holder = await server.connect('locked');
    await holder.query('BEGIN; SET search_path = curfew; CALL lock_writers()');
    const fault = await faultOf(() => store.endSession(id, logout()));
    assert.equal(fault.code, 'store_unavailable');
    assert.match(fault.message, /longer than statement_timeout/);
    assert.ok(fault.took < 2000, `it took ${fault.took} ms`);
    assert.equal((await fixture.view(id)).status, 'active');
    await holder.query('COMMIT');
    await holder.end();
    assert.equal((await store.endSession(id, logout())).kind, 'ended');
    assert.equal((await store.logHead()).sequence, 1);
  });

  test('if the network swallows everything, reads are unavailable and writes unknown, both in time; then it continues', async () => {
    const relay = await relayed();
    await server.createDatabase('silent');
    const store = await opened(`${server.url('silent', relay.port)}?statement_timeout=300&connect_timeout=500`);
    const fixture = words(store);
    const seen = await fixture.create();
    const { id } = seen;
    relay.silent = true;
    // An end of a session that was read before is a write at once.
    const write = await faultOf(() => store.endSession(id, logout(), { seen }));
    assert.equal(write.code, 'outcome_unknown');
    const read = await faultOf(() => store.readSession(id));
    assert.equal(read.code, 'store_unavailable');
    assert.ok(read.took < 5000 && write.took < 5000, `${read.took} and ${write.took} ms`);
    // From now on no call waits: the server is known to be away, and nothing is sent.
    const later = await faultOf(() => store.endSession(id, logout()));
    assert.equal(later.code, 'store_unavailable');
    assert.ok(later.took < 300, `a call waited ${later.took} ms for a server that is known to be away`);
    relay.silent = false;
    await recovers(() => store.ping());
    assert.equal((await fixture.view(id)).status, 'active');
    assert.equal((await store.endSession(id, logout())).kind, 'ended');
    assert.equal((await fixture.events()).filter(({ type }) => type === 'session.ended').length, 1);
  });

  test('a server that falls silent right after the login causes an error in time, and keeps no place in the pool', {
    timeout: 60_000,
  }, async () => {
    const relay = await relayed();
    await server.createDatabase('mute');
    const store = await opened(`${server.url('mute', relay.port)}?connect_timeout=500&connections=2`);
    const fixture = words(store);
    const { id } = await fixture.create();
    relay.strandAfter(readyForQuery);
    relay.cut();
    for (let i = 0; i < 3; i++) {
      const fault = await faultOf(() => store.readSession(id));
      assert.equal(fault.code, 'store_unavailable');
      assert.ok(fault.took < 5000, `it took ${fault.took} ms`);
    }
    relay.strandAfter(undefined);
    assert.equal((await recovers(() => fixture.view(id))).status, 'active');
    assert.equal((await recovers(() => store.endSession(id, logout()))).kind, 'ended');
  });

  test('a watcher of the log whose connection is silently broken still hears of changes, over another one', async () => {
    const relay = await relayed();
    const direct = await server.createDatabase('stranded');
    const fixture = words(await opened(server.url('stranded', relay.port)));
    const { hears, stop } = fixture.watch();
    await hears(() => fixture.store.endEveryone(everyone()));
    relay.strand();
    const other = await opened(direct);
    await hears(() => other.endEveryone(everyone()));
    stop();
  });

  test('a slow network only makes it slow', async () => {
    const relay = await relayed();
    await server.createDatabase('slow');
    const store = await opened(server.url('slow', relay.port));
    relay.delay = 100;
    const fixture = words(store);
    const sessions = await fixture.createMany(50);
    await Promise.all(sessions.map(({ id }) => store.endSession(id, logout())));
    assert.equal((await store.logHead()).sequence, 50);
    assert.equal(await store.countActive(start), 0);
  });

  test('a restart of PostgreSQL causes quick errors meanwhile; then everything is there, without a restart of Curfew', async () => {
    const store = await opened(await server.createDatabase('restarted'));
    const fixture = words(store);
    const sessions = await fixture.createMany(20);
    await store.endSession(sessions[0]!.id, logout());
    const { hears, stop } = fixture.watch();
    await server.stop();
    try {
      const away = await faultOf(() => store.readSession(sessions[1]!.id));
      assert.equal(away.code, 'store_unavailable');
      assert.ok(away.took < 2000);
      for (let i = 0; i < 20; i++) {
        const fault = await faultOf(() => store.endSession(sessions[1]!.id, logout()));
        assert.equal(fault.code, 'store_unavailable', 'nothing was sent, so nothing is unknown');
        assert.ok(fault.took < 500, `a call waited ${fault.took} ms for a server that is away`);
      }
    } finally {
      await server.startAgain();
    }
    await recovers(() => store.ping());
    assert.equal((await fixture.view(sessions[0]!.id)).status, 'ended');
    assert.equal((await fixture.view(sessions[1]!.id)).status, 'active');
    assert.equal((await store.endSession(sessions[1]!.id, logout())).kind, 'ended');
    assert.equal((await store.logHead()).sequence, 2);
    await hears(() => store.endEveryone(everyone()));
    stop();
  });

  test('tables that gain columns, as by the upgrade of another server, fail no call of this one', async () => {
    const store = await opened(await server.createDatabase('upgraded'));
    const fixture = words(store);
    const sessions = await fixture.createMany(8);
    const readAll = () => Promise.all(sessions.map(({ id }) => fixture.view(id)));
    await readAll();
    await store.readLog(0, 10);
    for (const table of ['sessions', 'log', 'events', 'epochs', 'nodes']) {
      await server.sql('upgraded', `ALTER TABLE curfew.${table} ADD COLUMN later integer`);
    }
    for (const { status } of await readAll()) assert.equal(status, 'active');
    assert.equal((await store.endSession(sessions[0]!.id, logout())).kind, 'ended');
    assert.equal((await store.readLog(0, 10)).length, 1);
  });

  test('a standby that replaced the primary behind a proxy is not trusted', async () => {
    const relay = await relayed();
    await server.createDatabase('failing_over');
    const first = await opened(server.url('failing_over'));
    const fixture = words(first);
    const { id } = await fixture.create();
    await server.stop();
    const standby = await server.copyAsStandby();
    try {
      await server.startAgain();
      await recovers(() => first.ping());
      const store = await opened(server.url('failing_over', relay.port));
      relay.lead(standby.port);
      relay.cut();
      await first.endSession(id, logout());
      for (const call of [() => store.readSession(id), () => store.endSession(id, logout()), () => store.logHead()]) {
        const fault = await faultOf(call);
        assert.equal(fault.code, 'store_unavailable', fault.message);
      }
      const refused = await faultOf(() => openPostgresStore(server.url('failing_over', relay.port)));
      assert.equal(refused.code, 'store_read_only');
      assert.match(refused.message, /standby/);
      relay.lead(server.port);
      relay.cut();
      await recovers(() => store.ping());
      assert.equal((await words(store).view(id)).status, 'ended');
    } finally {
      await standby.dispose();
    }
  });

  test('of no read is the answer of a standby used, if one has replaced the primary behind a connection', async (t) => {
    const store = await opened(await server.createDatabase('replaced'));
    const fixture = words(store);
    const { engine } = store;
    const alias = { kind: 'app', hash: 'A'.repeat(43) };
    const { id, userId } = await fixture.create({ name: 'desk', aliases: [alias] });
    const desk = (await store.readNamed(name('desk')))!;
    const key = await fixture.createKey();
    const account = fixture.account('ada', 'ada@example.com');
    await store.createAccount(account, note('account.created'));
    await store.keepKeyFingerprint('a1');
    await store.endEveryone(everyone());
    const query = { now: start, budget: 1000, limit: 10 };
    const reads: Record<string, () => Promise<unknown>> = {
      readSession: () => store.readSession(id),
      readNamedSession: () => store.readNamedSession(desk.name),
      readSessionByAlias: () => store.readSessionByAlias(alias),
      listSessions: () => store.listSessions({ ...query, filter: {} }),
      'listSessions, ended': () => store.listSessions({ ...query, filter: { status: 'ended' } }),
      'listSessions, by text': () => store.listSessions({ ...query, filter: { text: 'ada' } }),
      countActive: () => store.countActive(start),
      'countActive of a user': () => store.countActive(start, userId),
      readUser: () => store.readUser(userId),
      findAccount: () => store.findAccount({ username: 'ada' }),
      'findAccount by address': () => store.findAccount({ email: 'ada@example.com' }),
      listAccounts: () => store.listAccounts({ limit: 10 }),
      readKey: () => store.readKey(key.id),
      listKeys: () => store.listKeys({ limit: 10 }),
      readNamed: () => store.readNamed(desk.name),
      listNamed: () => store.listNamed({ limit: 10 }),
      readEvents: () => store.readEvents({ limit: 10 }),
      'readEvents, upwards': () => store.readEvents({ after: 0, limit: 10 }),
      'readEvents, searching': () => store.readEvents({ type: 'key.revoked', limit: 10 }),
      readLog: () => store.readLog(1, 10),
      logHead: () => store.logHead(),
      listNodes: () => store.listNodes(),
      keyFingerprint: () => store.keyFingerprint(),
      latestTime: () => store.latestTime(),
      ping: () => store.ping(),
      'readSlot of the engine': () => engine.readSlot(desk.name),
      'readSessionsOf of the engine': () => engine.readSessionsOf(userId, { limit: 1 }),
      'head of the engine': () => engine.head(),
      'scanPassed of the engine': () => engine.scanPassed(10),
    };
    // What is not there, on a standby that is behind.
    Object.assign(reads, {
      'readSession of an unknown one': () => store.readSession('0'.repeat(22) as typeof id),
      'readSessionByAlias of an unknown one': () => store.readSessionByAlias({ ...alias, hash: 'B'.repeat(43) }),
      'findAccount of an unknown one': () => store.findAccount({ username: 'alan' }),
      'readKey of an unknown one': () => store.readKey('0'.repeat(22) as typeof key.id),
      'readNamed of an unknown one': () => store.readNamed(name('chair')),
      'listNamed, the last page': () => store.listNamed({ after: name('zebra'), limit: 10 }),
      'readEvents, the last page': () => store.readEvents({ after: 1_000_000, limit: 10 }),
      'readLog, the last page': () => store.readLog(1_000_000, 10),
    });
    for (const read of Object.values(reads)) await read();
    // A standby's answer is like the primary's, except for what it says of itself.
    const { connect } = Database.prototype;
    t.mock.method(Database.prototype, 'connect', async function (this: Database) {
      const client = await connect.call(this);
      const { query } = Object.getPrototypeOf(client);
      return Object.assign(client, {
        query: ({ text, values }: pg.QueryConfig) =>
          query.call(client, { text: text.replaceAll('pg_is_in_recovery()', 'true'), values }),
      });
    });
    for (const [what, call] of Object.entries(reads)) {
      await assert.rejects(call(), { code: 'store_unavailable', message: /a standby answered/ }, what);
    }
  });

  test('a commit that no synchronous standby confirmed is unknown, not a success', async () => {
    const url = `${await server.createDatabase('unconfirmed')}?statement_timeout=1000`;
    const store = await opened(url);
    const fixture = words(store);
    const [one, two] = await fixture.createMany(2);
    try {
      await server.setting('synchronous_standby_names', 'nobody');
      await server.untilCommitsWait();
      const cancelled = await faultOfCancelled(() => store.endSession(one!.id, logout()));
      assert.equal(cancelled.code, 'outcome_unknown');
      assert.match(cancelled.message, /synchronous replication/);
      // It is there, and may still be lost.
      const again = await faultOfCancelled(() => store.endSession(one!.id, logout()));
      assert.equal(again.code, 'outcome_unknown');
      // Without a cancellation it times out.
      const waited = await faultOf(() => store.endSession(two!.id, logout()));
      assert.equal(waited.code, 'outcome_unknown');
      assert.ok(waited.took < 5000);
    } finally {
      await server.setting('synchronous_standby_names');
    }
    await recovers(() => store.endSession(two!.id, logout()));
    assert.equal((await store.endSession(one!.id, logout())).kind, 'already');
    assert.equal((await store.logHead()).sequence, 2);
  });

  test('N10.6: what nobody waits for leaves no connection waiting for a synchronous standby', async () => {
    const url = `${await server.createDatabase('unwaited')}?statement_timeout=1000`;
    const store = await opened(url);
    const fixture = words(store);
    const { id } = await fixture.create();
    await fixture.create({ userId: 'ben', idle: 10 });
    await fixture.create({ userId: 'eve' });
    await store.endSessionsOfUser(user('eve'), { ...logout(), reason: 'all_of_user' });
    const key = await fixture.createKey(['sessions.read']);
    try {
      await server.setting('synchronous_standby_names', 'nobody');
      await server.untilCommitsWait();
      await store.touchSessions([{ id, at: start + 20 }]);
      await store.touchKeys([{ id: key.id, at: start + 20 }]);
      await store.tryWriting();
      const passed = await store.engine.scanPassed(100);
      const due = await store.engine.scanDue(start + 1000, 100);
      assert.deepEqual([passed.candidates.length, due.candidates.length], [1, 1]);
      await passed.settle(new Set());
      await store.engine.forget({ now: start + 30 * day, keepEnded: day, keepEvents: day, batch: 100 });
      const waiting = "SELECT query FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
      assert.deepEqual((await server.sql('postgres', waiting)).rows, []);
    } finally {
      await server.setting('synchronous_standby_names');
    }
  });

  test('an import that no synchronous standby confirmed is unknown, not a success', async () => {
    const from = await opened(await server.createDatabase('exported'));
    const { id } = await words(from).create();
    const into = await opened(await server.createDatabase('unconfirmed_import'));
    try {
      await server.setting('synchronous_standby_names', 'nobody');
      await server.untilCommitsWait();
      const cancelled = await faultOfCancelled(() => into.importRecords(from.exportRecords()));
      assert.equal(cancelled.code, 'outcome_unknown');
      assert.match(cancelled.message, /synchronous replication/);
    } finally {
      await server.setting('synchronous_standby_names');
    }
    assert.ok(await into.readSession(id));
  });

  /** The error of a call while somebody cancels each wait for a standby: PostgreSQL reports a success, with a warning. */
  async function faultOfCancelled(call: () => Promise<unknown>): ReturnType<typeof faultOf> {
    let over = false;
    const fault = faultOf(call).finally(() => {
      over = true;
    });
    const waiting = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
    while (!over) await server.sql('postgres', waiting);
    return fault;
  }

  test('N10.8: a full disk causes a named error, loses nothing acknowledged, and everything continues when there is room', async (t) => {
    const folder = join(server.folder, 'small');
    mkdirSync(folder);
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', folder]).status !== 0) {
      rmSync(folder, { recursive: true });
      t.skip('this user may not mount a small disk');
      return;
    }
    t.after(() => spawnSync('umount', ['-l', folder]));
    const place = join(folder, 'space');
    mkdirSync(place);
    spawnSync('chown', ['-R', 'postgres:postgres', place]);
    chmodSync(place, 0o700);
    const ballast = join(folder, 'ballast');
    const store = await opened(await server.createDatabase('small'));
    await server.sql('postgres', `CREATE TABLESPACE small LOCATION '${place}'`);
    await server.sql('small', 'SET search_path = curfew; ALTER TABLE sessions SET TABLESPACE small');
    writeFileSync(ballast, Buffer.alloc(2_000_000));
    const fixture = words(store);
    const created: string[] = [];
    let fault: { code: string; message: string } | undefined;
    for (let i = 0; !fault && i < 200; i++) {
      const plans = Array.from({ length: 100 }, (_, k) => fixture.plan({ userId: `user ${k}`, at: start + i }));
      const outcomes = await Promise.allSettled(plans.map((plan) => fixture.tryCreate(plan)));
      for (const [k, outcome] of outcomes.entries()) {
        if (outcome.status === 'fulfilled') created.push(plans[k]!.id);
        else fault = outcome.reason as { code: string; message: string };
      }
    }
    assert.equal(fault?.code, 'store_full');
    assert.match(fault.message, /The disk of PostgreSQL's server is full: .*No space left/);
    const check = async () => {
      const found = await Promise.all(created.map((id) => store.readSession(id as never)));
      assert.ok(!found.includes(undefined), 'an acknowledged session is lost');
      assert.equal((await fixture.list()).length, created.length, 'a refused session was written');
      assert.equal(await store.countActive(start), created.length);
    };
    await check();
    rmSync(ballast);
    created.push((await fixture.create({ at: start + 1000 })).id);
    await check();
  });
});
