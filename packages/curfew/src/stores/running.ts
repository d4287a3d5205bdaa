import { setTimeout } from 'node:timers/promises';
import { CurfewError } from '../errors.ts';

/** What changes with every renewal of a server's row, by the server's id. */
export type Rows = ReadonlyMap<string, string>;

/** Milliseconds within which a server that runs renews its row: three renewals of the usual lease are in them. */
const renewals = 2000;

/**
 * The rows of servers, none of which runs: one that stays as it is belongs to a server that was killed.
 * @throws `servers_running`; `why`: what none may run for, as a sentence without its end
 */
export async function quietRows(read: () => Promise<Rows>, why: string): Promise<Rows> {
  const rows = await read();
  if (rows.size === 0) return rows;
  await setTimeout(renewals);
  const later = await read();
  refuseRunning(rows, later, why);
  return later;
}

/** @throws `servers_running` when a row is another than it was */
export function refuseRunning(before: Rows, now: Rows, why: string): void {
  const running = [...now].filter(([id, row]) => before.get(id) !== row).length;
  if (running === 0) return;
  throw new CurfewError('servers_running', {
    detail: `${why}, and ${running === 1 ? 'a server runs' : `${running} servers run`} on it.`,
  });
}
