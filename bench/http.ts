import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { makeKey } from '../packages/curfew/src/authority/keys.ts';
import { Nginx, nginxIsInstalled } from '../packages/curfew/test/support/nginx.ts';
import { atLeast, duel, perSecond, type Row } from './measure.ts';

const seconds = 4;
const rounds = 5;

/** A server of Curfew with a session, and what a load generator sends to verify it. */
type Verified = { child: ChildProcess; url: string; answer: string; script: string; token: string };

/** One server after the other, each in a separate process, under the same load generator. */
export async function httpRows(say: (text: string) => void): Promise<Row[]> {
  if (spawnSync('wrk', ['-v']).error) {
    say('wrk is not installed (Debian: apt-get install wrk); the HTTP rows are skipped');
    return [];
  }
  const folder = mkdtempSync(join(tmpdir(), 'curfew-bench-http-'));
  const curfew = await startVerified(join(folder, 'direct'), {});
  const behind = await startVerified(join(folder, 'behind'), { CURFEW_TRUST_PROXY: 'loopback' });
  const bare = await start(['bench/bare.ts', Buffer.from(curfew.answer).toString('base64')], {});
  const load = (url: string, script: string) => async () => rateUnder(`${url}/v1/sessions/verify`, script);
  try {
    say('verifying over HTTP against bare node:http');
    const direct = load(curfew.url, curfew.script);
    const against = await measured(direct, load(bare.url, curfew.script));
    say('verifying over HTTP behind a trusted proxy');
    const proxied = await measured(load(behind.url, behind.script), direct);
    return [
      ...(await forwardAuthRows(say, behind, join(folder, 'cookie.lua'))),
      {
        what: 'POST /v1/sessions/verify, key checked, log to a file',
        against: 'bare node:http, same body parsed, same bytes answered',
        ...shown(against),
        ...atLeast(0.7, against.ratio),
      },
      {
        what: 'the same with CURFEW_TRUST_PROXY, the client in X-Forwarded-For',
        against: 'the same requests without the setting',
        ...shown(proxied),
        ...atLeast(0.95, proxied.ratio),
      },
    ];
  } finally {
    for (const { child } of [curfew, behind, bare]) await stop(child);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** nginx asks Curfew before each answer of its own, against the same with an upstream that always says 200. */
async function forwardAuthRows(say: (text: string) => void, { url, token }: Verified, script: string): Promise<Row[]> {
  if (!nginxIsInstalled) {
    say('nginx is not installed (Debian: apt-get install nginx-light); the row of forward-auth is skipped');
    return [];
  }
  say('nginx with auth_request');
  writeFileSync(script, `wrk.headers['cookie'] = '__Host-curfew=${token}'\n`);
  const constant = await Nginx.start((port) => `server { listen 127.0.0.1:${port}; location / { return 200; } }`);
  const asking = ({ upstream, path }: { upstream: string; path: string }) =>
    Nginx.start(
      (port) => `
        upstream asked { server ${new URL(upstream).host}; keepalive 64; keepalive_requests 1000000000; }
        server {
          listen 127.0.0.1:${port};
          keepalive_requests 1000000000;
          location = /asked {
            internal;
            proxy_pass http://asked${path};
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_pass_request_body off;
            proxy_set_header Content-Length "";
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
          }
          location / { auth_request /asked; empty_gif; }
        }`,
    );
  const curfew = await asking({ upstream: url, path: '/v1/forward-auth' });
  const bare = await asking({ upstream: constant.url, path: '/' });
  try {
    const load = (nginx: Nginx) => async () => rateUnder(`${nginx.url}/`, script);
    const result = await measured(load(curfew), load(bare));
    return [
      {
        what: 'nginx with auth_request to /v1/forward-auth, a session by cookie',
        against: 'the same with another nginx that answers 200',
        ...shown(result),
        ...atLeast(0.7, result.ratio),
      },
    ];
  } finally {
    for (const nginx of [curfew, bare, constant]) await nginx.remove();
  }
}

export const shown = ({ ratio, ours, theirs }: Awaited<ReturnType<typeof duel>>) => ({
  reached: `${ratio.toFixed(2)} (${perSecond(ours)}; ${perSecond(theirs)})`,
});

export async function measured(ours: () => Promise<number>, theirs: () => Promise<number>) {
  await ours();
  await theirs();
  return duel(rounds, ours, theirs);
}

async function startVerified(folder: string, env: Record<string, string>): Promise<Verified> {
  mkdirSync(folder);
  const key = makeKey(Date.now(), randomBytes);
  const { child, url } = await startCurfew({
    CURFEW_STORE: `lmdb:${join(folder, 'data')}`,
    CURFEW_API_KEY: key,
    CURFEW_ADMIN_PASSWORD: 'correct horse battery',
    CURFEW_LOG_FILE: join(folder, 'log'),
    ...env,
  });
  const call = async (path: string, body: object) => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    return (await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) })).text();
  };
  const ofAda = { userId: 'ada', accessGroups: ['staff'], userAgent: 'curl/8.5.0', ip: '203.0.113.7' };
  const { token } = JSON.parse(await call('/v1/sessions', ofAda));
  const script = join(folder, 'post.lua');
  writeFileSync(
    script,
    `wrk.method = 'POST'
wrk.headers['content-type'] = 'application/json'
wrk.headers['authorization'] = 'Bearer ${key}'
wrk.headers['x-forwarded-for'] = '203.0.113.7'
wrk.body = '${JSON.stringify({ token })}'
`,
  );
  return { child, url, script, token, answer: await call('/v1/sessions/verify', { token }) };
}

export async function stop(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  await gone;
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

/** Requests a second under some connections; every answer must be a 200. */
export async function rateUnder(url: string, script: string, connections = 32): Promise<number> {
  const child = spawn('wrk', ['-t1', `-c${connections}`, `-d${seconds}s`, '-s', script, url]);
  let out = '';
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  await once(child, 'close');
  if (/Non-2xx|Socket errors/.test(out)) throw new Error(out);
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(out)![1]);
}
