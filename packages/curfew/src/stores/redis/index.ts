import { type Ruled, rulesOver } from '../../rules/index.ts';
import type { SchemaPlan } from '../contract.ts';
import { format, formatsBefore } from './codec.ts';
import { parseLocation } from './location.ts';
import { openPart, withLink } from './part.ts';
import { isUsed, readFormat } from './scripts/streams.ts';
import type { RedisStore as Rest } from './store.ts';

export { parseLocation } from './location.ts';
/** The store: the engine, with the rules over it. */
export type RedisStore = Rest & Ruled;

/** Milliseconds that an answer may take. */
export const defaultTimeout = 5000;

/**
 * Opens a store on one Redis; see {@link parseLocation} for its URL.
 * @throws `config_invalid`, `store_unavailable`, `store_login_refused`, `store_read_only`, `store_unsafe`,
 * `store_version`, `store_denied`
 */
export async function openRedisStore(url: string, timeout: number = defaultTimeout): Promise<RedisStore> {
  const { store } = await openPart({ location: parseLocation(url), timeout });
  return Object.assign(store, rulesOver(store.engine));
}

/**
 * The existing format, and the steps that opening would take. Changes nothing.
 * @throws as {@link openRedisStore}
 */
export async function planRedis(url: string): Promise<SchemaPlan> {
  return withLink({ location: parseLocation(url), timeout: defaultTimeout }, async (link) => {
    const written = (await link.run(readFormat, [])) as string | null;
    const used = (await link.run(isUsed, [])) === 1;
    await link.close();
    if (written === null) return { version: used ? format : 0, pending: [] };
    // A format that cannot be opened fails on opening.
    if (!formatsBefore.includes(written)) return { version: format, pending: [] };
    return { version: Number(written), pending: [{ number: format, name: `from format ${written}` }] };
  });
}
