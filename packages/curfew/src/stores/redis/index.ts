import { CurfewError } from '../../errors.ts';
import { format } from './codec.ts';
import { DurableWrites } from './durable.ts';
import { Link, type LinkOptions } from './link.ts';
import { claimFormat } from './scripts/streams.ts';
import { readServerFacts, refuseUnsafe } from './settings.ts';
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
    const confirmed = facts.confirms && facts.appendOnly && facts.sync !== 'always';
    return new RedisStore(link, confirmed ? new DurableWrites(await Link.open(options)) : undefined);
  } catch (error) {
    await link.close();
    throw error;
  }
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
