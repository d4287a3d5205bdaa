/** Something that is done and timed: one of the cases that must take equally long. */
export type Case = { name: string; attempt(): Promise<void> };

export type Comparison = {
  /** How many times each case was tried. */
  rounds: number;
  /** Of each case: its median in milliseconds, and by how much it differs from what is usual, as a part of that. */
  cases: { name: string; median: number; difference: number }[];
};

/**
 * Times some cases in turn, so that whatever else the machine does falls upon all alike. In each round the cases come
 * in another order, and a case is compared with the round's own median: what is slow for minutes cancels out. Of these
 * differences the median counts, which a few that were interrupted do not move.
 *
 * A noisy machine may need more rounds to see that nothing differs; what does differ stays different, however many
 * there are. So it goes on, up to `most` rounds, until every case is within `bound`.
 */
export async function compare(
  cases: readonly Case[],
  { least, most, bound }: { least: number; most: number; bound: number },
): Promise<Comparison> {
  for (const { attempt } of cases) await attempt();
  const times = cases.map((): number[] => []);
  for (;;) {
    const round = new Array<number>(cases.length);
    for (const index of shuffled(cases.length)) {
      const began = performance.now();
      await cases[index]!.attempt();
      round[index] = performance.now() - began;
    }
    for (const [index, time] of round.entries()) times[index]!.push(time);
    const rounds = times[0]!.length;
    if (rounds < least) continue;
    const result = summary(cases, times);
    if (rounds >= most || result.cases.every(({ difference }) => Math.abs(difference) <= bound)) return result;
  }
}

function summary(cases: readonly Case[], times: readonly number[][]): Comparison {
  const rounds = times[0]!.length;
  const middles = Array.from({ length: rounds }, (_, i) => median(times.map((of) => of[i]!)));
  return {
    rounds,
    cases: cases.map(({ name }, index) => ({
      name,
      median: median(times[index]!),
      difference: median(times[index]!.map((time, i) => (time - middles[i]!) / middles[i]!)),
    })),
  };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const last = sorted.length - 1;
  return (sorted[Math.floor(last / 2)]! + sorted[Math.ceil(last / 2)]!) / 2;
}

function shuffled(length: number): number[] {
  const order = Array.from({ length }, (_, i) => i);
  for (let i = length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}
