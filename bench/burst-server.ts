import { readFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { serve } from '../packages/curfew/src/serve.ts';

/*
 * `curfew serve`, by its environment, that tells how long its event loop stood still since it was last asked, and what
 * memory is its own. A store that is mapped into memory is not: the system takes those pages back when it needs them.
 */
const { url, close } = await serve(process.env);
const lag = monitorEventLoopDelay({ resolution: 2 });
lag.enable();

process.on('message', () => {
  const [, own] = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  process.send!({ lag: lag.max / 1e6, lagP99: lag.percentile(99) / 1e6, megabytes: Number(own) / 1024 });
  lag.reset();
});
process.once('disconnect', () => void close().then(() => process.exit()));
process.send!({ url });
