import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type Client, createClient } from 'curfew-client';
import { startChild } from './child.ts';

const source = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const built = fileURLToPath(new URL('../../bin/curfew.js', import.meta.url));
/**
 * The command line, as arguments of Node. After a fresh build this is what people install, which also starts in two
 * thirds of the time; tests start hundreds.
 */
export const commandLine: readonly string[] = process.env['CURFEW_TEST_BUILT']
  ? [built]
  : ['--conditions=curfew-source', source];

/** A server in its own process, as `curfew serve` starts it. */
export type ServerProcess = {
  child: ChildProcess;
  url: string;
  /** What it has logged so far, line by line. */
  log: string[];
  /** What it has printed for people so far. */
  told: string[];
  stop(signal: NodeJS.Signals): Promise<void>;
};

export async function startProcess(env: Record<string, string>, wrapper: string[] = []): Promise<ServerProcess> {
  const child = startChild([...wrapper, process.execPath, ...commandLine, 'serve'], {
    env: { PATH: process.env['PATH'], CURFEW_PORT: '0', ...env },
  });
  const log: string[] = [];
  const told: string[] = [];
  const url = await new Promise<string>((resolve, reject) => {
    createInterface(child.stderr).on('line', (line) => {
      told.push(line);
      // With its log in a file, this is its only output.
      const [, opened] = /^ +API +(http\S+)\/docs$/.exec(line) ?? [];
      if (opened !== undefined && env['CURFEW_LOG_FILE'] !== undefined) resolve(opened);
    });
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}: ${told.join('\n')}`)));
    createInterface(child.stdout).on('line', (line) => {
      log.push(line);
      const entry = JSON.parse(line) as { msg: string; url: string };
      if (entry.msg === 'listening') resolve(entry.url);
    });
  });
  return {
    child,
    url,
    log,
    told,
    async stop(signal) {
      const gone = once(child, 'exit');
      child.kill(signal);
      await gone;
    },
  };
}

export function clientFor({ url }: { url: string }, token: string): Client {
  return createClient({ url, token, timeout: 20_000 });
}

/** Runs the command line to its end. */
export async function runCli(
  args: readonly string[],
  env: Record<string, string> = {},
  input = '',
): Promise<{ code: number | null; out: string; err: string }> {
  const child = startChild([process.execPath, ...commandLine, ...args], {
    env: { PATH: process.env['PATH'], ...env },
    stdin: 'pipe',
  });
  child.stdin!.end(input);
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    err += chunk;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, out, err };
}
