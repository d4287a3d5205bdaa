import { randomBytes } from 'node:crypto';
import { systemTiming } from 'curfew-client/fence';
import { Activity } from './authority/activity.ts';
import { authenticateKey } from './authority/authenticate.ts';
import { steadyClock } from './authority/clock.ts';
import { createPasswords } from './authority/passwords.ts';
import { createSecrets } from './authority/secrets.ts';
import { Turns } from './authority/turns.ts';
import { defaultUpkeep, startUpkeep, type Upkeep } from './authority/upkeep.ts';
import { verifyToken } from './authority/verify-session.ts';
import type { AttemptRules, World } from './authority/world.ts';
import { newId } from './domain/ids.ts';
import { minute, second } from './domain/limits.ts';
import { defaultPolicy, type Policy } from './domain/policy.ts';
import type { Clock, Random } from './domain/ports.ts';
import { CurfewError } from './errors.ts';
import { createFence, type ProcessFence } from './fence/index.ts';
import { loadSecretKey } from './secret-key.ts';
import type { Store } from './stores/contract.ts';
import { folderOf, openStore } from './stores/open.ts';

export type WorldSettings = {
  /** `lmdb:` and a folder, or the URL of a server's database. */
  store: string;
  /** The servers' own key, 32 bytes, or the file that holds it; an embedded store has one in its folder. */
  secretKey?: Uint8Array | undefined;
  secretKeyFile?: string | undefined;
  policy?: Partial<Policy> | undefined;
  attempts?: Partial<AttemptRules> | undefined;
  issuer?: string | undefined;
  /** Milliseconds that ended sessions and events are kept. */
  keepEnded?: number | undefined;
  keepEvents?: number | undefined;
  acceptClock?: boolean | undefined;
  /** Milliseconds that a cache may trust itself without word from the store. */
  lease?: number | undefined;
  /** Sessions that the process remembers at most. */
  cacheSessions?: number | undefined;
  clock?: Clock | undefined;
  onError?: ((error: unknown) => void) | undefined;
};

export type OpenedWorld = { world: World; fence: ProcessFence; upkeep: Upkeep; close(): Promise<void> };

const defaultLease = 2 * second;
const defaultCacheSessions = 20_000;

export const defaultAttempts: AttemptRules = {
  loginOfAccount: { max: 10, window: 15 * minute },
  loginFromAddress: { max: 300, window: 15 * minute },
  secondFactor: { max: 5, window: 5 * minute },
};

/** Randomness in larger pieces: a call of the system for each few bytes is most of a token's cost. */
export function pooledRandom(): Random {
  const size = 4096;
  let pool = randomBytes(size);
  let used = 0;
  return (bytes) => {
    if (bytes > size / 4) return randomBytes(bytes);
    if (used + bytes > size) {
      pool = randomBytes(size);
      used = 0;
    }
    used += bytes;
    return pool.subarray(used - bytes, used);
  };
}

/** Opens the store and everything that the use cases work with; the one place where the parts are put together. */
export async function openWorld(settings: WorldSettings): Promise<OpenedWorld> {
  const random = pooledRandom();
  const clock: Clock = settings.clock ?? { now: Date.now };
  const store = await openStore(settings.store);
  try {
    const key = loadSecretKey(settings, folderOf(settings.store), random);
    const latest = settings.acceptClock ? 0 : await store.latestTime();
    const steady = steadyClock(clock, latest);
    const activity = new Activity(store);
    const parts = { store, clock: steady, activity };
    const fence = await createFence({
      store,
      timing: systemTiming(),
      newId: () => newId('nodes', clock.now(), random),
      judge: (token) => verifyToken(parts, token),
      now: () => steady.nowForEnd(),
      lastSeen: (stored) => activity.lastSeen(stored),
      noteUse: (id, at) => activity.report(id, at),
      admit: (key) => admitVerifier(store, key),
      lease: settings.lease ?? defaultLease,
      capacity: settings.cacheSessions ?? defaultCacheSessions,
      onError: settings.onError ?? (() => {}),
    });
    const world: World = {
      store,
      random,
      clock: steady,
      fence,
      secrets: createSecrets(key, random),
      passwords: createPasswords(),
      activity,
      turns: new Turns(),
      policy: { ...defaultPolicy, ...settings.policy },
      attempts: { ...defaultAttempts, ...settings.attempts },
      issuer: settings.issuer ?? 'Curfew',
    };
    const upkeep = startUpkeep(world, {
      keepEnded: settings.keepEnded ?? defaultUpkeep.keepEnded,
      keepEvents: settings.keepEvents ?? defaultUpkeep.keepEvents,
      onError: settings.onError ?? (() => {}),
    });
    return {
      world,
      fence,
      upkeep,
      async close() {
        await upkeep.stop();
        await world.fence.close().catch(() => {});
        await store.close();
      },
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** Who attaches a verifier needs what it takes to verify. */
async function admitVerifier(store: Store, token: string): Promise<void> {
  const { granted } = await authenticateKey({ store }, token);
  if (!granted.has('sessions.verify')) {
    throw new CurfewError('permission_missing', { detail: 'A verifier needs a key with the scope sessions.verify.' });
  }
}
