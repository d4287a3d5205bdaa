import type { Link } from './link.ts';
import { latestTime, mendTime as mend } from './scripts/streams.ts';

/** Entries of each stream that one script reads. The sweep may be far behind: it pauses while a clock is wrong. */
const piece = 500;

/** The latest time of any change up to an event and an entry of the log, which are given as text. */
type Latest = { time: number; event: string; entry: string };

/** Reads in pieces, so that others get Redis in between. */
export async function readLatest(link: Link): Promise<Latest> {
  let [time, event, entry, more] = [0, '0', '0', 1];
  while (more) {
    const reply = await link.run(latestTime, [event, entry, String(piece)]);
    let seen: number;
    [seen, event, entry, more] = reply as [number, string, string, number];
    time = Math.max(time, seen);
  }
  return { time, event, entry };
}

/** Lowers the latest time to `now`, and forgets attempts whose window ends after `until`. */
export async function mendTime(link: Link, now: number, until: number): Promise<void> {
  const { time, event, entry } = await readLatest(link);
  const args = [now, until, time, event, entry, piece].map(String);
  while (Number(await link.run(mend, args)) > 0);
}
