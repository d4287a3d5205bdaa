import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { program } from '../engines/express-session/test/programs.ts';
import { makeKey } from '../packages/curfew/src/authority/keys.ts';
import { RedisServer, redisInstalled } from '../packages/curfew/test/support/redis.ts';
import { measured, rateUnder, shown, startCurfew, stop } from './http.ts';
import { atLeast, type Row } from './measure.ts';

/**
 * One request after the other shows what a request waits for. With many at once, each waits while others are worked on, so
 * only the work of Express and of the Redis client is left to compare.
 */
const ways = [
  ['one request at a time', 1, 2],
  ['32 requests at a time', 32, 2],
] as const;

/** The same application of Express with a known session, on Curfew's store and on connect-redis, each in its process. */
export async function expressRows(say: (text: string) => void): Promise<Row[]> {
  if (!redisInstalled || spawnSync('wrk', ['-v']).error) {
    say(
      'redis-server or wrk is not installed (Debian: apt-get install redis-server wrk); the row of Express is skipped',
    );
    return [];
  }
  say('Express with express-session on Curfew against connect-redis');
  const folder = mkdtempSync(join(tmpdir(), 'curfew-bench-express-'));
  const key = makeKey(Date.now(), randomBytes);
  const { child, url } = await startCurfew({
    CURFEW_STORE: `lmdb:${join(folder, 'data')}`,
    CURFEW_API_KEY: key,
    CURFEW_ADMIN_PASSWORD: 'correct horse battery',
    CURFEW_LOG_FILE: join(folder, 'log'),
  });
  const redis = await RedisServer.start('--appendonly', 'no');
  const ours = await program('plain', { NODE_ENV: 'production', CURFEW_URL: url, CURFEW_API_KEY: key });
  const theirs = await program('plain', { NODE_ENV: 'production', REDIS_URL: redis.url });
  try {
    const [mine, other] = await Promise.all([ours, theirs].map((app, i) => signIn(app.url, join(folder, `${i}.lua`))));
    const rows: Row[] = [];
    for (const [how, connections, target] of ways) {
      const result = await measured(
        () => mine!(connections),
        () => other!(connections),
      );
      rows.push({
        what: `a route of Express with express-session on Curfew, the session known, ${how}`,
        against: 'the same with connect-redis, Redis over loopback',
        ...shown(result),
        ...atLeast(target, result.ratio),
      });
    }
    return rows;
  } finally {
    ours.stop();
    theirs.stop();
    await redis.remove();
    await stop(child);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Signs in, and returns what measures requests with that session. */
async function signIn(url: string, script: string): Promise<(connections: number) => Promise<number>> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${url}/in`, { method: 'POST', headers, body: JSON.stringify({ userId: 'ada' }) });
  // express-session sends the headers first, and the end of the answer when the session is saved.
  await answer.text();
  const cookie = answer.headers.getSetCookie()[0]!.split(';')[0]!;
  const who = (await (await fetch(`${url}/who`, { headers: { cookie } })).json()) as { user: unknown };
  if (who.user !== 'ada') throw new Error('the application does not know its session');
  writeFileSync(script, `wrk.headers['cookie'] = '${cookie}'\n`);
  return (connections) => rateUnder(`${url}/who`, script, connections);
}
