/** Something to time: one of the cases that must take the same time. */
export type Case = { name: string; attempt(): Promise<void> };

export type Comparison = {
  /** How many times each case was tried. */
  rounds: number;
  /** For each case: its median in milliseconds, and its relative difference from the usual time. */
  cases: { name: string; median: number; difference: number }[];
};

/**
 * Times the cases in turn, so that everything else on the machine affects all of them alike. Each round has the cases
 * in another order, and compares each with the round's own median, so that slowness for minutes cancels out. The result
 * is the median of these differences, which a few interrupted runs do not move.
 *
 * A noisy machine may need more rounds to show that nothing differs; a real difference remains, however many rounds
 * there are. The measurement therefore continues, up to `most` rounds, until every case is within `bound`.
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
