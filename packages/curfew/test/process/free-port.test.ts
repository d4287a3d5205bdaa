import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startChild } from '../support/child.ts';
import { freePort } from '../support/free-port.ts';

const support = fileURLToPath(new URL('../support/free-port.ts', import.meta.url));

test('a port is given once, whichever of the processes asks, although nothing is listening on it yet', {
  timeout: 60_000,
}, async () => {
  const [first, last, each] = [31_000, 31_059, 20];
  const asks = `
    const { freePort } = await import(${JSON.stringify(support)});
    for (let i = 0; i < ${each}; i++) console.log(await freePort(${first}, ${last}));
    setInterval(() => {}, 1000);`;
  const child = startChild([process.execPath, '--conditions=curfew-source', '--input-type=module', '--eval', asks]);
  let said = '';
  const own: number[] = [];
  try {
    for (let i = 0; i < each; i++) own.push(await freePort(first, last));
    while (said.split('\n').length <= each) said += (await once(child.stdout, 'data'))[0];
  } finally {
    child.kill('SIGKILL');
  }
  const others = said.trim().split('\n').map(Number);
  assert.equal(new Set([...own, ...others]).size, 2 * each, `${own}; ${others}`);
});
