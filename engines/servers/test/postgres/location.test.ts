import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { CurfewError } from 'curfew';
import { StoreFixture } from '../../../../packages/curfew/src/stores/conformance/harness.ts';
import { openPostgresStore, parseLocation } from '../../../../packages/curfew/src/stores/postgres/index.ts';
import { until } from '../../../../packages/curfew/test/support/failover.ts';
import { recovers } from '../../../../packages/curfew/test/support/recovers.ts';
import { PostgresServer } from './server.ts';

const refused = (url: string): Promise<CurfewError> =>
  openPostgresStore(url).then(
    async (store) => {
      await store.close();
      return assert.fail(`${url} was opened`);
    },
    (error: CurfewError) => error,
  );

test('N8.17: every part of a PostgreSQL URL is used, or refused with what is wrong with it; nothing is ignored', () => {
  const base = 'postgres://me:hunter2@db/curfew';
  const wrong: [string, RegExp][] = [
    [`${base}?keepalives=1`, /unknown parameter "keepalives"; it takes .*sslmode/],
    [`${base}?ssl=true`, /unknown parameter "ssl"/],
    [
      `${base}?sslmode=on`,
      /sslmode=on, which must be disable or allow or prefer or require or verify-ca or verify-full/,
    ],
    [`${base}?sslmode=verify-ca`, /needs the certificate of the authority: sslrootcert/],
    [`${base}?sslmode=require&sslrootcert=system`, /goes with sslmode=verify-full alone/],
    [`${base}?sslmode=verify-full&sslrootcert=/no/such`, /sslrootcert=\/no\/such, which cannot be read: ENOENT/],
    [`${base}?sslcert=/x`, /needs sslcert and sslkey together/],
    [`${base}?target_session_attrs=any`, /target_session_attrs=any, which must be primary or read-write/],
    [`${base}?pooler=statement`, /pooler=statement, which must be session or transaction/],
    [`${base}?schema=a&schema=b`, /has schema more than once/],
    [`${base}?schema=`, /has schema without a value/],
    [`${base}#x`, /%23/],
    ['postgres://me:hunter2@h1:1,h2:x/db', /"h2:x" is not a host with a port/],
    ['postgres://me:hunter2%40h/db', /a colon that no port follows, .* an @ must follow them/],
    ['postgres://me:hunter2:h:5432/db', /a colon that no port follows/],
    ['postgres://me:x/hunter2@h/db', /an @ after its host; .* \/ \? # @ are written as %2F/],
    ['postgres://me:x?hunter2@h/db', /an @ after its host/],
    ['postgres://me:x#hunter2@h/db', /an @ after its host/],
    ['postgres://me:hunter2@/db', /names no host/],
    ['postgres://me:hunter2@/db?host=a,b&port=1,2,3', /not have as many ports as hosts/],
  ];
  for (const [url, says] of wrong) {
    assert.throws(
      () => parseLocation(url),
      (error: CurfewError) => {
        assert.equal(error.code, 'config_invalid', url);
        assert.match(error.message, says);
        assert.doesNotMatch(error.message, /hunter2/);
        return true;
      },
    );
  }
  const { ways, client, shown } = parseLocation(
    'postgres://me:p%40ss@[::1]:1,db,/db'.replace(',/db', '/db?sslmode=disable'),
  );
  assert.deepEqual(ways.current, { host: '::1', port: 1, ssl: false });
  assert.equal(ways.leave(ways.current, 'server'), true);
  assert.deepEqual(ways.current, { host: 'db', port: 5432, ssl: false });
  assert.deepEqual(client, { user: 'me', password: 'p@ss', database: 'db', application_name: 'curfew' });
  assert.equal(shown, 'postgres://me@[::1]:1,db/db');
  const socket = parseLocation('postgres://me@/db?host=/run/postgresql');
  assert.deepEqual(socket.ways.current, { host: '/run/postgresql', port: 5432, ssl: false });
  assert.deepEqual(parseLocation('postgres://me@%2Frun%2Fpg:7/db').ways.current.host, '/run/pg');
});

describe('ways to a PostgreSQL', () => {
  let server: PostgresServer;
  before(async () => {
    server = await PostgresServer.start(['wal_level=replica']);
  });
  after(() => server.dispose());

  test('N8.18: of several hosts the current primary is used, whichever that is', {
    timeout: 60_000,
  }, async (t) => {
    const url = await server.createDatabase('several');
    const standby = await server.startStandby();
    t.after(() => standby.dispose());
    const [host, there] = [`127.0.0.1:${server.port}`, `127.0.0.1:${standby.port}`];
    const store = await openPostgresStore(url.replace(host, `127.0.0.1:1,${there},${host}`));
    t.after(() => store.close());
    const fixture = new StoreFixture({ store, dispose: async () => {} });
    const { id } = await fixture.create();
    const head = (await server.sql('postgres', 'SELECT pg_current_wal_lsn() AS at')).rows[0].at;
    const caught = `SELECT pg_last_wal_replay_lsn() >= '${head}' AS up`;
    await until(async () => (await standby.sql('postgres', caught)).rows[0].up);
    await server.stop();
    await standby.promote();
    await until(async () => (await store.readSession(id).catch(() => undefined)) !== undefined);
    await fixture.create();
    await standby.stop();
    await server.startAgain();
  });

  test('a wrong password is tried at only one host', async () => {
    const host = `127.0.0.1:${server.port}`;
    const error = await refused(`postgres://postgres:wrong@${host},127.0.0.1:1/postgres`);
    assert.equal(error.code, 'store_login_refused');
  });

  test('N8.19: an encoding that cannot hold every text is refused, with the remedy', async () => {
    await server.sql('postgres', "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0");
    const error = await refused(server.url('latin'));
    assert.equal(error.code, 'store_unsafe');
    assert.match(error.message, /is LATIN1, and must be UTF8: CREATE DATABASE latin ENCODING 'UTF8'/);
    const { rows } = await server.sql('latin', "SELECT FROM pg_namespace WHERE nspname = 'curfew'");
    assert.equal(rows.length, 0);
  });

  test('N8.20: sslmode means the same as in libpq', { timeout: 60_000 }, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'curfew-tls-'));
    t.after(() => rmSync(folder, { recursive: true }));
    makeCertificates(folder, 'localhost');
    const data = join(server.folder, 'data');
    const { uid, gid } = statSync(data);
    chmodSync(folder, 0o755);
    for (const name of ['server.key', 'server.crt']) chownSync(join(folder, name), uid, gid);
    const [root, stranger] = [join(folder, 'ca.crt'), join(folder, 'stranger.crt')];
    const url = await server.createDatabase('modes');
    /** Whether its connections are encrypted; or the error that prevents opening it. */
    const outcome = async (parameters: string, host = '127.0.0.1') => {
      try {
        const store = await openPostgresStore(`${url.replace('127.0.0.1', host)}?${parameters}`);
        const { rows } = await server.sql('modes', encrypted);
        await store.close();
        return rows[0].encrypted as boolean;
      } catch (error) {
        return (error as CurfewError).message;
      }
    };
    const plain = { disable: false, allow: false, prefer: false, require: /does not support SSL/ };
    for (const [mode, expected] of Object.entries(plain))
      await same(outcome(`sslmode=${mode}`), expected, `${mode} without TLS`);
    await same(outcome(''), false, 'none without TLS');
    for (const [name, value] of Object.entries({ ssl_cert_file: 'server.crt', ssl_key_file: 'server.key' })) {
      await server.sql('postgres', `ALTER SYSTEM SET ${name} = '${join(folder, value)}'`);
    }
    await server.setting('ssl', 'on');
    const offered: [string, boolean | RegExp, string?][] = [
      ['sslmode=disable', false],
      ['sslmode=allow', false],
      ['sslmode=prefer', true],
      ['', true],
      ['sslmode=require', true],
      [`sslmode=require&sslrootcert=${stranger}`, /self-signed|unable to|certificate/],
      [`sslmode=require&sslrootcert=${root}`, true],
      [`sslmode=verify-ca&sslrootcert=${root}`, true],
      [`sslmode=verify-ca&sslrootcert=${stranger}`, /self-signed|unable to|certificate/],
      [`sslmode=verify-full&sslrootcert=${root}`, /altnames|does not match/],
      [`sslmode=verify-full&sslrootcert=${root}`, true, 'localhost'],
      ['sslmode=verify-full', /self-signed|unable to|certificate/, 'localhost'],
    ];
    for (const [parameters, expected, host] of offered) await same(outcome(parameters, host), expected, parameters);
    // A certificate of another authority takes its place while a process runs, whose connections have to be made again.
    const store = await openPostgresStore(`${url}?sslmode=verify-ca&sslrootcert=${root}`);
    t.after(() => store.close());
    makeCertificates(folder, 'localhost');
    for (const name of ['server.key', 'server.crt']) chownSync(join(folder, name), uid, gid);
    await server.sql('postgres', 'SELECT pg_reload_conf()');
    const others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'curfew'";
    await server.sql('postgres', others);
    await recovers(() => store.ping());
    const { rows } = await server.sql('modes', encrypted);
    assert.equal(rows[0].encrypted, true);
  });
});

const encrypted = `SELECT bool_and(s.ssl) AS encrypted FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid)
  WHERE a.application_name = 'curfew' AND a.datname = 'modes'`;

async function same(outcome: Promise<boolean | string>, expected: boolean | RegExp, what: string): Promise<void> {
  const found = await outcome;
  if (expected instanceof RegExp) assert.match(String(found), expected, what);
  else assert.equal(found, expected, what);
}

/** A private certificate authority with a certificate for a name, and an unknown authority. */
function makeCertificates(folder: string, name: string): void {
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' });
  const make = ['req', '-newkey', 'rsa:2048', '-nodes'];
  for (const authority of ['ca', 'stranger']) {
    openssl(
      ...make,
      '-x509',
      '-days',
      '2',
      '-subj',
      `/CN=${authority}`,
      '-keyout',
      `${authority}.key`,
      '-out',
      `${authority}.crt`,
    );
  }
  openssl(...make, '-subj', `/CN=${name}`, '-keyout', 'server.key', '-out', 'server.csr');
  writeFileSync(join(folder, 'names'), `subjectAltName=DNS:${name}`);
  const sign = ['x509', '-req', '-in', 'server.csr', '-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial'];
  openssl(...sign, '-days', '2', '-extfile', 'names', '-out', 'server.crt');
  chmodSync(join(folder, 'server.key'), 0o600);
}
