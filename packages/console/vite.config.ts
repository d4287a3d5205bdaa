import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants } from 'node:zlib';
import { defaultClientConditions, defineConfig, type Plugin } from 'vite';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Writes a compressed copy beside each file, so that servers do not compress the same bytes for every browser. */
function brotli(): Plugin {
  return {
    name: 'brotli',
    apply: 'build',
    writeBundle({ dir }, bundle) {
      for (const name of Object.keys(bundle)) {
        if (!/\.(js|css|svg)$/.test(name)) continue;
        const bytes = readFileSync(join(dir!, name));
        const params = {
          [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
          [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
        };
        writeFileSync(join(dir!, `${name}.br`), brotliCompressSync(bytes, { params }));
      }
    },
  };
}

export default defineConfig({
  root: here('.'),
  // Relative, so that the console also works if a proxy serves it under a path of its own.
  base: './',
  // The workspace's packages are built from their sources.
  resolve: { conditions: ['curfew-source', ...defaultClientConditions] },
  plugins: [brotli()],
  build: {
    outDir: here('../curfew/dist/console'),
    emptyOutDir: true,
    target: ['chrome123', 'firefox120', 'safari17.5'],
    // The policy of the page allows no `data:`.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: {
      // How long each plugin took is nothing to tell somebody who has only typed `npm start`.
      checks: { pluginTimings: false },
      output: {
        codeSplitting: {
          // Many small files would wait for each other. A language is loaded by itself.
          groups: [{ name: 'shared', minShareCount: 2, test: /^(?!.*\/texts\/(en|de|pseudo))/ }],
        },
      },
    },
    license: { fileName: 'licenses.md' },
  },
  logLevel: 'warn',
});
