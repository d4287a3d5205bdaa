import { spawnSync } from 'node:child_process';
import { diesWithParent, startChild } from './child.ts';
import { commandLine } from './process.ts';

/** The tool that gives a program a terminal. */
export const terminalInstalled: boolean = spawnSync('script', ['--version']).status === 0;

/** Milliseconds that a program may take for what a test waits for: less than a test may take. */
const patience = 30_000;

/** The command of the shell that becomes `curfew` with these arguments: a program that it started would outlive it. */
export function curfewCommand(...args: string[]): string {
  return ['exec', process.execPath, ...commandLine, ...args].join(' ');
}

/** A command of the shell at a terminal. */
export class AtTerminal {
  /** Everything that was printed so far. */
  printed = '';
  readonly #child: ReturnType<typeof startChild>;
  #over = false;
  #look: () => void = () => {};

  constructor(command: string, env: NodeJS.ProcessEnv) {
    // Without its terminal, a program gets SIGHUP, which a server with a log file survives.
    const whole = ['exec', ...diesWithParent, 'sh', '-c', `'${command.replaceAll("'", "'\\''")}'`].join(' ');
    this.#child = startChild(['script', '-qec', whole, '/dev/null'], {
      env: { PATH: process.env['PATH'], TERM: 'xterm', NO_COLOR: '1', ...env },
      stdin: 'pipe',
    });
    this.#child.stdout.on('data', (chunk) => {
      this.printed += chunk;
      this.#look();
    });
    this.#child.once('close', () => {
      this.#over = true;
      this.#look();
    });
  }

  /** Resolves once this was printed. @throws an error with what was printed instead */
  prompt(text: string, within: number = patience): Promise<void> {
    return this.#until(() => this.printed.includes(text), `printed ${JSON.stringify(text)}`, within);
  }

  type(line: string): void {
    this.#child.stdin!.write(`${line}\r`);
  }

  /** Resolves once the program has ended. @throws an error with what was printed so far */
  ended(): Promise<void> {
    return this.#until(() => this.#over, 'ended', patience);
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #until(isSo: () => boolean, what: string, within: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = (how: string) => {
        this.kill();
        done(() => reject(new Error(`It has not ${what}${how}. It printed:\n${this.printed}`)));
      };
      const timer = setTimeout(() => fail(` within ${within} ms`), within);
      const done = (settle: () => void) => {
        clearTimeout(timer);
        this.#look = () => {};
        settle();
      };
      this.#look = () => {
        if (isSo()) done(resolve);
        else if (this.#over) fail(', and ended');
      };
      this.#look();
    });
  }
}
