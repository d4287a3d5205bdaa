import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const library = fileURLToPath(new URL('../../src/index.ts', import.meta.url));
const older = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '22.9.0' } });
Object.defineProperty(process, 'version', { value: 'v22.9.0' });
delete Map.groupBy;
import(${JSON.stringify(library)}).catch(({ message }) => console.log(message));`;

test('an older Node.js is named before anything that it lacks', () => {
  const { stdout } = spawnSync(process.execPath, ['--conditions=curfew-source', '-e', older], { encoding: 'utf8' });
  assert.equal(stdout, 'Curfew requires Node.js 24 or newer; this process runs v22.9.0.\n');
});
