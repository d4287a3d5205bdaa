import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { fromHome } from '../src/home.ts';
import { readSettings } from '../src/start/config.ts';
import { folderOf, openStore } from '../src/stores/open.ts';
import { temporaryFolder } from './stores/harness.ts';
import { runCli } from './support/process.ts';

const names = fc.stringMatching(/^[^~/\\\0][^/\\\0]{0,9}$/);

test('a path is in the home folder if it begins with ~/, and is otherwise used as it is', () => {
  fc.assert(
    fc.property(fc.array(names, { minLength: 1, maxLength: 4 }), (parts) => {
      const path = parts.join('/');
      assert.equal(fromHome(path), path);
      assert.equal(fromHome(`./~${path}`), `./~${path}`);
      assert.equal(fromHome(`~/${path}`), join(homedir(), path));
      assert.equal(folderOf(`lmdb:~/${path}`), join(homedir(), path));
      assert.throws(() => fromHome(`~${path}`), /must not begin with the ~ of another user; write \.\/~/);
    }),
  );
  assert.equal(fromHome('~'), homedir());
});

test('N8.25: no setting and no option makes a folder called ~', async (t) => {
  const home = temporaryFolder();
  t.after(home.remove);
  const [data, work] = [join(home.path, 'data'), join(home.path, 'work')];
  mkdirSync(work);
  await (await openStore(`lmdb:${data}`)).close();
  writeFileSync(join(home.path, 'url'), 'lmdb:~/data\n');
  // Commands run in this folder, so there must be nothing new in it.
  const before = readdirSync('.');
  const env = { HOME: home.path, CURFEW_STORE_FILE: '~/url' };
  const backup = await runCli(['backup', '~/copy', '--json'], env);
  assert.deepEqual([backup.code, JSON.parse(backup.out || '{}').folder], [0, join(home.path, 'copy')], backup.err);
  const exported = await runCli(['export', '--output=~/out.jsonl'], env);
  assert.deepEqual([exported.code, existsSync(join(home.path, 'out.jsonl'))], [0, true], exported.err);
  const imported = await runCli(['import', '--input=~/out.jsonl', '--store', 'lmdb:~/other'], { HOME: home.path });
  assert.deepEqual([imported.code, existsSync(join(home.path, 'other', 'data.mdb'))], [0, true], imported.err);
  assert.deepEqual(readdirSync('.'), before);
  const { settings } = readSettings({ CURFEW_LOG_FILE: '~/log', CURFEW_SECRET_KEY_FILE: '~/key' });
  assert.deepEqual([settings.logFile, settings.secretKeyFile], [join(homedir(), 'log'), join(homedir(), 'key')]);
});

test('N8.25: the home folder of another user is refused, with the name of the setting or the option', async () => {
  for (const [name, value] of [
    ['CURFEW_STORE', 'lmdb:~bob/data'],
    ['CURFEW_LOG_FILE', '~bob/log'],
    ['CURFEW_SECRET_KEY_FILE', '~bob/key'],
    ['CURFEW_API_KEY_FILE', '~bob/key'],
  ] as const) {
    assert.throws(
      () => readSettings({ [name]: value }),
      new RegExp(`${name}: .*must not begin with the ~ of another user`),
    );
  }
  const { code, err } = await runCli(['export', '--output', '~bob/out']);
  assert.deepEqual(
    [code, /--output <file>' argument '~bob\/out' is invalid\. It must not begin/.test(err)],
    [2, true],
    err,
  );
});
