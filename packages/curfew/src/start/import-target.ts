import { systemTiming } from 'curfew-client/fence';
import type { SteadyClock } from '../authority/clock.ts';
import type { Event, EventType } from '../domain/events.ts';
import { limits } from '../domain/limits.ts';
import type { Random } from '../domain/ports.ts';
import { CurfewError } from '../errors.ts';
import type { Store } from '../stores/contract.ts';
import { folderOf, isThere, openStore, openStoreToRead } from '../stores/open.ts';
import { openClock } from './compose.ts';
import type { Settings } from './config.ts';
import { confirmNew } from './confirm-new.ts';
import { existingSecretKey, secretKeyOf } from './secret-key.ts';

/** Where sessions of another application are imported to: a store, without a server. */
export type ImportTarget = {
  store: Store;
  clock: SteadyClock;
  /**
   * Records that an import of a kind begins; absent if the store is only read. A store that nobody has used gets what a
   * first server would give it. `again`: however long ago the first import was.
   * @throws `imported_before`, `secret_key_differs`, `secret_key_missing`
   */
  begin?(kind: string, from: string, again: boolean): Promise<void>;
  close(): Promise<void>;
};

type Options = { random: Random; onWarning(text: string): void };

/** @throws the error that prevents opening it, by code */
export async function openTarget(settings: Settings, options: Options): Promise<ImportTarget> {
  const store = await openStore(settings.store, { alone: true });
  try {
    const folder = folderOf(settings.store);
    const clock = await clockOf(store, settings, options.onWarning);
    return {
      store,
      clock,
      async begin(kind, from, again) {
        // Servers on PostgreSQL and Redis have the key in their settings; this process needs none.
        const keyed = folder !== undefined || existingSecretKey(settings, folder) !== undefined;
        const key = keyed ? await secretKeyOf(store, settings, folder, options.random) : undefined;
        await confirmNew(store);
        await key?.keep();
        if (!again) await refuseLate(store, kind, clock.now() - settings.keepEnded);
        const details = { kind, from };
        await store.appendEvent({ type: 'sessions.imported', at: clock.now(), by: 'library', details });
      },
      close: () => store.close(),
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** The same without writing anything; `undefined` if there is no store yet. */
export async function readTarget(settings: Settings): Promise<ImportTarget | undefined> {
  if (!(await isThere(settings.store))) return undefined;
  const store = await openStoreToRead(settings.store);
  try {
    return { store, clock: await clockOf(store, settings), close: () => store.close() };
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function clockOf(store: Store, settings: Settings, onWarning?: (text: string) => void): Promise<SteadyClock> {
  const { clock } = await openClock(
    store,
    folderOf(settings.store),
    { ...settings, onWarning },
    systemTiming(),
    settings,
  );
  return clock;
}

/**
 * A session that ended here is remembered only for a time. After that, an import could no longer know it, and would make
 * it active again if it is still in the store that it came from.
 */
async function refuseLate(store: Store, kind: string, before: number): Promise<void> {
  const first = await firstOf(store, 'sessions.imported', 0, ({ details }) => details?.['kind'] === kind);
  if (!first) return;
  const began = `The first import of ${kind} began at ${new Date(first.at).toISOString()}`;
  if (first.at < before) throw new CurfewError('imported_before', { detail: `${began}.` });
  const ended = await firstOf(store, 'everyone.ended', first.sequence);
  if (ended) throw new CurfewError('imported_before', { detail: `${began}, and everybody was signed out since.` });
}

/** The first event of a type after a sequence. */
async function firstOf(
  store: Store,
  type: EventType,
  sequence: number,
  matches: (event: Event) => boolean = () => true,
): Promise<Event | undefined> {
  for (let after = sequence; ; ) {
    const { events, next } = await store.readEvents({ type, after, limit: limits.pageMax });
    const found = events.find(matches);
    if (found || next === undefined) return found;
    after = next;
  }
}
