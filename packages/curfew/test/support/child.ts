import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { after } from 'node:test';

const canDie = process.platform === 'linux' && spawnSync('setpriv', ['--version']).status === 0;

/** Before a command: Linux ends it together with its parent, even if that is killed, such as a test that takes too long. */
export const diesWithParent: readonly string[] = canDie ? ['setpriv', '--pdeathsig', 'KILL', '--'] : [];

const living: Set<ChildProcess> = new Set();

// A test that timed out while its server was starting had no handle to stop it yet. Benchmarks have no timeouts.
if (process.env['NODE_TEST_CONTEXT'] !== undefined) {
  after(() => {
    for (const child of living) child.kill('SIGKILL');
  });
}

type Options = { env?: NodeJS.ProcessEnv; stdin?: 'pipe' | 'ignore' };
type Piped = ChildProcess & {
  stdout: NonNullable<ChildProcess['stdout']>;
  stderr: NonNullable<ChildProcess['stderr']>;
};

/** Starts a program that ends when this process does, however that happens. Its output arrives through pipes. */
export function startChild(command: readonly string[], { env = process.env, stdin = 'ignore' }: Options = {}): Piped {
  const [program, ...args] = [...diesWithParent, ...command];
  const { NODE_COMPILE_CACHE: compiled } = process.env;
  const child = spawn(program!, args, {
    // What the tests have compiled once is not compiled again for each of the hundreds of processes that they start.
    env: compiled === undefined ? env : { NODE_COMPILE_CACHE: compiled, ...env },
    stdio: [stdin, 'pipe', 'pipe'],
  });
  living.add(child);
  child.once('exit', () => living.delete(child));
  return child as Piped;
}

/** Whether a process exists. */
export function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
