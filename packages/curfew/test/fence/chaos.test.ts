import assert from 'node:assert/strict';
import { test } from 'node:test';
import { temporaryFolder } from '../stores/harness.ts';
import { Chaos, tell } from './chaos/chaos.ts';

/** Seconds; ten minutes are a release's, one is every change's. */
const seconds = Number(process.env['CHAOS_SECONDS'] ?? 60);

test('an embedded store, one server, six applications: no kill, stop, cut or delay breaks the promise', {
  timeout: (seconds + 120) * 1000,
}, async (t) => {
  const folder = temporaryFolder();
  t.after(folder.remove);
  const report = await new Chaos({ url: `lmdb:${folder.path}`, nodes: 1 }).run(seconds);
  for (const line of tell(report).split('\n')) t.diagnostic(line);
  assert.deepEqual(report.violations, []);
  assert.ok(report.active > 1000 && report.ends > seconds / 4, 'there was hardly any load');
});
