import { setImmediate } from 'node:timers/promises';

/** How many items are sorted or merged in one turn of the event loop, which takes about a millisecond. */
export const piece = 1000;

/** Sorts items of which there may be very many: pieces are sorted, then merged, and others have their turn in between. */
export async function sortInPieces<T>(items: readonly T[], order: (one: T, other: T) => number): Promise<T[]> {
  let runs: T[][] = [];
  for (let from = 0; from < items.length; from += piece) {
    if (from > 0) await setImmediate();
    runs.push(items.slice(from, from + piece).sort(order));
  }
  while (runs.length > 1) {
    const merged: T[][] = [];
    for (let i = 0; i < runs.length; i += 2) merged.push(await merge(runs[i]!, runs[i + 1] ?? [], order));
    runs = merged;
  }
  return runs[0] ?? [];
}

async function merge<T>(one: readonly T[], other: readonly T[], order: (one: T, other: T) => number): Promise<T[]> {
  const merged: T[] = [];
  let [i, j] = [0, 0];
  while (i < one.length || j < other.length) {
    if (merged.length % piece === 0) await setImmediate();
    const isFirst = j === other.length || (i < one.length && order(one[i]!, other[j]!) <= 0);
    merged.push(isFirst ? one[i++]! : other[j++]!);
  }
  return merged;
}
