import type { EventFilter } from '../domain/events.ts';

/*
 * The index by which a search of events skips what is outside the requested time. Events are numbered as they are
 * recorded, which is not quite the order of their times: a session that expired while no server ran is recorded later,
 * and a clock may have been wrong. So the sweep records the earliest and the latest time of each block of consecutive
 * events, once the block is complete. A block without a record is searched.
 */
export const eventsPerBlock = 256;

/** The earliest and the latest time of the events of a block, in epoch milliseconds. */
export type BlockTimes = { earliest: number; latest: number };

/** Reads the records of the blocks from `first` to `last`, inclusive: those that exist, by block. */
export type ReadTimes = (first: number, last: number) => Promise<ReadonlyMap<number, BlockTimes>>;

/** The most records that are read at once; they cover a quarter of a million events. */
const mostRead = 1000;

/**
 * The position from which a search that has reached `position` continues: the same one, or the one past the next
 * blocks, if these contain no event of the requested time. Nothing that matches is between the two.
 */
export async function skipBlocks(
  { since, until }: Pick<EventFilter, 'since' | 'until'>,
  upwards: boolean,
  position: number,
  read: ReadTimes,
): Promise<number> {
  if (since === undefined && until === undefined) return position;
  const isOutside = ({ earliest, latest }: BlockTimes) =>
    (since !== undefined && latest < since) || (until !== undefined && earliest >= until);
  let block = Math.floor((upwards ? position + 1 : position - 1) / eventsPerBlock);
  // Few records are read at first, because usually the next block has to be searched.
  for (let count = 1; block >= 0; count = Math.min(10 * count, mostRead)) {
    const end = upwards ? block + count : Math.max(-1, block - count);
    const times = await (upwards ? read(block, end - 1) : read(end + 1, block));
    for (; block !== end; block += upwards ? 1 : -1) {
      const known = times.get(block);
      if (!known || !isOutside(known)) return position;
      // Sequences begin at 1.
      position = upwards ? (block + 1) * eventsPerBlock - 1 : Math.max(1, block * eventsPerBlock);
    }
  }
  return position;
}
