import { cpSync, globSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { type BuildOptions, build } from 'esbuild';
import { beginBuild } from './built.ts';
import { run } from './exec.ts';

const finish = beginBuild();

// The client first: the server's command line needs its types.
for (const name of ['client', 'curfew']) {
  rmSync(`packages/${name}/dist`, { recursive: true, force: true });
  run('tsc', ['--project', `packages/${name}/tsconfig.build.json`]);
}
// After the compiler, which empties the folder that the console is written into.
run('vite', ['build', 'packages/console', '--config', 'packages/console/vite.config.ts']);
// For pages: these have the types of browsers, which contradict those of Node.js.
run('tsc', ['--project', 'packages/client/tsconfig.devices.json']);
// For applications in CommonJS: their Node.js may not be able to `require` an ES module, nor their compiler its types.
run('tsc', ['--project', 'packages/client/tsconfig.cjs.json']);
writeFileSync('packages/client/dist/cjs/package.json', '{ "type": "commonjs" }\n');
for (const name of ['n8n-nodes-curfew', 'n8n-nodes-log-out']) {
  await buildNodes(name, ['nodes/*/*.node.ts', 'credentials/*.credentials.ts'], ['nodes', 'icons'], {
    inject: ['tools/nodes/globals.ts'],
    define: { globalThis: 'bundledGlobals', global: 'undefined' },
  });
}
await buildNodes('node-red-curfew', ['curfew.ts'], ['curfew.html', 'locales', 'icons']);
finish();

/**
 * Builds a package for a workflow engine: each entry is bundled into one CommonJS file, so that installing it installs
 * nothing else; `beside` lists the files that the engine reads unchanged.
 */
async function buildNodes(name: string, entries: string[], beside: string[], more: BuildOptions = {}): Promise<void> {
  const [from, to] = [`packages/${name}`, `packages/${name}/dist`];
  rmSync(to, { recursive: true, force: true });
  await build({
    entryPoints: entries.flatMap((entry) => globSync(entry, { cwd: from })).map((entry) => join(from, entry)),
    outdir: to,
    outbase: from,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    conditions: ['curfew-source'],
    external: ['n8n-workflow'],
    // So that stack traces in an engine show our function names.
    keepNames: true,
    legalComments: 'inline',
    logLevel: 'warning',
    ...more,
  });
  for (const path of beside) {
    const filter = (source: string) => !source.endsWith('.ts');
    cpSync(join(from, path), join(to, relative('.', path)), { recursive: true, filter });
  }
}
