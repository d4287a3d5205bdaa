import { readFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout } from 'node:timers/promises';
import { serve } from '../packages/curfew/src/start/serve.ts';

/*
 * `curfew serve`, configured by its environment, which reports how long its event loop was blocked since the last
 * question, how much of that was its own work, and its own memory, before and after garbage was collected. That excludes
 * a store that is mapped into memory, because the system reclaims those pages when it needs them. BENCH_CLOCK_AHEAD:
 * milliseconds by which its clock is ahead.
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

/** Megabytes of the process's own memory. */
function own(): number {
  const [, kilobytes] = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return Number(kilobytes) / 1024;
}

process.on('message', async () => {
  const [turn, turnP99] = [turns.reduce((most, took) => Math.max(most, took), 0), percentile(turns, 0.99)];
  const told = {
    lag: lag.max / 1e6,
    lagP99: lag.percentile(99) / 1e6,
    turn,
    turnP99,
    long: turns.filter((took) => took > 20).length,
    megabytes: own(),
  };
  // This kind also returns what V8 has reserved for new objects; how much that is depends on the machine's memory.
  globalThis.gc!({ type: 'major', flavor: 'last-resort', execution: 'sync' });
  // That was a long turn of the event loop, which does not count.
  await setTimeout(100);
  lag.reset();
  turns = [];
  process.send!({ ...told, kept: own() });
});
process.once('disconnect', () => void close().then(() => process.exit()));
process.send!({ url, startedIn });

function percentile(values: readonly number[], share: number): number {
  const inOrder = Float64Array.from(values).sort();
  return inOrder[Math.floor(share * (inOrder.length - 1))] ?? 0;
}
