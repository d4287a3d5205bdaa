import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AccessGroup, SessionId, UserId } from '../packages/curfew/src/domain/brand.ts';
import { newId } from '../packages/curfew/src/domain/ids.ts';
import { day, minute } from '../packages/curfew/src/domain/limits.ts';
import { openSession } from '../packages/curfew/src/domain/open-session.ts';
import { nextDeadline, type StoredSession } from '../packages/curfew/src/domain/session.ts';
import { pooledRandom } from '../packages/curfew/src/start/compose.ts';
import { encodeSession } from '../packages/curfew/src/stores/lmdb/codec.ts';
import { loadState, setCounters } from '../packages/curfew/src/stores/lmdb/commit.ts';
import { dataFile } from '../packages/curfew/src/stores/lmdb/files.ts';
import { openLmdbStore } from '../packages/curfew/src/stores/lmdb/index.ts';
import { stateKeys, tagKeys, timeKey } from '../packages/curfew/src/stores/lmdb/keys.ts';
import { openTables, putInOrder } from '../packages/curfew/src/stores/lmdb/tables.ts';
import { request } from './setup.ts';

/** One in so many sessions expires at that moment. */
export const share = 10;

/** Sessions per transaction when the embedded store is filled. */
const piece = 500_000;

export type Filling = { count: number; begins: number; expires: number };

/** How many ids of those sessions are returned, spread evenly among them. */
const sampled = 20_000;

/**
 * Very many sessions in the order of time, as if they had been opened one after the other; those that expire are spread
 * among the others. Nobody has their tokens, so the hashes are arbitrary.
 */
export function* sessionsOf({ count, begins, expires }: Filling): Iterable<StoredSession> {
  const users = Math.ceil(count / 4);
  const random = pooledRandom();
  const models = new Map<string | undefined, StoredSession>();
  for (let i = 0; i < count; i++) {
    const { userId, accessGroups, userAgent, ip, metadata } = request(i, users);
    const createdAt = begins - day + Math.floor((i / count) * (day - minute));
    const opening = {
      userId: userId as UserId,
      accessGroups: accessGroups as AccessGroup[],
      userAgent,
      ip,
      metadata: metadata!,
      absolute: 30 * day,
      idle: 7 * day,
      epochs: { user: 0, everyone: 0 },
    };
    // Parsing a user agent gives the same result for all sessions that have it.
    let model = models.get(userAgent);
    if (!model) {
      model = openSession(opening, createdAt, random).stored;
      models.set(userAgent, model);
    }
    const { userId: of, accessGroups: groups } = opening;
    const id = newId(of, createdAt, random) as SessionId;
    const expiresAt = i % share === 0 ? expires : createdAt + opening.absolute;
    const times = { createdAt, authenticatedAt: createdAt, lastSeenAt: createdAt, expiresAt };
    const refresh = { ...model.refresh, hash: random(32) };
    yield { ...model, id, userId: of, accessGroups: groups, ip, ...times, tokenHash: random(32), refresh };
  }
}

export type Filled = {
  /** Epoch milliseconds: when a tenth of the sessions expires. */
  expires: number;
  /** Some of the sessions. */
  ids: readonly SessionId[];
};

/**
 * Fills an empty embedded store. If BENCH_DATA names a folder, the data is kept there between runs, and each run gets a
 * copy. A tenth of it expires five days after it was made.
 */
export async function filledEmbedded(folder: string, count: number, say: (text: string) => void): Promise<Filled> {
  const fill = async (place: string): Promise<Filled> => {
    const begins = Date.now();
    const expires = begins + 5 * day;
    return { expires, ids: await fillEmbedded(place, { count, begins, expires }, say) };
  };
  const data = process.env['BENCH_DATA'];
  if (data === undefined) return fill(folder);
  const kept = join(data, String(count));
  const told = join(kept, 'filled.json');
  if (!existsSync(told)) writeFileSync(told, JSON.stringify(await fill(join(kept, 'store'))));
  cpSync(join(kept, 'store'), folder, { recursive: true });
  return JSON.parse(readFileSync(told, 'utf8')) as Filled;
}

/**
 * Fills an empty embedded store as it would be after the sweep has placed everything, one tree at a time in the order
 * of its keys: ten million sessions take minutes, not hours. Returns the ids of some of them.
 */
async function fillEmbedded(
  folder: string,
  filling: Filling,
  say: (text: string) => void,
): Promise<readonly SessionId[]> {
  await (await openLmdbStore(folder)).close();
  const tables = openTables(folder);
  const { sessions, live, deadlines, root } = tables;
  const sample: SessionId[] = [];
  const step = Math.max(1, Math.floor(filling.count / sampled));
  let written = 0;
  let some: StoredSession[] = [];
  const write = () => {
    const entries = some.flatMap((stored) =>
      [...stateKeys(stored), ...tagKeys(stored)].map((key): [string, SessionId] => [key, stored.id]),
    );
    root.transactionSync(() => {
      putInOrder(sessions, inOrder(some.map((stored) => [stored.id, encodeSession(stored, nextDeadline(stored))])));
      putInOrder(deadlines, inOrder(some.map((stored) => [timeKey(nextDeadline(stored), stored.id), true as const])));
      for (const [key, id] of inOrder(entries)) live.put(key, id);
    });
    written += some.length;
    some = [];
    if (written % 1_000_000 === 0) say(`${written.toLocaleString('en')} sessions are there`);
  };
  for (const stored of sessionsOf(filling)) {
    if ((written + some.length) % step === 0) sample.push(stored.id);
    some.push(stored);
    if (some.length === piece) write();
  }
  write();
  const { head, lastEvent, time } = loadState(tables);
  root.transactionSync(() =>
    setCounters(
      tables,
      { head, lastEvent, time: Math.max(time, filling.begins), active: filling.count },
      { buried: head, placed: lastEvent, begun: lastEvent },
    ),
  );
  // Transactions that large leave lists of hundreds of thousands of free pages, which LMDB reads and writes again in
  // each of the next ones. A server makes no such transactions, and a compact copy has no free pages.
  const compact = join(folder, 'compact');
  mkdirSync(compact);
  await root.backup(compact, true);
  await root.close();
  renameSync(join(compact, dataFile), join(folder, dataFile));
  rmSync(compact, { recursive: true });
  return sample;
}

function inOrder<Entry extends readonly [string, unknown]>(entries: Entry[]): Entry[] {
  return entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}
