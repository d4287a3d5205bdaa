import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startChild } from '../support/child.ts';

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const hook = new URL('../support/loaded.ts', import.meta.url).href;

/** The packages that a command has loaded by the time that it ends; a server is stopped as soon as it listens. */
async function loadedBy(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Set<string>> {
  const command = [process.execPath, '--import', hook, '--conditions=curfew-source', main, ...args];
  const child = startChild(command, { env: { PATH: process.env['PATH'], ...env } });
  let err = '';
  child.stderr.on('data', (text) => {
    err += text;
    if (String(text).includes('/docs')) child.kill('SIGTERM');
  });
  const [code] = await once(child, 'close');
  assert.equal(code, 0, err);
  return new Set([...err.matchAll(/^loaded (.+)$/gm)].map(([, name]) => name!));
}

const server = ['fastify', 'ws'];
const drivers = ['lmdb', 'pg', '@redis/client'];

test('a command that opens no store loads no driver, and nothing of the server', async () => {
  const loaded = await loadedBy(['sessions', '--help']);
  assert.ok(loaded.has('commander'));
  assert.deepEqual(
    [...server, ...drivers, '@node-rs/argon2'].filter((name) => loaded.has(name)),
    [],
  );
});

test('a server on the embedded store loads no other driver', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'curfew-loaded-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const loaded = await loadedBy(['serve'], { CURFEW_STORE: `lmdb:${folder}/data`, CURFEW_PORT: '0' });
  assert.deepEqual(
    [...server, ...drivers].filter((name) => loaded.has(name)),
    [...server, 'lmdb'],
  );
});
