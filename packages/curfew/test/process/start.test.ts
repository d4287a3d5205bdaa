import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface, type Interface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { makeKey } from '../../src/authority/keys.ts';
import { temporaryFolder } from '../stores/harness.ts';
import { random } from '../support/ports.ts';

const root = fileURLToPath(new URL('../../../../', import.meta.url));

const key = makeKey(Date.now(), random);

test('N8.9: SIGTERM to `npm start` stops the server, which finishes accepted requests', {
  timeout: 300_000,
  skip: process.platform === 'win32',
}, async (t) => {
  const folder = temporaryFolder();
  t.after(folder.remove);
  const settings = { CURFEW_STORE: `lmdb:${folder.path}`, CURFEW_PORT: '0', CURFEW_LOG_LEVEL: 'info' };
  const env = { ...process.env, ...settings, CURFEW_API_KEY: key };
  const npm = spawn('npm', ['start'], { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => npm.kill('SIGKILL'));
  const lines = createInterface(npm.stdout!);
  const said: string[] = [];
  lines.on('line', (line) => said.push(line));
  // The process at the other end of the pipe has gone.
  const over = once(lines, 'close');
  const listening = await lineWith(lines, '"msg":"listening"');
  const socket = connect(Number(new URL(JSON.parse(listening).url).port), '127.0.0.1').setEncoding('utf8');
  t.after(() => socket.destroy());
  const body = '{"userId":"ada"}';
  const head = ['POST /v1/sessions HTTP/1.1', 'host: curfew', `authorization: Bearer ${key}`, 'expect: 100-continue'];
  const shape = ['content-type: application/json', `content-length: ${body.length}`];
  socket.write(`${[...head, ...shape].join('\r\n')}\r\n\r\n`);
  assert.match((await once(socket, 'data'))[0], /^HTTP\/1\.1 100 /, 'it is accepted');
  const stopping = lineWith(createInterface(npm.stderr!), 'SIGTERM');
  npm.kill('SIGTERM');
  await stopping;
  socket.write(body);
  assert.match((await once(socket, 'data'))[0], /^HTTP\/1\.1 201 /);
  await over;
  assert.match(said.at(-1)!, /"msg":"closed"/);
});

/** Resolves with the first line from now on that contains a text. */
function lineWith(lines: Interface, text: string): Promise<string> {
  return new Promise((resolve) => {
    lines.on('line', (line) => {
      if (line.includes(text)) resolve(line);
    });
  });
}
