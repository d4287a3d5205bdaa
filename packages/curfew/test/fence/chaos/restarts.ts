/** When the store became another one, in epoch milliseconds; a server may have noticed it since `from`. */
export type StoreChange = { from: number; until: number };

/** A restart of a server's fence, as its log reports it. */
export type Restart = { at: number; reason: string };

/**
 * The reasons for which a failover, a restore or a restart of the store makes a server start over (docs/fence, R10).
 */
const reasons = ['log_trimmed', 'log_replaced', 'store_incarnation'];

/**
 * A server starts over once each time that the store becomes another one, and for no other reason. Returns the restarts
 * of a server, started at a given moment, that this does not explain.
 */
export function unexplained(restarts: readonly Restart[], started: number, changes: readonly StoreChange[]): Restart[] {
  let explained = 0;
  return restarts.filter(({ at, reason }) => {
    const noticed = changes.filter(({ from, until }) => from <= at && until >= started);
    if (!reasons.includes(reason) || explained >= noticed.length) return true;
    explained += 1;
    return false;
  });
}

/** Reads a restart from a line of a server's log, if it reports one. */
export function restartIn(line: string): Restart | undefined {
  if (!line.includes('starts over')) return undefined;
  const { msg, reason, time } = JSON.parse(line) as { msg: string; reason?: string; time: number };
  return msg === 'the node starts over' ? { at: time, reason: reason ?? 'none' } : undefined;
}
