import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TestServer } from '../../../packages/curfew/test/support/server.ts';

/*
 * Runs express-session's own tests with our store in place of its memory store. They are not in its package, so give a
 * checkout of its repository, which stays as it is:
 *
 *     EXPRESS_SESSION=/path/to/session node --conditions=curfew-source engines/express-session/src/suite.ts
 */
const checkout = process.env['EXPRESS_SESSION'];
if (!checkout) throw new Error('Set EXPRESS_SESSION to a checkout of https://github.com/expressjs/session.');

const client = join(import.meta.dirname, '../../../packages/client/src');
const memory = `'use strict'
const { curfewStore } = require(${JSON.stringify(join(client, 'express-session/index.ts'))})
const { createVerifier } = require(${JSON.stringify(join(client, 'verifier.ts'))})
const { createClient } = require(${JSON.stringify(join(client, 'index.ts'))})
const Store = require('./store')
const { CURFEW_URL: url, CURFEW_API_KEY: key } = process.env
const verifier = createVerifier({ url, key })
const client = createClient({ url, token: key })
let made = 0
// Each store that a test makes is empty, so it is another application's.
module.exports = function MemoryStore () {
  return curfewStore({ Store }, { verifier, client, kind: 'suite-' + ++made })
}
`;

const folder = mkdtempSync(join(tmpdir(), 'curfew-suite-'));
const server = await TestServer.start();
try {
  cpSync(checkout, folder, { recursive: true, filter: (path) => !/[\\/](node_modules|\.git)$/.test(path) });
  const { dependencies, devDependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const needed = ['after', 'cookie-parser', 'express', 'mocha', 'supertest'];
  const tools = Object.fromEntries(needed.map((name) => [name, devDependencies[name]]));
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ name: 'express-session', private: true, dependencies: { ...dependencies, ...tools } }),
  );
  writeFileSync(join(folder, 'session/memory.js'), memory);
  run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', '--prefer-offline']);
  run('sh', ['test/support/gencert.sh']);
  const mocha = [
    'node_modules/mocha/bin/mocha.js',
    '--require',
    'test/support/env',
    '--check-leaks',
    '--exit',
    '--reporter',
    'dot',
    'test/',
  ];
  // In a process of its own that does not block this one, where the server is.
  const child = spawn(process.execPath, mocha, { cwd: folder, stdio: 'inherit', env: environment() });
  process.exitCode = await new Promise<number>((resolve) => child.once('exit', (code) => resolve(code ?? 1)));
} finally {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
}

function environment(): NodeJS.ProcessEnv {
  return { ...process.env, CURFEW_URL: server.url, CURFEW_API_KEY: server.key };
}

function run(program: string, args: readonly string[]): void {
  const { status } = spawnSync(program, args, { cwd: folder, stdio: 'inherit' });
  if (status !== 0) throw new Error(`${program} ended with ${status}`);
}
