import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { publishedManifest } from '../../../packages/nodes/test/support/publisher.ts';
import { packageFolder } from './support/node-red.ts';

const engine = fileURLToPath(new URL('../', import.meta.url));
const offline = fileURLToPath(new URL('./support/offline.cjs', import.meta.url));

type Scorecard = Record<string, { test: boolean; nodes?: string[] }>;

/** Runs `node-red-dev validate` over a copy of the package; returns its scorecard. */
async function validate(
  t: { after(done: () => void): void },
  change: (folder: string) => void = () => {},
): Promise<{ out: string; card: Scorecard }> {
  const folder = mkdtempSync(join(tmpdir(), 'curfew-validate-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const inside = join(folder, 'package');
  cpSync(packageFolder, inside, { recursive: true, filter: (source) => !source.includes('node_modules') });
  writeFileSync(join(inside, 'package.json'), publishedManifest('node-red-curfew'));
  change(inside);
  const card = join(folder, 'card.json');
  const bin = join(engine, 'node_modules', 'node-red-dev', 'bin', 'run');
  const child = spawn(process.execPath, ['--require', offline, bin, 'validate', '--path', inside, '--output', card], {
    cwd: engine,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      out += chunk;
    });
  }
  await once(child, 'close');
  const { package: _, ...checks } = JSON.parse(readFileSync(card, 'utf8')) as Scorecard;
  return { out, card: checks };
}

test('Node-RED’s validator accepts the package', async (t) => {
  const { out, card } = await validate(t);
  const failed = Object.entries(card).filter(([, { test }]) => !test);
  assert.deepEqual(failed, [], out);
  assert.ok(Object.keys(card).length >= 10, out);
  assert.doesNotMatch(out, /Warning:/);
});

test('the validator refuses a package without a licence, a scope and examples', async (t) => {
  const { card } = await validate(t, (folder) => {
    rmSync(join(folder, 'examples'), { recursive: true, force: true });
    const path = join(folder, 'package.json');
    const manifest = JSON.parse(readFileSync(path, 'utf8'));
    writeFileSync(path, JSON.stringify({ ...manifest, license: undefined, name: 'node-red-curfew' }));
  });
  assert.deepEqual([card['P01']?.test, card['P04']?.test, card['N02']?.test], [false, false, false]);
});
