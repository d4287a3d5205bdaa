import { randomBytes } from 'node:crypto';
import { Activity } from './authority/activity.ts';
import { steadyClock } from './authority/clock.ts';
import { createPasswords } from './authority/passwords.ts';
import { createSecrets } from './authority/secrets.ts';
import { Turns } from './authority/turns.ts';
import { defaultUpkeep, startUpkeep, type Upkeep } from './authority/upkeep.ts';
import type { AttemptRules, World } from './authority/world.ts';
import { newId } from './domain/ids.ts';
import { minute } from './domain/limits.ts';
import { defaultPolicy, type Policy } from './domain/policy.ts';
import type { Clock, Random } from './domain/ports.ts';
import { createLocalFence } from './fence/local.ts';
import { loadSecretKey } from './secret-key.ts';
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
  clock?: Clock | undefined;
  onError?: ((error: unknown) => void) | undefined;
};

export type OpenedWorld = { world: World; upkeep: Upkeep; close(): Promise<void> };

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
    const world: World = {
      store,
      random,
      clock: steadyClock(clock, latest),
      fence: await createLocalFence(store, newId('nodes', clock.now(), random)),
      secrets: createSecrets(key, random),
      passwords: createPasswords(),
      activity: new Activity(store),
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
