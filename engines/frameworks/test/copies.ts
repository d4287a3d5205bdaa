import { cpSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, run } from '../../../packages/curfew/test/support/pages.ts';

/** Copies an application of `examples/` into a folder with what it imports, so that nothing is installed twice. */
export function copyOfExample(name: string, home: string): string {
  const copy = mkdtempSync(join(home, '.example-'));
  const filter = (path: string) => !/\/(node_modules|\.next)(\/|$)/.test(path.slice(root.length));
  cpSync(join(root, 'examples', name), copy, { recursive: true, filter });
  return copy;
}

/** Checks the types of such a copy by the rules of this repository. */
export async function hasItsTypes(copy: string): Promise<void> {
  const config = { extends: '../../../tsconfig.base.json', include: ['*.ts'] };
  writeFileSync(join(copy, 'tsconfig.json'), JSON.stringify(config));
  await run(join(root, 'node_modules/.bin/tsc'), ['--project', copy, '--noEmit']);
}
