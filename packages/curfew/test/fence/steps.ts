import type { Timing } from 'curfew-client/fence';

/** A clock that a test moves, and the work that is due on it. */
export function steps(): { timing: Timing; move(to: number): void; stand(to: number): void } {
  let now = 0;
  const due: { at: number; work: () => void }[] = [];
  return {
    timing: {
      mono: () => now,
      wall: () => now,
      after(milliseconds: number, work: () => void) {
        const entry = { at: now + milliseconds, work };
        due.push(entry);
        return () => {
          const place = due.indexOf(entry);
          if (place >= 0) due.splice(place, 1);
        };
      },
    },
    move(to: number) {
      for (;;) {
        const next = due.filter(({ at }) => at <= to).sort((a, b) => a.at - b.at)[0];
        if (!next) break;
        due.splice(due.indexOf(next), 1);
        now = next.at;
        next.work();
      }
      now = to;
    },
    /** Moves the time without doing what is due: as for a process that was stopped, and receives answers first. */
    stand(to: number) {
      now = to;
    },
  };
}
