import { fork } from 'node:child_process';
import { hash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from 'curfew-client';
import { CautiousClock, ExactCache, systemTiming, withMargin } from 'curfew-client/fence';
import { idOf } from 'curfew-client/protocol';
import { createVerifier, type Verifier } from 'curfew-client/verifier';
import { generateKeyPair, jwtVerify, SignJWT } from 'jose';
import { WebSocketServer } from 'ws';
import { betterAuthCheck, type Check, expressSessionCheck } from '../engines/others/src/others.ts';
import { library } from '../packages/curfew/src/authority/caller.ts';
import { createAuthority } from '../packages/curfew/src/authority/index.ts';
import { makeKey } from '../packages/curfew/src/authority/keys.ts';
import { serve } from '../packages/curfew/src/start/serve.ts';
import { muteVerifier } from '../packages/curfew/test/support/raw-verifier.ts';
import { RedisServer, redisInstalled } from '../packages/curfew/test/support/redis.ts';
import { startCurfew } from './http.ts';
import { at, atMost, duel, perSecond, type Row, rateOf, timeOf, times } from './measure.ts';
import { openRaw } from './setup.ts';

const sessions = 1_000_000;
const checks = 200_000;
const rounds = 7;
export const attached = 100;
const mostBytes = 600;
const lease = 2000;
const ends = 300;
const [stormRate, stormSeconds] = [500, 6];

/** A verifier that has cached a million sessions, each with what an application needs. */
async function knowing(count: number) {
  const clock = new CautiousClock(systemTiming());
  const expiresIn = 30 * 86_400_000;
  const groups = Array.from({ length: 20 }, (_, i) => Object.freeze([`team-${i}`]));
  let made = 0;
  const cache = new ExactCache({
    clock,
    capacity: count,
    reportsUse: true,
    async ask(token: string) {
      const id = idOf(token);
      const userId = `user-${Math.floor(made / 4)}`;
      const accessGroups = groups[made++ % groups.length]!;
      const now = Date.now();
      const session = { id, userId, name: undefined, accessGroups, authenticatedAt: now, expiresAt: now, metadata: {} };
      const value = Object.freeze({ active: true, session: Object.freeze(session) });
      return { active: true as const, id, userId, value, expiresIn, idleIn: expiresIn, idle: expiresIn };
    },
  });
  cache.lease.take(clock.now(), 3_600_000);
  for (let i = 0; i < count; i++) await cache.resolve(tokenOf(i));
  return cache;
}

/** A new string each time, discarded after its use, like a request's token. */
function tokenOf(i: number): string {
  const digits = (Math.imul(i + 1, 2654435761) >>> 0).toString(36).padStart(7, '0');
  return `cfs_${String(i).padStart(15, '0')}${digits}${digits.repeat(7)}`;
}

export async function fenceRows(say: (text: string) => void): Promise<Row[]> {
  return [...(await checkRows(say)), ...(await endRows(say)), await stormRow(say)];
}

async function checkRows(say: (text: string) => void): Promise<Row[]> {
  say('a verifier that knows a million sessions');
  globalThis.gc?.();
  const before = process.memoryUsage();
  const cache = await knowing(sessions);
  globalThis.gc?.();
  const after = process.memoryUsage();
  const held = after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers;
  const plain = new Map<string, object>();
  for (let i = 0; i < sessions; i++) plain.set(hash('sha256', tokenOf(i), 'base64'), { i });
  const tokens = Array.from({ length: checks }, (_, i) => tokenOf((i * 7919) % sessions));
  const rate = (check: (token: string) => unknown) => async () => {
    const took = await timeOf(() => {
      for (const token of tokens) if (check(token) === undefined) throw new Error('it is not known');
    });
    return (tokens.length / took) * 1000;
  };
  const ours = rate((token) => cache.check(token));
  await ours();
  const bare = await duel(
    rounds,
    ours,
    rate((token) => plain.get(hash('sha256', token, 'base64'))),
  );
  const rows: Row[] = [
    {
      what: 'verifier.check, 1,000,000 sessions known',
      against: 'SHA-256 of the token and Map.get over a million',
      reached: `${times(1 / bare.ratio)} (${perSecond(bare.ours)}; ${perSecond(bare.theirs)})`,
      ...atMost(1.5, 1 / bare.ratio),
    },
    {
      what: 'memory of the verifier, a cached session',
      against: '–',
      reached: `${Math.round(held / sessions)} bytes`,
      target: `≤ ${mostBytes} bytes`,
      met: held / sessions <= mostBytes,
    },
  ];
  for (const { what, calls, check, close, faster } of await otherWays(say)) {
    const { ratio, theirs } = await duel(rounds, ours, () => rateOf(calls, 1, check));
    await close?.();
    rows.push({
      what: 'verifier.check, 1,000,000 sessions known',
      against: what,
      reached: `${ratio.toFixed(0)} × its rate (${perSecond(theirs)})`,
      target: faster === 1 ? 'faster' : `≥ ${faster} ×`,
      met: ratio > faster,
    });
  }
  return rows;
}

/** Other ways to check a session: one at a time, because a request has to wait for it. */
type OtherWay = { what: string; calls: number; check: Check; close?(): Promise<void>; faster: number };

async function otherWays(say: (text: string) => void): Promise<OtherWay[]> {
  const ways: OtherWay[] = [
    { what: 'Better Auth, getSession with its cookie cache', calls: 500, check: await betterAuthCheck(), faster: 100 },
  ];
  if (redisInstalled) {
    const redis = await RedisServer.start();
    const { check, close } = await expressSessionCheck(redis.url);
    ways.push({
      what: 'express-session with connect-redis, get over loopback',
      calls: 2000,
      check,
      faster: 30,
      async close() {
        await close();
        await redis.remove();
      },
    });
  } else
    say('redis-server is not installed (Debian: apt-get install redis-server); the row of connect-redis is skipped');
  for (const algorithm of ['RS256', 'EdDSA'] as const) {
    const { privateKey, publicKey } = await generateKeyPair(algorithm);
    const jwt = await new SignJWT({ sub: 'ada' }).setProtectedHeader({ alg: algorithm }).sign(privateKey);
    const check = () => jwtVerify(jwt, publicKey);
    ways.push({ what: `verification of ${algorithm} with jose`, calls: 500, check, faster: 1 });
  }
  return ways;
}

/** A server on a store, with verifiers attached. `endOne` resolves with the milliseconds that an end of a session takes. */
export async function withVerifiers(store: string) {
  const server = await serve({
    CURFEW_STORE: store,
    CURFEW_SECRET_KEY: randomBytes(32).toString('hex'),
    CURFEW_PORT: '0',
    CURFEW_LOG_LEVEL: 'silent',
    CURFEW_LEASE_MS: String(lease),
  });
  const key = server.first!.apiKey!;
  const authority = createAuthority(server.opened.context);
  const verifiers = Array.from({ length: attached }, () => createVerifier({ url: server.url, key }));
  await Promise.all(verifiers.map((verifier) => verifier.ready()));
  return {
    server,
    key,
    async endOne(userId = 'ada') {
      const { token } = await authority.createSession(library, { userId });
      return timeOf(() => authority.endSession(library, { token }));
    },
    async close() {
      for (const verifier of verifiers) verifier.close();
      await server.close();
    },
  };
}

async function endRows(say: (text: string) => void): Promise<Row[]> {
  say(`ends with ${attached} verifiers attached`);
  const raw = openRaw();
  const folder = mkdtempSync(join(tmpdir(), 'curfew-bench-fence-'));
  const { server, key, endOne, close } = await withVerifiers(`lmdb:${folder}`);
  const bare = await bareStreams();
  const [ours, theirs]: [number[], number[]] = [[], []];
  for (let i = 0; i < ends; i++) {
    ours.push(await endOne());
    theirs.push(
      await timeOf(async () => {
        await raw.put(`end ${i}`, i);
        await bare.ping();
      }),
    );
  }
  say('an end while one verifier never acknowledges');
  const { socket: mute } = await muteVerifier(server.url, key);
  const stuck = await endOne();
  mute.terminate();
  await bare.close();
  await close();
  await raw.close();
  rmSync(folder, { recursive: true, force: true });
  const row = (share: number, name: string, limit: number): Row => {
    const [mine, other] = [at(ours, share), at(theirs, share)];
    return {
      what: `end with ${attached} verifiers attached, ${name}`,
      against: `one commit and one WebSocket round trip to ${attached}`,
      reached: `${times(mine / other)} (${mine.toFixed(1)} ms; ${other.toFixed(1)} ms)`,
      ...atMost(limit, mine / other),
    };
  };
  const most = withMargin(lease) * 1.1;
  return [
    row(0.5, 'p50', 2),
    row(0.99, 'p99', 5),
    {
      what: 'end while one verifier never acknowledges',
      against: 'lease and margin',
      reached: `${stuck.toFixed(0)} ms`,
      target: `≤ ${most.toFixed(0)} ms`,
      met: stuck <= most,
    },
  ];
}

/** The same number of streams, which answer every message. */
async function bareStreams(): Promise<{ ping(): Promise<void>; close(): Promise<void> }> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const clients = Array.from({ length: attached }, () => new globalThis.WebSocket(`ws://127.0.0.1:${port}`));
  await Promise.all(clients.map((client) => once(client, 'open')));
  for (const client of clients) client.addEventListener('message', () => client.send('{"type":"ack","sequence":1}'));
  let left = 0;
  let done = () => {};
  for (const socket of server.clients) {
    socket.on('message', () => {
      left -= 1;
      if (left === 0) done();
    });
  }
  return {
    ping: () =>
      new Promise((resolve) => {
        left = attached;
        done = resolve;
        for (const socket of server.clients) socket.send('{"type":"changes","changes":[{"sequence":1,"all":true}]}');
      }),
    async close() {
      for (const socket of server.clients) socket.terminate();
      server.close();
    },
  };
}

/** The effect on an application's verifications while many sessions of others are ended. */
async function stormRow(say: (text: string) => void): Promise<Row> {
  say(`${stormRate} ends a second with ${attached} verifiers attached`);
  const folder = mkdtempSync(join(tmpdir(), 'curfew-bench-storm-'));
  const key = makeKey(Date.now(), randomBytes);
  const server = await startCurfew({
    CURFEW_STORE: `lmdb:${folder}`,
    CURFEW_API_KEY: key,
    CURFEW_LOG_LEVEL: 'silent',
  });
  const curfew = createClient({ url: server.url, token: key });
  const openOne = async (userId: string) => curfew.createSession({ userId });
  const inTurn = async <T>(count: number, work: (i: number) => Promise<T>): Promise<T[]> => {
    const done: T[] = [];
    await rateOf(count, 16, async (i) => done.push(await work(i)));
    return done;
  };
  const kept = await inTurn(1000, (i) => openOne(`user ${i}`));
  const doomed = await inTurn(stormRate * stormSeconds, (i) => openOne(`other ${i}`));
  const verifier = createVerifier({ url: server.url, key });
  for (const { token } of kept) await verifier.verify(token);
  const loadClient = fork(new URL('load-client.ts', import.meta.url), [server.url, key, String(attached - 1)]);
  await once(loadClient, 'message');
  const tokens = kept.map(({ token }) => token);
  await verifyTimes(verifier, tokens, 1);
  const quiet = await verifyTimes(verifier, tokens, stormSeconds);
  const over = once(loadClient, 'message') as Promise<[{ ended: number; took: number }]>;
  loadClient.send({ ids: doomed.map(({ session }) => session.id), rate: stormRate });
  const busy = await verifyTimes(verifier, tokens, stormSeconds);
  const [{ ended, took }] = await over;
  loadClient.disconnect();
  verifier.close();
  const gone = once(server.child, 'exit');
  server.child.kill('SIGTERM');
  await gone;
  rmSync(folder, { recursive: true, force: true });
  const [mine, other] = [at(busy, 0.99), at(quiet, 0.99)];
  const rate = (ended / took) * 1000;
  return {
    what: `verify's p99 at ${perSecond(rate)} ends, ${attached} verifiers attached`,
    against: 'its quiet p99',
    reached: `${times(mine / other)} (${(mine * 1000).toFixed(1)} µs; ${(other * 1000).toFixed(1)} µs)`,
    target: `≤ 2 ×, at ≥ ${stormRate * 0.95}/s`,
    met: mine / other <= 2 && rate >= stormRate * 0.95,
  };
}

/** How long each verification of known sessions takes, one after the other, for a number of seconds. */
async function verifyTimes(verifier: Verifier, tokens: readonly string[], seconds: number): Promise<number[]> {
  const took: number[] = [];
  const until = performance.now() + seconds * 1000;
  for (let i = 0; performance.now() < until; i++) {
    const token = tokens[(i * 7919) % tokens.length]!;
    took.push(await timeOf(() => verifier.verify(token)));
    // Lets changes and answers be handled between two verifications.
    await new Promise(setImmediate);
  }
  return took;
}
