/** What one row of the table says. */
export type Row = {
  what: string;
  against: string;
  /** What was reached, as it is printed. */
  reached: string;
  /** What is to be reached, as it is printed. */
  target: string;
  met: boolean;
};

/** The middle of several measurements: one that a busy machine spoilt does not count. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

/** The value that such a share of them does not exceed: 0.99 for the p99. */
export function at(values: readonly number[], share: number): number {
  return [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))]!;
}

/** Milliseconds that a piece of work took. */
export async function timeOf(work: () => Promise<unknown> | unknown): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

/** Calls a second, with so many in flight. */
export async function rateOf(count: number, inFlight: number, call: (i: number) => Promise<unknown>): Promise<number> {
  let next = 0;
  const worker = async () => {
    while (next < count) await call(next++);
  };
  const took = await timeOf(() => Promise.all(Array.from({ length: inFlight }, worker)));
  return (count / took) * 1000;
}

/**
 * Ours against theirs, in turns, so that both meet the same machine: the median of each round's ratio, and both
 * medians.
 */
export async function duel(
  rounds: number,
  ours: (round: number) => Promise<number>,
  theirs: (round: number) => Promise<number>,
): Promise<{ ratio: number; ours: number; theirs: number }> {
  const [mine, other, ratios]: [number[], number[], number[]] = [[], [], []];
  for (let round = 0; round < rounds; round++) {
    // Who begins takes turns as well.
    const first = round % 2 === 0;
    const a = first ? await ours(round) : undefined;
    const b = await theirs(round);
    const c = a ?? (await ours(round));
    mine.push(c);
    other.push(b);
    ratios.push(c / b);
  }
  return { ratio: median(ratios), ours: median(mine), theirs: median(other) };
}

export function atMost(limit: number, value: number): { met: boolean; target: string } {
  return { met: value <= limit, target: `≤ ${limit} ×` };
}

export function atLeast(limit: number, value: number): { met: boolean; target: string } {
  return { met: value >= limit, target: `≥ ${limit} of its rate` };
}

export const times = (value: number): string => `${value.toFixed(2)} ×`;
export const perSecond = (value: number): string => `${Math.round(value).toLocaleString('en')}/s`;

export function printTable(rows: readonly Row[]): void {
  const head = ['what', 'against', 'reached', 'to reach', ''];
  const cells = [
    head,
    ...rows.map(({ what, against, reached, target, met }) => [what, against, reached, target, met ? 'met' : 'MISSED']),
  ];
  const widths = head.map((_, i) => Math.max(...cells.map((row) => row[i]!.length)));
  const line = (row: readonly string[]) => `| ${row.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`;
  console.log(line(cells[0]!));
  console.log(line(widths.map((width) => '-'.repeat(width))));
  for (const row of cells.slice(1)) console.log(line(row));
}
