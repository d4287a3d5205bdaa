import assert from 'node:assert/strict';
import { cpSync, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeKey } from '../../src/authority/keys.ts';
import { openStore } from '../../src/stores/open.ts';
import { temporaryFolder } from '../stores/harness.ts';
import { random } from '../support/ports.ts';
import { clientFor, runCli, startProcess } from '../support/process.ts';

/** A server in its own process, on a new folder or the given one. */
async function serveIn(t: { after(done: () => void): void }, path: string, env: Record<string, string> = {}) {
  const server = await startProcess({ CURFEW_STORE: `lmdb:${path}`, ...env });
  t.after(() => server.child.kill('SIGKILL'));
  return server;
}

async function incarnationOf(path: string): Promise<string> {
  const store = await openStore(`lmdb:${path}`);
  try {
    return (await store.logHead()).incarnation;
  } finally {
    await store.close();
  }
}

test('N10.3: a backup made while the server writes shows one moment, starts a server, and is another incarnation', async (t) => {
  const folder = temporaryFolder();
  t.after(folder.remove);
  const [data, copy, restored] = ['data', 'copy', 'restored'].map((name) => join(folder.path, name)) as [
    string,
    string,
    string,
  ];
  const root = makeKey(Date.now(), random);
  const server = await serveIn(t, data, { CURFEW_API_KEY: root });
  const client = clientFor(server, root);
  const before = await client.createSession({ userId: 'before' });
  const ended = await client.createSession({ userId: 'ended' });
  await client.endSession({ id: ended.session.id });
  // Each end is acknowledged before the next creation, so a snapshot of one moment has at most one of them active.
  let writing = true;
  const underWay = Promise.withResolvers<void>();
  const writes = (async () => {
    for (let turns = 0; writing; turns++) {
      if (turns === 20) underWay.resolve();
      const { session } = await client.createSession({ userId: 'chain' });
      await client.endSession({ id: session.id });
    }
  })();
  await Promise.race([underWay.promise, writes]);
  const made = await runCli(['backup', copy, '--json'], { CURFEW_STORE: `lmdb:${data}` });
  writing = false;
  await writes;
  assert.equal(made.code, 0, made.err);
  assert.deepEqual(JSON.parse(made.out), { folder: copy, bytes: statSync(join(copy, 'data.mdb')).size });
  assert.deepEqual(readdirSync(copy).sort(), ['data.mdb', 'secret.key']);
  assert.equal(statSync(copy).mode & 0o777, 0o700);
  assert.equal(statSync(join(copy, 'secret.key')).mode & 0o777, 0o600);
  const after = await client.createSession({ userId: 'after' });
  await server.stop('SIGTERM');

  cpSync(copy, restored, { recursive: true });
  assert.notEqual(await incarnationOf(restored), await incarnationOf(data));
  const again = await serveIn(t, restored);
  const other = clientFor(again, root);
  assert.equal((await other.verifySession({ token: before.token })).active, true);
  assert.equal((await other.verifySession({ token: ended.token })).active, false);
  assert.equal((await other.verifySession({ token: after.token })).active, false);
  const { sessions } = await other.listSessions({ user: 'chain', limit: 100 });
  assert.ok(sessions.length >= 20, `${sessions.length} are there`);
  assert.ok(sessions.filter(({ status }) => status === 'active').length <= 1, 'it is of more than one moment');
  await again.stop('SIGTERM');
});

test('a backup can be made of a store that nobody has open, never over existing files, and not of other kinds of stores', async (t) => {
  const folder = temporaryFolder();
  t.after(folder.remove);
  const [data, copy] = [join(folder.path, 'data'), join(folder.path, 'copy')];
  const store = await openStore(`lmdb:${data}`);
  await store.appendEvent({ type: 'account.created', at: 1, by: 'library' });
  await store.close();
  const env = { CURFEW_STORE: `lmdb:${data}` };
  const { code, out, err } = await runCli(['backup', copy], env);
  assert.equal(code, 0, err);
  assert.match(out, /is copied to .*copy \([\d,]+ bytes\), and every page is sound/);
  const bytes = readFileSync(join(copy, 'data.mdb'));
  const twice = await runCli(['backup', copy], env);
  assert.deepEqual(
    [twice.code, /exists already, .*\n.*Name a folder that does not exist yet/.test(twice.err)],
    [1, true],
  );
  assert.deepEqual(readFileSync(join(copy, 'data.mdb')), bytes);
  for (const [url, tool] of [
    ['postgres://u:hidden@127.0.0.1:1/curfew', /pg_dump/],
    ['redis://:hidden@127.0.0.1:1/0', /BGSAVE/],
  ] as const) {
    const refused = await runCli(['backup', join(folder.path, 'none'), '--store', url]);
    assert.equal(refused.code, 1);
    assert.match(refused.err, tool);
    assert.doesNotMatch(refused.err, /hidden/);
  }
  const nothing = await runCli(['backup', join(folder.path, 'none'), '--store', `lmdb:${folder.path}/nobody`]);
  assert.match(nothing.err, /there is no store in/);
  for (const command of [
    ['export', '--output', join(folder.path, 'none')],
    ['accounts', 'recover', 'admin'],
    ['secret-key', 'replace', '--lost'],
  ]) {
    const mistyped = await runCli([...command, '--store', `lmdb:${folder.path}/nobody`]);
    assert.equal(mistyped.code, 1, mistyped.out);
    assert.match(mistyped.err, /there is no store at lmdb:.*nobody/);
  }
  assert.ok(!existsSync(join(folder.path, 'nobody')), 'a mistyped name has made a store');
  const nowhere = await runCli(['backup', '/proc/none'], env);
  assert.match(nowhere.err, /data folder cannot be written/);
  assert.ok(!existsSync(join(folder.path, 'none')) && !existsSync(join(folder.path, 'none.unfinished')));
});
