/** When the store became another than before, epoch milliseconds: a server may have noticed it since `from`. */
export type StoreChange = { from: number; until: number };

/** That a server's fence started over, as its log tells of it. */
export type Restart = { at: number; reason: string };

/** The reasons that a failover, a restore or a restart of the store gives a server to start over (docs/fence, R10). */
const reasons = ['log_trimmed', 'log_replaced', 'store_incarnation'];

/**
 * A server starts over when the store has become another, once each time, and for nothing else. Answers with the
 * restarts of one server, which was started at a moment, that this does not explain.
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

/** Reads a line of a server's log: a restart, if it tells of one. */
export function restartIn(line: string): Restart | undefined {
  if (!line.includes('starts over')) return undefined;
  const { msg, reason, time } = JSON.parse(line) as { msg: string; reason?: string; time: number };
  return msg === 'the node starts over' ? { at: time, reason: reason ?? 'none' } : undefined;
}
