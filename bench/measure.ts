/** One row of the table. */
export type Row = {
  what: string;
  against: string;
  /** The result, as it is printed. */
  reached: string;
  /** The target, as it is printed. */
  target: string;
  met: boolean;
};

/** The median of several measurements: a single one that a busy machine spoilt has no effect. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

/** The value that a given share of them does not exceed: 0.99 for the p99. */
export function at(values: readonly number[], share: number): number {
  return [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))]!;
}

/** Milliseconds that a piece of work took. */
export async function timeOf(work: () => Promise<unknown> | unknown): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

/** Calls per second, with a given number in flight. */
export async function rateOf(count: number, inFlight: number, call: (i: number) => Promise<unknown>): Promise<number> {
  let next = 0;
  const worker = async () => {
    while (next < count) await call(next++);
  };
  const took = await timeOf(() => Promise.all(Array.from({ length: inFlight }, worker)));
  return (count / took) * 1000;
}

/**
 * Measures ours against theirs, alternately, so that both run under the same conditions: the median of the rounds'
 * ratios, and both medians.
 */
export async function duel(
  rounds: number,
  ours: (round: number) => Promise<number>,
  theirs: (round: number) => Promise<number>,
): Promise<{ ratio: number; ours: number; theirs: number }> {
  const [mine, other, ratios]: [number[], number[], number[]] = [[], [], []];
  for (let round = 0; round < rounds; round++) {
    // The side that begins alternates as well.
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

/**
 * The same work in a store with very many sessions and in one with few, by what it is: it may take half as long again.
 * `prefix` names the store.
 */
export async function sizeRows<Place>(
  { prefix, large, small, rounds }: { prefix: string; large: number; small: number; rounds: number },
  { many, few }: { many: Place; few: Place },
  works: Readonly<Record<string, (place: Place) => () => Promise<number>>>,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [what, work] of Object.entries(works)) {
    const [ours, theirs] = [work(many), work(few)];
    await ours();
    await theirs();
    const { ratio } = await duel(rounds, ours, theirs);
    rows.push({
      what: `${prefix}${what} at ${large.toLocaleString('en')} sessions`,
      against: `at ${small.toLocaleString('en')}`,
      reached: times(ratio),
      ...atMost(1.5, ratio),
    });
  }
  return rows;
}

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
