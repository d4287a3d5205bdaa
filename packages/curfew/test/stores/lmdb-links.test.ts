import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { serve } from '../../src/start/serve.ts';
import { Reserve } from '../../src/stores/lmdb/reserve.ts';
import { openTables } from '../../src/stores/lmdb/tables.ts';
import { openStore } from '../../src/stores/open.ts';
import { runCli } from '../support/process.ts';
import { temporaryFolder } from './harness.ts';

/** The user of the service, who may do anything in the folder of the store. */
const service = 65_534;
const text = 'root only\n';
const looks = (path: string) => {
  const { uid, gid, mode } = statSync(path);
  return [readFileSync(path, 'utf8'), uid, gid, mode & 0o777];
};

/** A store of the service's user, which a server has used, and a file that only root may read. */
async function foreignStore(t: TestContext) {
  const folder = temporaryFolder();
  t.after(folder.remove);
  const [path, victim] = [join(folder.path, 'data'), join(folder.path, 'victim')];
  const env = { CURFEW_STORE: `lmdb:${path}`, CURFEW_PORT: '0', CURFEW_LOG_LEVEL: 'silent' };
  await (await serve(env)).close();
  chownSync(path, service, service);
  for (const name of readdirSync(path)) chownSync(join(path, name), service, service);
  writeFileSync(victim, text);
  chmodSync(victim, 0o640);
  return { path, victim, env, aside: join(folder.path, 'aside') };
}

const skip = process.getuid?.() === 0 ? false : 'only root may open the files of every user';

describe('in a folder that belongs to another user', { skip }, () => {
  test('no command follows a link in place of a file: the error names it, and where it leads nothing is changed', async (t) => {
    const { path, victim, env, aside } = await foreignStore(t);
    const before = looks(victim);
    cpSync(path, aside, { recursive: true, preserveTimestamps: true });
    for (const name of ['data.mdb', 'lock.mdb', 'incarnation', 'closed', 'reserve', 'secret.key']) {
      rmSync(join(path, name), { force: true });
      symlinkSync(victim, join(path, name));
      for (const args of [['export'], ['backup', `${path}-copy`]]) {
        // A backup is made without what only a server writes.
        if (args[0] === 'backup' && name === 'closed') continue;
        const { code, err } = await runCli(args, env);
        const what = `${name}: ${err}`;
        assert.equal(code, 1, what);
        assert.ok(err.includes(`error A file of the store is a link: ${join(path, name)} is a symbolic link`), what);
        assert.match(err, /→ Remove the link/);
        assert.deepEqual(looks(victim), before, name);
      }
      assert.ok(!existsSync(`${path}-copy`));
      rmSync(join(path, name));
      if (existsSync(join(aside, name))) renameSync(join(aside, name), join(path, name));
    }
  });

  test('a link to a file that does not exist creates none', async (t) => {
    const { path, victim, env } = await foreignStore(t);
    rmSync(victim);
    rmSync(join(path, 'lock.mdb'), { force: true });
    symlinkSync(victim, join(path, 'lock.mdb'));
    const { code, err } = await runCli(['export'], env);
    assert.deepEqual([code, /A file of the store is a link/.test(err)], [1, true], err);
    assert.ok(!existsSync(victim));
  });

  test('a link in place of a file that is being made is replaced by that file', async (t) => {
    const { path, victim, env } = await foreignStore(t);
    const before = looks(victim);
    rmSync(join(path, 'secret.key'));
    for (const name of ['incarnation.next', 'secret.key.new']) symlinkSync(victim, join(path, name));
    const { code, err } = await runCli(['secret-key', 'replace', '--lost'], env);
    assert.equal(code, 0, err);
    assert.deepEqual(looks(victim), before);
    for (const name of ['incarnation', 'closed', 'secret.key', 'lock.mdb']) {
      const { uid, gid, mode } = statSync(join(path, name));
      assert.deepEqual([uid, gid, mode & 0o777], [service, service, 0o600], name);
    }
  });

  test('a link that takes the place of the reserve while the store is open is neither filled nor shortened', async (t) => {
    const { path, victim } = await foreignStore(t);
    const before = looks(victim);
    const reserve = new Reserve(path, 1024 * 1024);
    symlinkSync(victim, join(path, 'reserve'));
    await reserve.refill();
    assert.deepEqual(looks(victim), before);
    await reserve.refill();
    assert.equal(reserve.size, 1024 * 1024);
    assert.equal(statSync(join(path, 'reserve')).uid, service);
    rmSync(join(path, 'reserve'));
    symlinkSync(victim, join(path, 'reserve'));
    assert.equal(reserve.release(), false);
    assert.deepEqual(looks(victim), before);
  });

  test('only a socket is removed, whatever path the store names as that of its last owner', async (t) => {
    const { path, victim, env } = await foreignStore(t);
    const tables = openTables(path);
    await tables.meta.put('owner', { socket: '../victim', pid: 1 });
    await tables.root.close();
    const { code, err } = await runCli(['export'], env);
    assert.equal(code, 0, err);
    assert.ok(existsSync(victim));
  });

  test('a path with a link to the folder works', async (t) => {
    const { path, env } = await foreignStore(t);
    symlinkSync(path, `${path}-link`);
    const { code, err } = await runCli(['export', '--store', `lmdb:${path}-link`], env);
    assert.equal(code, 0, err);
  });
});

test('in a folder of one’s own, a file may be a link to another disk', async (t) => {
  const folder = temporaryFolder();
  t.after(folder.remove);
  const [path, elsewhere] = [join(folder.path, 'data'), join(folder.path, 'elsewhere')];
  for (const each of [path, elsewhere]) mkdirSync(each);
  symlinkSync(join(elsewhere, 'data.mdb'), join(path, 'data.mdb'));
  await (await openStore(`lmdb:${path}`)).close();
  await (await openStore(`lmdb:${path}`)).close();
  assert.ok(statSync(join(elsewhere, 'data.mdb')).size > 0);
});
