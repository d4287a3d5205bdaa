import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { serve } from '../../src/start/serve.ts';
import { temporaryFolder } from '../stores/harness.ts';
import { runCli } from './process.ts';
import { temporaryStore } from './store.ts';

/** Replaces the secret key of a store that several servers share while none is running. */
export function testReplacing(kind: 'redis' | 'postgres', options: { skip?: boolean } = {}): void {
  test(`N10.9: on ${kind}, a secret key is not replaced while servers run, because they would continue with the former one`, {
    ...options,
    timeout: 120_000,
  }, async (t) => {
    const store = await temporaryStore(kind);
    t.after(store.remove);
    const folder = temporaryFolder();
    t.after(folder.remove);
    const former = join(folder.path, 'former');
    writeFileSync(former, store.env['CURFEW_SECRET_KEY']!);
    const env = { ...store.env, CURFEW_PORT: '0', CURFEW_LOG_LEVEL: 'silent' };
    const other = { ...env, CURFEW_SECRET_KEY: randomBytes(32).toString('hex') };
    const replace = () => runCli(['secret-key', 'replace', '--former', former], other);
    const server = await serve(env);
    const refused = await replace().finally(() => server.close());
    assert.equal(refused.code, 1, refused.out);
    assert.match(
      refused.err,
      /Servers are running on the store.*the key that they have, and a server runs on it\.\n.*Stop the servers/,
    );
    await (await serve(env)).close();
    const done = await replace();
    assert.equal(done.code, 0, done.err);
    await assert.rejects(serve(env), { code: 'secret_key_differs' });
    await (await serve(other)).close();
  });
}
