import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** An installation often waits for the network or the disk, so a few run at a time. */
const atOnce = 3;

/**
 * Installs what only tests need: real engines, servers and clients. Each folder under `engines/` is a package with its
 * own lock file, so that none of it is installed with the product. This happens once, and again when a lock file
 * changes. `names`: the folders, as a pattern.
 */
export async function installEngines(names = '*'): Promise<void> {
  const locks = globSync(`engines/${names}/package-lock.json`).sort();
  let failed = false;
  const lane = async () => {
    for (let lock = locks.shift(); lock !== undefined && !failed; lock = locks.shift())
      failed = !(await install(lock)) || failed;
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  if (failed) process.exit(1);
}

/** Returns false if npm failed, which has said why. */
async function install(lock: string): Promise<boolean> {
  const folder = dirname(lock);
  const stamp = join(folder, 'node_modules', '.installed-lock');
  const wanted = createHash('sha256').update(readFileSync(lock)).digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return true;
  console.error(`Installing what the tests of ${folder} need (once) …`);
  const begun = performance.now();
  const child = spawn('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: folder,
    stdio: ['inherit', 2, 2],
  });
  const [code] = await once(child, 'exit');
  if (code !== 0) return false;
  console.error(`${folder} is installed; it took ${Math.round((performance.now() - begun) / 1000)} s.`);
  writeFileSync(stamp, wanted);
  return true;
}
