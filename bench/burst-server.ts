import { readFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { serve } from '../packages/curfew/src/start/serve.ts';

/*
 * `curfew serve`, configured by its environment, which reports how long its event loop was blocked since the last
 * question, how much of that was its own work, and its own memory. That excludes a store that is mapped into memory,
 * because the system reclaims those pages when it needs them. BENCH_CLOCK_AHEAD: milliseconds by which its clock is
 * ahead.
 */
const ahead = Number(process.env['BENCH_CLOCK_AHEAD'] ?? 0);
const { now } = Date;
Date.now = () => now() + ahead;

const began = performance.now();
const { url, close } = await serve(process.env);
const startedIn = performance.now() - began;

const lag = monitorEventLoopDelay({ resolution: 2 });
lag.enable();

/** Milliseconds of processor time that the main thread used in each turn of the event loop. */
let turns: number[] = [];
let used = process.threadCpuUsage();
/** Runs once in every turn of the event loop, without keeping the loop from waiting. */
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
