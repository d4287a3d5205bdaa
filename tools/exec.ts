import { spawnSync } from 'node:child_process';

/** Runs a program in this terminal; if it fails, ends this process with its exit code. */
export function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): void {
  const done = spawnSync(program, args, { stdio: 'inherit', env });
  if (done.error) throw done.error;
  if (done.status !== 0) process.exit(done.status ?? 1);
}
