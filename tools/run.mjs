// Runs a task of this workspace on the Node.js 24 that the workspace installs, whatever Node.js started npm.
// Plain JavaScript on purpose: this file must run before anything is installed, on Node.js 20.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const bin = join(root, 'node_modules', '.bin');
const [task, ...rest] = process.argv.slice(2);

install();
// The workspace's packages are loaded from their sources, so that no task needs a build first.
const child = spawn(join(bin, 'node'), ['--conditions=curfew-source', join(root, 'tools', `${task}.ts`), ...rest], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, PATH: `${bin}${process.platform === 'win32' ? ';' : ':'}${process.env.PATH ?? ''}` },
});
// A terminal sends Ctrl-C to both processes; a signal from `kill` is passed on.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => child.kill('SIGTERM'));
// A `kill` of npm ends the shell between npm and this process, which receives no signal: it notices that its parent has
// changed. (This does not work on Windows; there the whole process tree ends at once.)
const parent = process.ppid;
const watch = setInterval(() => {
  if (process.ppid === parent) return;
  clearInterval(watch);
  child.kill('SIGTERM');
}, 250);
watch.unref();
child.on('exit', (code, signal) => {
  if (signal) process.kill(process.pid, signal);
  else process.exit(code ?? 1);
});

/** Installs if nothing is installed yet, or if the lock file has changed since. */
function install() {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  const stamp = join(root, 'node_modules', '.installed-lock');
  if (existsSync(join(bin, 'node')) && existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  console.error('Installing what the workspace needs (once) …');
  const done = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    // The installer's output goes to standard error, because standard output belongs to the task.
    stdio: ['inherit', 2, 2],
    shell: process.platform === 'win32',
  });
  if (done.status !== 0) process.exit(done.status ?? 1);
  writeFileSync(stamp, lock);
}
