import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const engine = fileURLToPath(new URL('../', import.meta.url));
const root = join(engine, '..', '..');
const packageName = 'n8n-nodes-curfew';

/** A copy of the package, where the linter finds itself and the package what it is built from. */
function copied(t: { after(done: () => void): void }): string {
  const folder = mkdtempSync(join(engine, '.checked-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const inside = join(folder, 'packages', packageName);
  cpSync(join(root, 'packages', packageName), inside, {
    recursive: true,
    filter: (source) => !source.includes('node_modules'),
  });
  cpSync(join(root, 'tsconfig.base.json'), join(folder, 'tsconfig.base.json'));
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(join(root, 'packages', 'nodes'), join(folder, 'node_modules', 'curfew-nodes'));
  return inside;
}

/** Runs `n8n-node lint` in a folder; its rules are n8n's own for verified community packages. */
async function lint(folder: string): Promise<{ code: number | null; out: string }> {
  const bin = join(engine, 'node_modules', '.bin');
  const child = spawn(join(bin, 'n8n-node'), ['lint'], {
    cwd: folder,
    env: { ...process.env, PATH: `${bin}:${process.env['PATH']}`, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      out += chunk;
    });
  }
  const [code] = await once(child, 'close');
  return { code, out };
}

test('n8n’s linter, in its strict mode, finds nothing to say of the package', async (t) => {
  const { code, out } = await lint(copied(t));
  assert.equal(code, 0, out);
  assert.doesNotMatch(out, /\d+ problems?/, out);
});

test('it would: a run-time dependency and a description without an icon are found', async (t) => {
  const folder = copied(t);
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...manifest, dependencies: { lodash: '*' } }, null, 2));
  const node = join(folder, 'nodes', 'Curfew', 'Curfew.node.ts');
  const source = readFileSync(node, 'utf8');
  writeFileSync(node, source.replace(/icon: \{[^}]*\},/, ''));
  const { code, out } = await lint(folder);
  assert.notEqual(code, 0);
  assert.match(out, /no-runtime-dependencies/);
  assert.match(out, /icon/);
});
