import { CurfewError } from '../../errors.ts';
import { format, formatsBefore } from './codec.ts';
import { DurableWrites } from './durable.ts';
import { Link, type LinkOptions } from './link.ts';
import { completeLog, readFormat } from './scripts/streams.ts';
import { readServerFacts, refuseUnsafe, type ServerFacts } from './settings.ts';
import { RedisStore } from './store.ts';
import { halfImported } from './transfer.ts';

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
    await checkFormat(link);
    return new RedisStore(link, confirmable(facts) ? new DurableWrites(await Link.open(options)) : undefined);
  } catch (error) {
    await link.close();
    throw error;
  }
}

/**
 * Carries over what the formats before lack.
 * @throws `store_version`, `store_damaged` when what is there is of another format, or was not written whole
 */
async function checkFormat(link: Link): Promise<void> {
  const written = (await link.run(readFormat, [])) as string | null;
  const { location } = link.options;
  if (written === null || written === String(format)) return;
  if (formatsBefore.includes(written)) {
    await link.run(completeLog, []);
    return;
  }
  if (written === halfImported) {
    throw new CurfewError('store_damaged', { detail: `An import into ${location} was not finished; empty it first.` });
  }
  throw new CurfewError('store_version', {
    detail: `${location} has format ${written}; this version of Curfew reads format ${format}.`,
  });
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
