import { SingleBar } from 'cli-progress';
import type { Terminal } from './terminal.ts';

/** Work that takes longer than this shows its progress. */
const patience = 1000;

export type Progress = { update(done: number, total?: number): void; stop(): void };

/** A progress bar on standard error, once the work has taken over a second; nothing without a terminal. */
export function startProgress(terminal: Terminal, noun: string, total: number): Progress {
  if (terminal.json || process.stderr.isTTY !== true) return { update() {}, stop() {} };
  const began = Date.now();
  let bar: SingleBar | undefined;
  return {
    update(done, newTotal = total) {
      const took = Date.now() - began;
      const most = Math.max(newTotal, done);
      // Estimated from the start of the work: the bar itself appeared a second later.
      const left = done === 0 ? '…' : `${Math.ceil(((most - done) * took) / done / 1000)} s`;
      const told = { left, told: done.toLocaleString('en'), all: most.toLocaleString('en') };
      if (!bar && took >= patience) {
        bar = new SingleBar({
          format: `{bar} {percentage} %  {told} of {all} ${noun}  {left} left`,
          barCompleteChar: '█',
          barIncompleteChar: '░',
          barsize: 30,
          hideCursor: true,
          clearOnComplete: true,
          stream: process.stderr,
        });
        bar.start(most, done, told);
      }
      bar?.setTotal(most);
      bar?.update(done, told);
    },
    stop() {
      bar?.stop();
    },
  };
}
