import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';

/** Says which sources the packages in `dist` were built from; it is there only if the build was finished. */
const stamp = 'node_modules/.built';
/** What the build reads. */
const sources = ['package-lock.json', 'tsconfig*.json', 'tools/**/*.ts', 'packages/*/**'];
const others = ['**/node_modules', 'packages/*/dist', 'packages/*/test'];
/** What a server runs from: somebody may have deleted it since. */
const results = ['packages/client/dist', 'packages/curfew/dist/console'];

function stateOfSources(): string {
  const state = createHash('sha256');
  for (const file of globSync(sources, { exclude: others }).sort()) {
    const status = statSync(file);
    // A folder changes with what is built into it.
    if (status.isFile()) state.update(`${file} ${status.mtimeMs} ${status.size}\n`);
  }
  return state.digest('hex');
}

/** Whether the packages are built from the sources as they are now. */
export const isBuilt = (): boolean =>
  [stamp, ...results].every((path) => existsSync(path)) && readFileSync(stamp, 'utf8') === stateOfSources();

/** To be called before a build. Returns what is to be called once it is finished. */
export function beginBuild(): () => void {
  rmSync(stamp, { force: true });
  const state = stateOfSources();
  return () => writeFileSync(stamp, state);
}
