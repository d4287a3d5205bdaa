import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * Installs what only tests need: real engines, servers and clients. Each folder under `engines/` is a package with its
 * own lock file, so that none of it is installed with the product. This happens once, and again when a lock file
 * changes. `names`: the folders, as a pattern.
 */
export function installEngines(names = '*'): void {
  for (const lock of globSync(`engines/${names}/package-lock.json`)) {
    const folder = dirname(lock);
    const stamp = join(folder, 'node_modules', '.installed-lock');
    const wanted = createHash('sha256').update(readFileSync(lock)).digest('hex');
    if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) continue;
    console.error(`Installing what the tests of ${folder} need (once) …`);
    const begun = performance.now();
    const done = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
      cwd: folder,
      stdio: ['inherit', 2, 2],
    });
    if (done.status !== 0) process.exit(done.status ?? 1);
    console.error(`It took ${Math.round((performance.now() - begun) / 1000)} s.`);
    writeFileSync(stamp, wanted);
  }
}
