import { setTimeout } from 'node:timers/promises';
import { leaseOf } from '../domain/node-id.ts';
import { CurfewError } from '../errors.ts';

/** The part of each server's row that changes with every renewal, by the server's id. */
export type Rows = ReadonlyMap<string, string>;

/** Milliseconds in which a running server renews its row three times, if its id does not say how long its lease is. */
const usual = 2000;

/**
 * The rows of servers, if none of them is running: a row that does not change belongs to a server that was killed.
 * @throws `servers_running`; `why`: the reason, as a sentence without its full stop
 */
export async function quietRows(
  read: () => Promise<Rows>,
  why: string,
  pause: (milliseconds: number) => Promise<unknown> = setTimeout,
): Promise<Rows> {
  const rows = await read();
  if (rows.size === 0) return rows;
  await pause(Math.max(usual, ...[...rows.keys()].map((id) => leaseOf(id) ?? usual)));
  const later = await read();
  refuseRunning(rows, later, why);
  return later;
}

/** @throws `servers_running` if a row has changed */
export function refuseRunning(before: Rows, now: Rows, why: string): void {
  const running = [...now].filter(([id, row]) => before.get(id) !== row).length;
  if (running === 0) return;
  throw new CurfewError('servers_running', {
    detail: `${why}, and ${running === 1 ? 'a server runs' : `${running} servers run`} on it.`,
  });
}
