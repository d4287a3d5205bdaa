import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ruleMutants } from './mutants.ts';

/* The part `rules` of `npm run proof`: each rule, broken in its one place, fails the conformance suite on all engines. */

const suite = fileURLToPath(new URL('suite.ts', import.meta.url));
const engines = ['lmdb', 'redis', 'postgres'];

let failed = false;
const run = (engine: string, ...mutant: string[]) =>
  spawnSync(process.execPath, ['--conditions=curfew-source', suite, engine, ...mutant], { encoding: 'utf8' });
const say = (good: boolean, text: string) => {
  failed ||= !good;
  console.log(`${good ? '✔' : '✖'} ${text}`);
};

for (const engine of engines) {
  const { status, stdout, stderr } = run(engine);
  say(status === 0, `${engine}: the rules as they are ${status === 0 ? 'pass' : `fail: ${stdout}${stderr}`}`);
}
for (const { name } of ruleMutants) {
  for (const engine of engines) {
    const { status, stdout, stderr } = run(engine, name);
    // A suite that cannot run has found nothing.
    say(status === 1 && stdout !== '', `${name}, ${engine}: ${stdout.trim() || `NOT FOUND ${stderr}`}`);
  }
}
process.exitCode = failed ? 1 : 0;
