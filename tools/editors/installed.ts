import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';

/** The folder for the editors, which are kept between runs, and for the pictures of the last run. */
export const cache = resolve(process.env['CURFEW_EDITORS'] ?? join(homedir(), '.cache', 'curfew-editors'));

/**
 * Installs a version of a package, once. Install scripts do not run, except for the named packages: some need compilers
 * that people who try the editors do not have.
 */
export function installed(given: {
  name: string;
  version: string;
  node: number;
  overrides?: Record<string, string>;
  rebuilt?: readonly string[];
}): string {
  const { name, version, node, overrides = {}, rebuilt = [] } = given;
  const folder = join(cache, `${name}-${version}`);
  const stamp = join(folder, '.installed');
  if (existsSync(stamp)) return folder;
  console.error(`Installing ${name} ${version} into ${folder} (once; some minutes) …`);
  mkdirSync(folder, { recursive: true });
  const manifest = { private: true, dependencies: { [name]: version }, overrides };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  const begun = performance.now();
  npm(folder, node, 'install', '--ignore-scripts');
  if (rebuilt.length > 0) npm(folder, node, 'rebuild', ...rebuilt);
  console.error(`It took ${Math.round((performance.now() - begun) / 1000)} s.`);
  writeFileSync(stamp, '');
  return folder;
}

function npm(folder: string, node: number, ...args: string[]): void {
  const PATH = [resolve(nodeOf(node), '..'), process.env['PATH']].join(delimiter);
  const done = spawnSync('npm', [...args, '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: folder,
    env: { ...process.env, PATH },
    stdio: 'inherit',
  });
  if (done.status !== 0) throw new Error(`npm ${args.join(' ')} in ${folder} ended with ${done.status}.`);
}

/** Finds a Node.js on this machine, by its major version. */
export function nodeOf(major: number): string {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const found = folders
    .map((folder) => join(folder, 'node'))
    .find(
      (path) =>
        existsSync(path) && spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout.startsWith(`v${major}.`),
    );
  if (found === undefined) throw new Error(`There is no Node.js ${major} on the PATH.`);
  return found;
}
