import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { serve } from '../../src/start/serve.ts';
import { backUpStore } from '../../src/stores/open.ts';
import { runCli } from '../support/process.ts';
import { temporaryFolder } from './harness.ts';

/** The permissions of others than the owner on a file. */
const forOthers = (path: string) => statSync(path).mode & 0o077;

test('N10.10: the files of an embedded store are readable only by their owner, even in a folder that everybody can read; so is a backup', async (t) => {
  const before = process.umask(0o022);
  t.after(() => process.umask(before));
  const folder = temporaryFolder();
  t.after(folder.remove);
  const [path, copy] = [join(folder.path, 'data'), join(folder.path, 'copy')];
  mkdirSync(path);
  assert.equal(forOthers(path), 0o055);
  const env = { CURFEW_STORE: `lmdb:${path}`, CURFEW_PORT: '0', CURFEW_LOG_LEVEL: 'silent' };
  await (await serve(env)).close();
  const wide = () => readdirSync(path).filter((name) => forOthers(join(path, name)) !== 0);
  assert.ok(readdirSync(path).includes('data.mdb'));
  assert.deepEqual(wide(), []);

  // As an earlier version left it.
  chmodSync(join(path, 'data.mdb'), 0o644);
  await backUpStore(env.CURFEW_STORE, copy, ['secret.key']);
  for (const name of readdirSync(copy)) assert.equal(forOthers(join(copy, name)), 0, name);
  const told = await runCli(['doctor'], { ...env, CURFEW_URL: 'http://127.0.0.1:1' });
  assert.match(
    told.out,
    /! data file .*data\.mdb has mode 644: not only its owner can access it\n.*chmod 600 .*data\.mdb/,
  );
  chmodSync(join(path, 'data.mdb'), 0o600);
  const well = await runCli(['doctor'], { ...env, CURFEW_URL: 'http://127.0.0.1:1' });
  assert.match(well.out, /✓ data file .*data\.mdb, readable only by its owner/);
});
