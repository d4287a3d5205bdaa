import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { startChild } from '../packages/curfew/test/support/child.ts';
import { freePort } from '../packages/curfew/test/support/free-port.ts';
import { examples, readPage, root, runTerminal, section } from '../packages/curfew/test/support/pages.ts';
import { type Row, timeOf, times } from './measure.ts';
import { temporaryBenchFolder } from './setup.ts';

/** Seconds from a clone to a session that is verified. */
const longest = 120;

/**
 * From a fresh clone to the first `"active":true`, by the README's own commands. Against the installation alone, which is
 * mostly npm's work and the network's.
 */
export async function firstRows(say: (text: string) => void): Promise<Row[]> {
  const folder = temporaryBenchFolder();
  const clone = join(folder.path, 'curfew');
  const port = await freePort();
  let server: ReturnType<typeof startChild> | undefined;
  try {
    say('cloning, installing');
    execFileSync('git', ['clone', '--quiet', root, clone]);
    const install = await timeOf(() => execFileSync('npm', ['ci'], { cwd: clone, stdio: 'ignore' }));
    say('building, starting');
    let key = '';
    const start = await timeOf(async () => {
      const env = { ...process.env, CURFEW_PORT: String(port) };
      server = startChild(['npm', '--prefix', clone, 'start'], { env });
      server.stdout.resume();
      // What people read, printed once the server accepts requests.
      for await (const line of createInterface(server.stderr)) {
        key = /API key +(cfk_\w+)/.exec(line)?.[1] ?? '';
        if (key) return;
      }
      throw new Error('The server did not start.');
    });
    const [commands] = examples('sh', section(readPage('README.md'), 'Try it'));
    const [until] = /^.*?# → "active":true$/ms.exec(commands!)!;
    const first = await timeOf(() => runTerminal(until, { URL: `http://127.0.0.1:${port}`, KEY: key }));
    const total = install + start + first;
    const seconds = (milliseconds: number) => (milliseconds / 1000).toFixed(1);
    const parts = `npm ci ${seconds(install)}, npm start ${seconds(start)}, create and verify ${seconds(first)}`;
    return [
      {
        what: 'from a clone to the first `"active":true`',
        against: '`npm ci` alone',
        reached: `${times(total / install)} (${seconds(total)} s: ${parts})`,
        target: `${longest} s`,
        met: total <= longest * 1000,
      },
    ];
  } finally {
    server?.kill('SIGTERM');
    folder.remove();
  }
}
