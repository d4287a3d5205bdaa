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
// Packages of the workspace are read as they are written, so that no task needs a build first.
const child = spawn(join(bin, 'node'), ['--conditions=curfew-source', join(root, 'tools', `${task}.ts`), ...rest], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, PATH: `${bin}${process.platform === 'win32' ? ';' : ':'}${process.env.PATH ?? ''}` },
});
// A terminal sends its Ctrl-C to both; what `kill` sends to this process is handed on.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => child.kill('SIGTERM'));
// What `kill` sends to npm ends the shell between npm and this process, which is told nothing: it finds itself without
// its parent then. (On Windows nobody notices; there a whole tree is ended at once.)
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

/** Installs when nothing is installed yet, or when the lock file has changed since. */
function install() {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  const stamp = join(root, 'node_modules', '.installed-lock');
  if (existsSync(join(bin, 'node')) && existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  console.error('Installing what the workspace needs (once) …');
  const done = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    // The installer's own lines go to standard error: standard output belongs to the task.
    stdio: ['inherit', 2, 2],
    shell: process.platform === 'win32',
  });
  if (done.status !== 0) process.exit(done.status ?? 1);
  writeFileSync(stamp, lock);
}
