import { readFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { serve } from '../packages/curfew/src/start/serve.ts';

/*
 * `curfew serve`, by its environment, that tells how long its event loop stood still since it was last asked, how much of
 * that was its own work, and what memory is its own. A store that is mapped into memory is not: the system takes those
 * pages back when it needs them. BENCH_CLOCK_AHEAD: milliseconds by which its clock goes before everybody else's.
 */
const ahead = Number(process.env['BENCH_CLOCK_AHEAD'] ?? 0);
const { now } = Date;
Date.now = () => now() + ahead;

const began = performance.now();
const { url, close } = await serve(process.env);
const startedIn = performance.now() - began;

const lag = monitorEventLoopDelay({ resolution: 2 });
lag.enable();

/** Milliseconds of the processor's time that the main thread had in the longest turns of the event loop. */
let turns: number[] = [];
let used = process.threadCpuUsage();
/** Comes by once in every turn, and keeps the loop from waiting in none. */
function comeBy(): void {
  const { user, system } = process.threadCpuUsage(used);
  turns.push((user + system) / 1000);
  used = process.threadCpuUsage();
  setImmediate(comeBy).unref();
}
comeBy();

process.on('message', () => {
  const [, own] = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  const [turn, turnP99] = [turns.reduce((most, took) => Math.max(most, took), 0), percentile(turns, 0.99)];
  process.send!({
    lag: lag.max / 1e6,
    lagP99: lag.percentile(99) / 1e6,
    turn,
    turnP99,
    long: turns.filter((took) => took > 20).length,
    megabytes: Number(own) / 1024,
  });
  lag.reset();
  turns = [];
});
process.once('disconnect', () => void close().then(() => process.exit()));
process.send!({ url, startedIn });

function percentile(values: readonly number[], share: number): number {
  const inOrder = Float64Array.from(values).sort();
  return inOrder[Math.floor(share * (inOrder.length - 1))] ?? 0;
}
