import { chromium } from 'playwright-core';
import { cache } from './editors/installed.ts';
import { n8nEditors } from './editors/n8n.ts';
import { nodeRedEditors } from './editors/node-red.ts';
import type { Trial } from './editors/trial.ts';
import { run } from './exec.ts';

/*
 * Tries the nodes in real editors, which are installed once into a cache folder, with the packed packages installed as
 * a user would do it. A browser clicks: it adds the node, picks the service, creates and tests the credential, wires an
 * error output, runs the flow, and checks the output. The result is a table and pictures.
 *
 *   npm run editors            every editor
 *   npm run editors -- 1.123   the editors whose name contains it
 */

run('node', ['tools/build.ts']);
const asked = process.argv[2] ?? '';
const trials: Trial[] = [];
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: [
    ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
    ...['--disable-background-networking', '--disable-component-update'],
  ],
});
try {
  for (const editor of [...n8nEditors, ...nodeRedEditors].filter(({ name }) => name.includes(asked))) {
    await editor.tryOut(browser, (trial) => {
      trials.push(trial);
      console.error(`${trial.passed ? 'pass' : 'FAIL'}  ${trial.editor}  ${trial.what}`);
    });
  }
} finally {
  await browser.close();
}
const rows = trials.map(({ editor, what, passed, told }) => [editor, what, passed ? 'pass' : 'FAIL', told]);
const widths = rows[0]?.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
for (const row of rows)
  console.log(
    row
      .map((text, i) => text.padEnd(widths![i]!))
      .join('  ')
      .trimEnd(),
  );
console.log(`Pictures: ${cache}/pictures`);
process.exitCode = rows.length === 0 || trials.some(({ passed }) => !passed) ? 1 : 0;
