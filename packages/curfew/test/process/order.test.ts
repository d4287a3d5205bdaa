import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeKey } from '../../src/authority/keys.ts';
import { temporaryFolder } from '../stores/harness.ts';
import { random } from '../support/ports.ts';
import { clientFor, startProcess } from '../support/process.ts';

/*
 * An end is on disk before it is acknowledged: the system calls show that after the request has been read and the pages
 * written, a sync of the data file returns before the answer is sent.
 */
/** The return of a sync as strace prints it: in one line, or resumed after another thread's. */
const syncReturned = /(\b(fsync|fdatasync|msync)\(.*|<\.\.\. (fsync|fdatasync|msync) resumed.*) = 0( \(DELAYED\))?$/;

test('the order of system calls: the sync of an end returns before its answer is sent', async (t) => {
  if (spawnSync('strace', ['-V']).status !== 0) {
    t.skip('strace is not installed');
    return;
  }
  const folder = temporaryFolder();
  t.after(folder.remove);
  const key = makeKey(Date.now(), random);
  const trace = join(folder.path, 'trace');
  const calls = 'trace=read,recvfrom,write,writev,sendto,pwrite64,pwritev,fsync,fdatasync,msync,sync_file_range';
  // Each sync takes 30 ms longer, so that an answer that does not wait for it would certainly come first.
  const slowSync = 'inject=fsync,fdatasync,msync:delay_exit=30000';
  const server = await startProcess(
    { CURFEW_STORE: `lmdb:${join(folder.path, 'data')}`, CURFEW_API_KEY: key, CURFEW_ADMIN_PASSWORD: 'correct horse' },
    ['strace', '-f', '-qq', '-s', '60', '-e', calls, '-e', slowSync, '-o', trace],
  );
  const client = clientFor(server, key);
  const ids: string[] = [];
  for (let i = 0; i < 5; i++) ids.push((await client.createSession({ userId: 'ada' })).session.id);
  for (const id of ids) await client.endSession({ id });
  // The started program is strace; the server is its only child, and strace ends with it.
  const { pid } = server.child;
  const traced = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  const gone = once(server.child, 'exit');
  process.kill(Number(traced), 'SIGTERM');
  await gone;

  const lines = readFileSync(trace, 'utf8').split('\n');
  for (const id of ids) {
    const asked = lines.findIndex((line) => line.includes(`DELETE /v1/sessions/${id}`));
    const answered = lines.findIndex((line, i) => i > asked && /(write|writev|sendto)\(.*HTTP\/1\.1 200/.test(line));
    assert.ok(asked > 0 && answered > asked, `the request and the answer of ${id} are not in the trace`);
    const between = lines.slice(asked, answered);
    const written = between.findIndex((line) => /pwrite(64|v)\(/.test(line));
    const synced = between.findIndex((line, i) => i > written && syncReturned.test(line));
    assert.ok(written >= 0, `nothing was written before the answer:\n${between.join('\n')}`);
    assert.ok(synced > written, `no sync returned before the answer:\n${between.join('\n')}`);
  }
});
