import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { publishedManifest } from '../../../packages/nodes/test/support/publisher.ts';

const engine = fileURLToPath(new URL('../', import.meta.url));
const root = join(engine, '..', '..');
const names = ['n8n-nodes-curfew', 'n8n-nodes-log-out'];

/** A copy of a package as published, with links to the linter and to the sources that the package is built from. */
function copied(t: { after(done: () => void): void }, name: string): string {
  const folder = mkdtempSync(join(engine, '.checked-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const inside = join(folder, 'packages', name);
  cpSync(join(root, 'packages', name), inside, {
    recursive: true,
    filter: (source) => !source.includes('node_modules'),
  });
  writeFileSync(join(inside, 'package.json'), publishedManifest(name));
  cpSync(join(root, 'tsconfig.base.json'), join(folder, 'tsconfig.base.json'));
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(join(root, 'packages', 'nodes-n8n'), join(folder, 'packages', 'nodes-n8n'));
  for (const [link, to] of [
    ['curfew-nodes', 'nodes'],
    ['curfew-nodes-n8n', 'nodes-n8n'],
  ] as const) {
    symlinkSync(join(root, 'packages', to), join(folder, 'node_modules', link));
  }
  return inside;
}

type Scanner = {
  analyzePackage(folder: string, patterns: readonly string[]): Promise<{ passed: boolean; details?: string }>;
  SOURCE_FILE_PATTERNS: readonly string[];
};
const scanner = join(engine, 'node_modules', '@n8n', 'scan-community-package', 'scanner', 'scanner.mjs');
const { analyzePackage: scan, SOURCE_FILE_PATTERNS: sources } = (await import(scanner)) as Scanner;
/** What the scanner reads from a published package. */
const published = ['dist/**/*.js', 'package.json'];

/** Runs `n8n-node lint` in a folder, with n8n's own rules for verified community packages. */
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

for (const name of names) {
  test(`n8n’s linter, in its strict mode, finds nothing in ${name}`, async (t) => {
    const { code, out } = await lint(copied(t, name));
    assert.equal(code, 0, out);
    assert.doesNotMatch(out, /\d+ problems?/, out);
  });

  test(`n8n’s scanner of packages finds nothing in ${name}, in its sources or in what is published`, async (t) => {
    const folder = copied(t, name);
    assert.deepEqual(await scan(folder, sources), { passed: true });
    assert.deepEqual(await scan(folder, published), { passed: true });
  });

  test(`${name}: before publication, only the address of the authors is missing`, async (t) => {
    const folder = copied(t, name);
    cpSync(join(root, 'packages', name, 'package.json'), join(folder, 'package.json'));
    const { details = '' } = await scan(folder, published);
    const rules = [...details.matchAll(/@?[\w-]+\/[\w/-]+$/gm)].map(([rule]) => rule.trim());
    const { author } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    assert.deepEqual(rules, author.email ? [] : ['@n8n/community-nodes/valid-author']);
  });
}

test('the linter finds a run-time dependency and a description without an icon', async (t) => {
  const folder = copied(t, names[0]!);
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...manifest, dependencies: { lodash: '*' } }, null, 2));
  const node = join(folder, 'nodes', 'Curfew', 'Curfew.node.ts');
  const source = readFileSync(node, 'utf8');
  writeFileSync(node, source.replace(/icon: \{[^}]*\},/, ''));
  const { code, out } = await lint(folder);
  assert.notEqual(code, 0);
  assert.match(out, /no-runtime-dependencies/);
  assert.match(out, /icon/);
  assert.match((await scan(folder, published)).details ?? '', /no-runtime-dependencies/);
  assert.match((await scan(folder, sources)).details ?? '', /icon/);
});
