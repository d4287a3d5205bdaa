import { SingleBar } from 'cli-progress';
import type { Terminal } from './terminal.ts';

/** Work that takes longer than this shows how far it is. */
const patience = 1000;

export type Progress = { update(done: number, total?: number): void; stop(): void };

/** A bar on standard error, once the work has taken over a second; nothing where nobody looks. */
export function startProgress(terminal: Terminal, noun: string, total: number): Progress {
  if (terminal.json || process.stderr.isTTY !== true) return { update() {}, stop() {} };
  const began = Date.now();
  let bar: SingleBar | undefined;
  return {
    update(done, newTotal = total) {
      if (!bar && Date.now() - began >= patience) {
        bar = new SingleBar({
          format: `{bar} {percentage} %  {value} of {total} ${noun}  {eta_formatted} left`,
          barCompleteChar: '█',
          barIncompleteChar: '░',
          barsize: 30,
          hideCursor: true,
          clearOnComplete: true,
          stream: process.stderr,
        });
        bar.start(newTotal, done);
      }
      bar?.setTotal(Math.max(newTotal, done));
      bar?.update(done);
    },
    stop() {
      bar?.stop();
    },
  };
}
