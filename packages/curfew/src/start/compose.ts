import { randomBytes } from 'node:crypto';
import { systemTiming, type Timing } from 'curfew-client/fence';
import { Activity } from '../authority/activity.ts';
import { afterFailover } from '../authority/after-failover.ts';
import { authenticateKey } from '../authority/authenticate.ts';
import { askStoreTime, processClock, type StoreClock, storeClock, writtenAhead } from '../authority/clock.ts';
import type { AttemptRules, AuthorityContext } from '../authority/context.ts';
import { EventCounts } from '../authority/event-series.ts';
import { Guesses } from '../authority/guesses.ts';
import { KeyUse } from '../authority/key-use.ts';
import { KeyedQueue } from '../authority/keyed-queue.ts';
import { KnownKeys } from '../authority/known-keys.ts';
import { createPasswords } from '../authority/passwords.ts';
import { createSecrets } from '../authority/secrets.ts';
import { startUpkeep, type Upkeep } from '../authority/upkeep.ts';
import { verifyFromStore } from '../authority/verify-session.ts';
import type { KeyId } from '../domain/brand.ts';
import { newId } from '../domain/ids.ts';
import type { Policy } from '../domain/policy.ts';
import type { Clock, Random } from '../domain/ports.ts';
import { CurfewError } from '../errors.ts';
import { type Admitted, createFence, type LossReason, type ProcessFence } from '../fence/index.ts';
import type { Store } from '../stores/contract.ts';
import { observeStore, operations, type StoreCalls } from '../stores/observed.ts';
import { folderOf, openStore } from '../stores/open.ts';
import { attemptsOf, policyOf, readSettings, type Settings } from './config.ts';
import { confirmNew } from './confirm-new.ts';
import { secretKeyOf } from './secret-key.ts';

export type CurfewOptions = {
  /** `lmdb:` and a folder, the URL of a server's database, or a store of your own; it is closed with Curfew. */
  store: string | Store;
  /** The servers' secret key (32 bytes), or the file that contains it; an embedded store has one in its folder. */
  secretKey?: Uint8Array | undefined;
  secretKeyFile?: string | undefined;
  policy?: Partial<Policy> | undefined;
  attempts?: Partial<AttemptRules> | undefined;
  issuer?: string | undefined;
  /** Milliseconds that ended sessions and events are kept. */
  keepEnded?: number | undefined;
  keepEvents?: number | undefined;
  acceptClock?: boolean | undefined;
  /** Milliseconds by which this machine's clock may differ from that of a store on a server. */
  maxClockOffset?: number | undefined;
  /** Milliseconds that a cache may trust its own state without contact with the store. */
  lease?: number | undefined;
  /** How many sessions the process caches at most. */
  cacheSessions?: number | undefined;
  /** Replaces the store's clock. */
  clock?: Clock | undefined;
  /** End every session when the store was failed over or restored, because it may have lost ends. */
  endAllAfterFailover?: boolean | undefined;
  /** Called when this node's fence starts over: why, and how that was noticed. */
  onRestart?: ((reason: LossReason, detail: string) => void) | undefined;
  onError?: ((error: unknown) => void) | undefined;
  /** Called with what an operator should know, although everything works. */
  onWarning?: ((text: string) => void) | undefined;
};

export type OpenedCurfew = {
  context: AuthorityContext;
  fence: ProcessFence;
  upkeep: Upkeep;
  /** The outcomes of the calls to the store. */
  calls: StoreCalls;
  /** Stores the secret key's fingerprint, once nothing else can make the start fail. */
  keepKey(): Promise<void>;
  close(): Promise<void>;
};

/** Gets random bytes in larger pieces: a system call for every few bytes would be most of a token's cost. */
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

/** Opens the store and everything that the use cases need. All parts are put together here. */
export async function compose(settings: CurfewOptions): Promise<OpenedCurfew> {
  const random = pooledRandom();
  const timing = systemTiming();
  const { settings: defaults } = readSettings({});
  const { opened, folder } = await storeOf(settings.store);
  const { store, calls } = observeStore(opened);
  try {
    const { key, keep } = await secretKeyOf(store, settings, folder, random);
    const { clock, note } = await openClock(store, folder, settings, timing, defaults);
    const activity = new Activity(store);
    const keyUse = new KeyUse(store);
    const parts = { store, clock, activity, keyUse };
    const closing = new AbortController();
    const onError = settings.onError ?? (() => {});
    await confirmNew(store);
    const lease = settings.lease ?? defaults.leaseMs;
    const fence = await createFence({
      store,
      timing,
      newId: () => newId('nodes', clock.nowForEnd(), random),
      verifyFromStore: (token) => verifyFromStore(parts, token),
      now: () => clock.nowForEnd(),
      noteStoreTime: (now, sentAt, receivedAt) => note({ now, sentAt, receivedAt }),
      lastSeen: (stored) => activity.lastSeen(stored),
      noteUse: (id, at) => activity.report(id, at),
      admit: (key) => admitVerifier(parts, key),
      lease,
      assumedLease: Math.max(lease, defaults.leaseMs),
      capacity: settings.cacheSessions ?? defaults.cacheSessions,
      onRestart: settings.onRestart,
      onFailover: (incarnation) =>
        void afterFailover(incarnation, {
          store,
          now: () => clock.nowForEnd(),
          endEveryone: settings.endAllAfterFailover ?? defaults.endAllAfterFailover,
          onError,
          until: closing.signal,
        }),
      onError,
    });
    const context: AuthorityContext = {
      store,
      random,
      clock,
      fence,
      secrets: createSecrets(key, random),
      passwords: createPasswords(),
      activity,
      keyUse,
      knownKeys: new KnownKeys(store, fence, () => timing.mono()),
      eventCounts: new EventCounts(store),
      queue: new KeyedQueue(),
      guesses: new Guesses(),
      policy: { ...policyOf(defaults), ...settings.policy },
      attempts: { ...attemptsOf(defaults), ...settings.attempts },
      issuer: settings.issuer ?? defaults.issuer,
    };
    const upkeep = startUpkeep(context, {
      keepEnded: settings.keepEnded ?? defaults.keepEnded,
      keepEvents: settings.keepEvents ?? defaults.keepEvents,
      onError,
      onWarning: settings.onWarning ?? (() => {}),
    });
    return {
      context,
      fence,
      upkeep,
      calls,
      keepKey: keep,
      async close() {
        closing.abort();
        await upkeep.stop();
        await context.fence.close().catch(() => {});
        await store.close();
      },
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}

/**
 * The store, opened, and its folder if it is embedded.
 * @throws `config_invalid`, and any error that prevents opening it
 */
async function storeOf(given: string | Store): Promise<{ opened: Store; folder: string | undefined }> {
  if (typeof given === 'string') return { opened: await openStore(given), folder: folderOf(given) };
  const missing = operations.filter((name) => typeof given?.[name] !== 'function');
  if (missing.length === 0) return { opened: given, folder: undefined };
  throw new CurfewError('config_invalid', {
    detail: `store: it must be a URL, or a store with every operation; it lacks ${missing.join(', ')}.`,
  });
}

/**
 * The clock for sessions. Processes that share a store use the store's clock. A process with an embedded store uses its
 * own, which must not go back behind the latest time in the store.
 */
export async function openClock(
  store: Store,
  folder: string | undefined,
  settings: Pick<CurfewOptions, 'clock' | 'acceptClock' | 'maxClockOffset' | 'onWarning'>,
  timing: Timing,
  defaults: Settings,
): Promise<StoreClock> {
  if (settings.clock || folder !== undefined) {
    const latest = (settings.acceptClock ?? defaults.acceptClock) ? 0 : await store.latestTime();
    return { clock: processClock(settings.clock ?? { now: timing.wall }, latest), note: () => {} };
  }
  const opened = storeClock(
    timing,
    settings.maxClockOffset ?? defaults.maxClockOffset,
    await askStoreTime(store, timing),
  );
  const ahead = writtenAhead(await store.latestTime(), opened.clock.nowForEnd());
  if (ahead) {
    settings.onWarning?.(
      `A wrong clock has written into the store: ${ahead}. Deadlines still use the store's clock; \`curfew doctor\` shows more.`,
    );
  }
  return opened;
}

/** Attaching a verifier requires a scope of its own: a stream costs more than a call, and changes wait for it. */
async function admitVerifier(
  { store, clock, keyUse }: Pick<AuthorityContext, 'store' | 'clock' | 'keyUse'>,
  token: string,
): Promise<Admitted> {
  // The node itself notes the changes that are applied while a key is read for a stream.
  const knownKeys = { read: (id: KeyId) => store.readKey(id) };
  const { key, granted } = await authenticateKey({ clock, keyUse, knownKeys }, token);
  if (granted.has('fence.attach')) return key;
  throw new CurfewError('permission_missing', {
    detail: `A verifier needs a key with the scope fence.attach; the key named ${key.name} does not have it.`,
  });
}
