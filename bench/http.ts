import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { makeKey } from '../packages/curfew/src/authority/keys.ts';
import { atLeast, duel, perSecond, type Row } from './measure.ts';

const seconds = 4;
const rounds = 5;

/** One server after the other, each in a separate process, under the same load generator. */
export async function httpRows(say: (text: string) => void): Promise<Row[]> {
  if (spawnSync('wrk', ['-v']).error) {
    say('wrk is not installed (Debian: apt-get install wrk); the HTTP row is skipped');
    return [];
  }
  const folder = mkdtempSync(join(tmpdir(), 'curfew-bench-http-'));
  const key = makeKey(Date.now(), randomBytes);
  const curfew = await startCurfew({
    CURFEW_STORE: `lmdb:${join(folder, 'data')}`,
    CURFEW_API_KEY: key,
    CURFEW_ADMIN_PASSWORD: 'correct horse battery',
    CURFEW_LOG_FILE: join(folder, 'log'),
  });
  const call = async (path: string, body: object) =>
    (
      await fetch(curfew.url + path, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
    ).text();
  const opened = await call('/v1/sessions', {
    userId: 'ada',
    accessGroups: ['staff'],
    userAgent: 'curl/8.5.0',
    ip: '203.0.113.7',
  });
  const body = JSON.stringify({ token: JSON.parse(opened).token });
  const answer = await call('/v1/sessions/verify', JSON.parse(body));
  const bare = await start(['bench/bare.ts', Buffer.from(answer).toString('base64')], {});
  const script = join(folder, 'post.lua');
  writeFileSync(
    script,
    `wrk.method = 'POST'
wrk.headers['content-type'] = 'application/json'
wrk.headers['authorization'] = 'Bearer ${key}'
wrk.body = '${body}'
`,
  );
  say('verifying over HTTP against bare node:http');
  const load = (url: string) => async () => rateUnder(script, `${url}/v1/sessions/verify`);
  await load(curfew.url)();
  await load(bare.url)();
  const { ratio, ours, theirs } = await duel(rounds, load(curfew.url), load(bare.url));
  for (const { child } of [curfew, bare]) {
    const gone = once(child, 'exit');
    child.kill('SIGTERM');
    await gone;
  }
  rmSync(folder, { recursive: true, force: true });
  return [
    {
      what: 'POST /v1/sessions/verify, key checked, log to a file',
      against: 'bare node:http, same body parsed, same bytes answered',
      reached: `${ratio.toFixed(2)} (${perSecond(ours)}; ${perSecond(theirs)})`,
      ...atLeast(0.7, ratio),
    },
  ];
}

/** Starts a server of Curfew, on any free port unless `env` gives one. */
export function startCurfew(env: Record<string, string>): Promise<{ child: ChildProcess; url: string }> {
  const args = ['--conditions=curfew-source', 'packages/curfew/src/cli/main.ts', 'serve'];
  return start(args, { CURFEW_PORT: '0', ...env });
}

export async function start(
  args: string[],
  env: Record<string, string>,
): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(process.execPath, args, {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const url = await new Promise<string>((resolve, reject) => {
    let told = '';
    child.stderr!.on('data', (chunk) => {
      told += chunk;
      // If the log goes to a file, the server prints its address for people.
      const [, found] = /(http:\/\/127\.0\.0\.1:\d+)/.exec(told) ?? [];
      if (found) resolve(found);
    });
    createInterface(child.stdout!).on('line', (line) => resolve(JSON.parse(line).url));
    child.once('exit', (code) => reject(new Error(`ended with ${code}: ${told}`)));
  });
  return { child, url };
}

/** Requests a second under 32 connections; every answer must be a 200. */
async function rateUnder(script: string, url: string): Promise<number> {
  const child = spawn('wrk', ['-t1', '-c32', `-d${seconds}s`, '-s', script, url]);
  let out = '';
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  await once(child, 'close');
  if (/Non-2xx|Socket errors/.test(out)) throw new Error(out);
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(out)![1]);
}
