import { CurfewError } from '../../errors.ts';
import { type Ruled, rulesOver } from '../../rules/index.ts';
import type { SchemaPlan } from '../contract.ts';
import { carryOver } from './accounts.ts';
import { format, formatsBefore } from './codec.ts';
import { DurableWrites } from './durable.ts';
import { Link, type LinkOptions } from './link.ts';
import { parseLocation } from './location.ts';
import { refuseLackingRights } from './rights.ts';
import { completeLog, isUsed, readFormat } from './scripts/streams.ts';
import { placeCreated } from './scripts/sweep.ts';
import { RedisStore as Rest } from './store.ts';
import { follow } from './sweep.ts';
import { halfImported } from './transfer.ts';

export { parseLocation } from './location.ts';
/** The store: the engine, with the rules over it. */
export type RedisStore = Rest & Ruled;

/** Milliseconds that an answer may take. */
const defaultTimeout = 5000;

/**
 * Opens the store on a Redis; see {@link parseLocation} for its URL.
 * @throws `config_invalid`, `store_unavailable`, `store_login_refused`, `store_read_only`, `store_unsafe`,
 * `store_version`, `store_denied`
 */
export async function openRedisStore(url: string, timeout: number = defaultTimeout): Promise<RedisStore> {
  const options: LinkOptions = { location: parseLocation(url), timeout };
  return withLink(options, async (link) => {
    await refuseLackingRights(link, link.options.location.shown);
    await checkFormat(link);
    const store = new Rest(link, new DurableWrites(await Link.open(options)));
    return Object.assign(store, rulesOver(store.engine));
  });
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

/** Connects to a server that may hold a store; `use` owns the link, unless it fails. */
async function withLink<T>(options: LinkOptions, use: (link: Link) => Promise<T>): Promise<T> {
  const link = await Link.open(options);
  try {
    return await use(link);
  } catch (error) {
    await link.close();
    throw error;
  }
}

/**
 * Migrates an older format.
 * @throws `store_version`, `store_damaged` if the data has another format or was not written completely
 */
async function checkFormat(link: Link): Promise<void> {
  const written = (await link.run(readFormat, [])) as string | null;
  const location = link.options.location.shown;
  if (written === null || written === String(format)) return;
  if (formatsBefore.includes(written)) {
    await link.run(completeLog, []);
    await follow(link, placeCreated);
    await carryOver(link, written);
    return;
  }
  if (written === halfImported) {
    throw new CurfewError('store_damaged', { detail: `An import into ${location} was not finished; empty it first.` });
  }
  throw new CurfewError('store_version', {
    detail: `${location} has format ${written}; this version of Curfew reads format ${format}.`,
  });
}
