import { CurfewError } from '../../errors.ts';
import type { StoreDescription } from '../contract.ts';
import { format } from './codec.ts';
import { describe } from './describe.ts';
import { DurableWrites } from './durable.ts';
import { Link, type LinkOptions } from './link.ts';
import { claimFormat } from './scripts/streams.ts';
import { readServerFacts, refuseUnsafe, type ServerFacts } from './settings.ts';
import { RedisStore } from './store.ts';

export type { RedisStore } from './store.ts';

/** Milliseconds that an answer may take. */
const defaultTimeout = 5000;

/**
 * Opens the store on a Redis: `redis://[[user]:password@]host[:port][/database]`, or `rediss://` over TLS.
 * @throws `config_invalid`, `store_unavailable`, `store_login_refused`, `store_read_only`, `store_unsafe`, `store_version`
 */
export async function openRedisStore(url: string, timeout: number = defaultTimeout): Promise<RedisStore> {
  const options: LinkOptions = { url, location: locationOf(url), timeout };
  const link = await Link.open(options);
  try {
    const facts = await readServerFacts(link);
    refuseUnsafe(facts, options.location);
    const written = Number(await link.run(claimFormat, [String(format)]));
    if (written !== format) {
      throw new CurfewError('store_version', {
        detail: `${options.location} has format ${written}; this version of Curfew reads format ${format}.`,
      });
    }
    return new RedisStore(link, confirmable(facts) ? new DurableWrites(await Link.open(options)) : undefined);
  } catch (error) {
    await link.close();
    throw error;
  }
}

/** What a Redis is and what would be lost there, for `doctor`: nothing is written. @throws as {@link openRedisStore} */
export async function examineRedis(url: string): Promise<StoreDescription> {
  const link = await Link.open({ url, location: locationOf(url), timeout: defaultTimeout });
  try {
    const facts = await readServerFacts(link);
    refuseUnsafe(facts, link.options.location);
    return await describe(link, confirmable(facts));
  } finally {
    await link.close();
  }
}

/** Whether it has to be asked when a write is on disk, and can be. */
function confirmable({ confirms, appendOnly, sync }: ServerFacts): boolean {
  return confirms && appendOnly && sync !== 'always';
}

/** The address as people may see it: without the password. @throws `config_invalid` */
export function locationOf(text: string): string {
  const url = URL.parse(text);
  if (!url?.hostname || !/^rediss?:$/.test(url.protocol) || !/^(\/\d*)?$/.test(url.pathname)) {
    throw new CurfewError('config_invalid', {
      detail: 'The store must be redis:// or rediss:// with a host, and may name a port and the number of a database.',
    });
  }
  return `${url.protocol}//${url.host}${url.pathname}`;
}
