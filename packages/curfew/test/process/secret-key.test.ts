import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { serve } from '../../src/start/serve.ts';
import { openTables } from '../../src/stores/lmdb/tables.ts';
import { temporaryFolder } from '../stores/harness.ts';
import { runCli } from '../support/process.ts';
import { redisInstalled } from '../support/redis.ts';
import { testReplacing } from '../support/replace-tests.ts';

const settings = { CURFEW_PORT: '0', CURFEW_LOG_LEVEL: 'silent' };

/** The folder of an embedded store that a server has used and released. */
async function usedFolder(t: { after(done: () => void): void }) {
  const folder = temporaryFolder();
  t.after(folder.remove);
  const path = join(folder.path, 'data');
  const env = { ...settings, CURFEW_STORE: `lmdb:${path}` };
  await (await serve(env)).close();
  return { env, path, keyFile: join(path, 'secret.key') };
}

test('N10.6: a secret.key that is missing beside data, or empty, is refused, and no new one is created', async (t) => {
  const { env, path, keyFile } = await usedFolder(t);
  const aside = join(path, 'aside');
  renameSync(keyFile, aside);
  for (let tries = 0; tries < 2; tries++) {
    await assert.rejects(serve(env), (error: Error & { code: string; remedy: string }) => {
      assert.equal(error.code, 'secret_key_missing');
      assert.match(error.message, /secret\.key does not exist, but the store has data/);
      assert.match(error.remedy, /Restore the file.*curfew secret-key replace/);
      return true;
    });
  }
  writeFileSync(keyFile, 'no key at all\n');
  await assert.rejects(serve(env), /secret_key|does not contain 64 hex digits/);
  truncateSync(keyFile);
  await assert.rejects(serve(env), { code: 'secret_key_missing', message: /secret\.key is empty/ });
  assert.equal(statSync(keyFile).size, 0);
  writeFileSync(keyFile, readFileSync(aside, 'utf8').replaceAll(/[0-9a-f]/g, '7'));
  await assert.rejects(serve(env), { code: 'secret_key_differs' });
  renameSync(aside, keyFile);
  chmodSync(keyFile, 0o644);
  await (await serve(env)).close();
  assert.equal(statSync(keyFile).mode & 0o777, 0o600);
});

test('the former key is no new one: nothing is replaced, and nothing is reported as replaced', async (t) => {
  const { env, path, keyFile } = await usedFolder(t);
  // A copy instead of a move: the folder still has it.
  const former = join(path, 'former');
  writeFileSync(former, readFileSync(keyFile));
  const replace = () => runCli(['secret-key', 'replace', '--former', former], env);
  const { code, out, err } = await replace();
  assert.deepEqual([code, out], [1, '']);
  assert.match(err, /secret\.key is the former one, so nothing would be replaced/);
  rmSync(keyFile);
  assert.equal((await replace()).code, 0);
  assert.notEqual(readFileSync(keyFile, 'utf8'), readFileSync(former, 'utf8'));
});

test('what root leaves in the folder of a store belongs to the user whose data it is', {
  skip: process.getuid?.() !== 0 && 'only root can give files away',
}, async (t) => {
  const { env, path, keyFile } = await usedFolder(t);
  const nobody = 65_534;
  for (const name of ['', ...readdirSync(path)]) chownSync(join(path, name), nobody, nobody);
  const former = join(path, 'former');
  renameSync(keyFile, former);
  chownSync(former, nobody, nobody);
  assert.equal((await runCli(['secret-key', 'replace', '--former', former], env)).code, 0);
  assert.equal((await runCli(['accounts', 'recover', 'admin'], env)).code, 0);
  for (const name of readdirSync(path)) assert.equal(statSync(join(path, name)).uid, nobody, name);
});

test('a folder of an earlier version keeps the key of its first start, and requires it from then on', async (t) => {
  const { env, path, keyFile } = await usedFolder(t);
  const tables = openTables(path);
  tables.meta.removeSync('secretKey');
  tables.meta.putSync('format', 3);
  await tables.root.close();
  renameSync(keyFile, `${keyFile}.aside`);
  await assert.rejects(serve(env), { code: 'secret_key_missing' });
  renameSync(`${keyFile}.aside`, keyFile);
  await (await serve(env)).close();
  await assert.rejects(serve({ ...env, CURFEW_SECRET_KEY: '7'.repeat(64) }), { code: 'secret_key_differs' });
});

test('a lost secret.key is replaced directly in the store, which creates another one', async (t) => {
  const { env, keyFile } = await usedFolder(t);
  const former = readFileSync(keyFile, 'utf8');
  renameSync(keyFile, `${keyFile}.lost`);
  const { code, out, err } = await runCli(['secret-key', 'replace', '--lost'], env);
  assert.equal(code, 0, err);
  assert.match(out, /knows the new secret key/);
  assert.notEqual(readFileSync(keyFile, 'utf8'), former);
  assert.equal(statSync(keyFile).mode & 0o777, 0o600);
  await (await serve(env)).close();
  renameSync(`${keyFile}.lost`, keyFile);
  await assert.rejects(serve(env), { code: 'secret_key_differs' });
});

test('an imported store requires the key of the exported one', async (t) => {
  const { env, keyFile } = await usedFolder(t);
  const folder = temporaryFolder();
  t.after(folder.remove);
  const to = { ...settings, CURFEW_STORE: `lmdb:${join(folder.path, 'data')}` };
  const { out } = await runCli(['export'], env);
  const imported = await runCli(['import'], to, out);
  assert.equal(imported.code, 0, imported.err);
  await assert.rejects(serve(to), { code: 'secret_key_missing' });
  await assert.rejects(serve({ ...to, CURFEW_SECRET_KEY: '7'.repeat(64) }), { code: 'secret_key_differs' });
  await (await serve({ ...to, CURFEW_SECRET_KEY_FILE: keyFile })).close();
});

testReplacing('redis', { skip: !redisInstalled });
