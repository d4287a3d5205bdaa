import { cpSync, globSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { type BuildOptions, build } from 'esbuild';
import { run } from './exec.ts';

// The client first: the server's command line is built on its types.
for (const name of ['client', 'curfew']) {
  rmSync(`packages/${name}/dist`, { recursive: true, force: true });
  run('tsc', ['--project', `packages/${name}/tsconfig.build.json`]);
}
// Applications in CommonJS load the client too: their Node.js may be one that requires no ES module, and so their types.
run('tsc', ['--project', 'packages/client/tsconfig.cjs.json']);
writeFileSync('packages/client/dist/cjs/package.json', '{ "type": "commonjs" }\n');
for (const name of ['n8n-nodes-curfew', 'n8n-nodes-log-out']) {
  await buildNodes(name, ['nodes/*/*.node.ts', 'credentials/*.credentials.ts'], ['nodes', 'icons'], {
    inject: ['tools/nodes/globals.ts'],
    define: { globalThis: 'bundledGlobals', global: 'undefined' },
  });
}
await buildNodes('node-red-curfew', ['curfew.ts'], ['curfew.html', 'locales', 'icons']);

/**
 * A package for an engine of workflows: each entry with what it uses in one CommonJS file, so that an installation
 * brings nothing else; `beside` is what the engine reads as it is.
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
    // What an engine shows of a stack names our functions.
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
