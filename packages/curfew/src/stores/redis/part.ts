import { CurfewError } from '../../errors.ts';
import { carryOver } from './accounts.ts';
import { format, formatsBefore } from './codec.ts';
import { DurableWrites } from './durable.ts';
import { Link, type LinkOptions } from './link.ts';
import { refuseLackingRights } from './rights.ts';
import { completeLog, readFormat } from './scripts/streams.ts';
import { placeCreated } from './scripts/sweep.ts';
import { RedisStore } from './store.ts';
import { follow, type PartOptions } from './sweep.ts';
import { halfImported } from './transfer.ts';

/** A store whose keys are all on one server, with its connections and without the rules. */
export type Part = { link: Link; writes: DurableWrites; store: RedisStore };

/** @throws `store_unavailable`, `store_login_refused`, `store_read_only`, `store_unsafe`, `store_version`, `store_denied` */
export function openPart(given: LinkOptions, as: PartOptions = {}): Promise<Part> {
  const options = linkOf(given, as);
  return withLink(options, async (link) => {
    await check(link);
    return partOf(link, await Link.open(options), as);
  });
}

/** The same if it is out of reach: it is checked when it comes back, before it is used. */
export function awaitPart(given: LinkOptions, as: PartOptions = {}): Part {
  const options = linkOf(given, as);
  const checkFirst = () =>
    withLink(options, async (link) => {
      await check(link);
      await link.close();
    });
  return partOf(Link.later(options, checkFirst), Link.later(options, checkFirst), as);
}

const linkOf = (options: LinkOptions, { role }: PartOptions): LinkOptions => ({
  ...options,
  leasesElsewhere: role === 'group',
});

function partOf(link: Link, ofWrites: Link, as: PartOptions): Part {
  const writes = new DurableWrites(ofWrites);
  return { link, writes, store: new RedisStore(link, writes, as) };
}

async function check(link: Link): Promise<void> {
  await refuseLackingRights(link, link.options.location.shown);
  await checkFormat(link);
}

/** Connects to a server that may hold a store; `use` owns the link, unless it fails. */
export async function withLink<T>(options: LinkOptions, use: (link: Link) => Promise<T>): Promise<T> {
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
