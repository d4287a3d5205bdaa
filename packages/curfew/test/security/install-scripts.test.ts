import assert from 'node:assert/strict';
import { existsSync, globSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readPage, root } from '../support/pages.ts';

type Package = { version: string; hasInstallScript?: true; dev?: true; optional?: true };

/** The packages that run a script when they are installed, and why they must be accepted. */
const accepted: Record<string, string> = {
  lmdb: 'chooses among the binaries that it ships, and compiles only where there is none; works without',
  'msgpackr-extract': 'the same; optional',
  esbuild: 'for development: checks the binary that it ships',
  node: 'for development: links the Node.js that it brings',
};

test('Install scripts: no installed package runs one, except for those named here', () => {
  const { packages } = JSON.parse(readPage('package-lock.json')) as { packages: Record<string, Package> };
  const scripted = Object.entries(packages).filter(([, { hasInstallScript }]) => hasInstallScript);
  const names = scripted.map(([path]) => path.split('node_modules/').at(-1)!);
  assert.deepEqual([...new Set(names)].sort(), Object.keys(accepted).sort());
  const shipped = scripted.filter(([, { dev }]) => !dev).map(([path]) => path.split('node_modules/').at(-1)!);
  assert.deepEqual(shipped.sort(), ['lmdb', 'msgpackr-extract']);
  const { arch, platform } = process;
  assert.ok(existsSync(join(root, `node_modules/@lmdb/lmdb-${platform}-${arch}`)), 'its binary was shipped');
});

test('Install scripts: the published packages run none', () => {
  const manifests = globSync('packages/*/package.json', { cwd: root });
  assert.ok(manifests.length >= 4);
  for (const path of manifests) {
    const { scripts = {} } = JSON.parse(readPage(path)) as { scripts?: Record<string, string> };
    const run = ['preinstall', 'install', 'postinstall', 'prepare'].filter((name) => name in scripts);
    assert.deepEqual(run, [], path);
  }
});
