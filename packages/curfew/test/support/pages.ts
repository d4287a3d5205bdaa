import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root: string = fileURLToPath(new URL('../../../../', import.meta.url));

export const readPage = (path: string): string => readFileSync(join(root, path), 'utf8');

/** The examples of a page in one language, in order. */
export function examples(language: string, text: string): string[] {
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map((match) => match[1]!);
}

/** The text under a heading of a page. */
export function section(page: string, title: string): string {
  return page.split(`## ${title}\n`)[1]!.split(/^## /m)[0]!;
}

/** Runs a program to its end; returns its output. */
export async function run(program: string, args: string[], env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const child = spawn(program, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    err += chunk;
  });
  const [code] = await once(child, 'close');
  assert.equal(code, 0, out + err);
  return out;
}

/**
 * Runs a terminal session as printed, with these values for its first variables, and checks that the output of each
 * command contains the expectations (`# →`) below it. Returns the number of expectations.
 */
export async function runTerminal(commands: string, given: Readonly<Record<string, string>>): Promise<number> {
  // Each expectation becomes a mark that separates the output before it.
  const expected: string[] = [];
  const lines = commands.split('\n').map((line) => {
    const [, wanted] = /^# → (.*)$/.exec(line) ?? [];
    if (wanted === undefined) {
      const [, name] = /^(\w+)=/.exec(line) ?? [];
      return name !== undefined && given[name] !== undefined ? `${name}='${given[name]}'` : line;
    }
    expected.push(wanted);
    return `printf '\\n=%s=\\n' ${expected.length}`;
  });
  const path = [join(root, 'node_modules', '.bin'), process.env['PATH']].join(':');
  let rest = await run('bash', ['-euc', lines.join('\n')], { ...process.env, PATH: path });
  for (const [i, wanted] of expected.entries()) {
    const [before, after] = rest.split(`\n=${i + 1}=\n`);
    assert.ok(before?.includes(wanted), `expected ${wanted}, got ${before}`);
    rest = after ?? '';
  }
  return expected.length;
}
