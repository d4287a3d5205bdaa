import {
  defaultRangeExtractor,
  observeWindowOffset,
  observeWindowRect,
  type VirtualItem,
  Virtualizer,
  windowScroll,
} from '@tanstack/virtual-core';
import { useEffect, useLayoutEffect, useMemo, useState } from 'preact/hooks';

type Options = {
  count: number;
  /** Pixels that a row is assumed to be high until it was measured. */
  height: number;
  /** Pixels from the top of the page to the first row. */
  margin: number;
};

export type Rows = {
  items: readonly VirtualItem[];
  /** Pixels before the first drawn row, and after the last one. */
  before: number;
  after: number;
  isScrolling: boolean;
  measure(row: Element | null): void;
  /** Keeps a row drawn, wherever one scrolls: the one that has the focus. */
  hold(index: number | undefined): void;
};

/** Rows are passed over, and taken back, so many at a time. */
const step = 1000;
/** How many rows before the window are not passed over. */
const near = 2000;
/** Pixels before the window of which rows are taken back. */
const soon = 20_000;

/**
 * The rows far before the window. The virtualizer keeps numbers of each row that it knows, and goes through all of them
 * whenever a page arrives; so it does not know these, and memory and time do not grow with the list.
 */
class PassedOver {
  /** How many there are, and how high they are together, in pixels. */
  count = 0;
  height = 0;
  /** How high the rows before every {@link step}th one are together. */
  readonly #heights: number[] = [0];
  /** The virtualizer takes over changed numbers of rows when this is another function. */
  keyOf: (index: number) => number = (index) => index;

  /**
   * Follows the window; returns whether it has changed. `at`: pixels before the window. `heightBefore`: pixels before a
   * row that the virtualizer knows. `held`: a row that must stay known.
   */
  follow(at: number, heightBefore: (row: number) => number | undefined, held: number | undefined): boolean {
    const before = this.count;
    for (;;) {
      const next = this.count + step;
      const isFar = (heightBefore(next + near) ?? Infinity) <= at && (held === undefined || held >= next);
      if (!isFar) break;
      this.#heights[next / step] = heightBefore(next)!;
      this.#set(next);
    }
    while (this.count > 0 && at < this.height + soon) this.#set(this.count - step);
    return this.count !== before;
  }

  reset(): void {
    this.#set(0);
  }

  #set(count: number): void {
    this.count = count;
    this.height = this.#heights[count / step]!;
    this.keyOf = (index) => count + index;
  }
}

/** The rows of a long list that are near the window; the page itself scrolls. */
export function useRows({ count, height, margin }: Options): Rows {
  const [, redraw] = useState(0);
  // First only what is seen, so that it is seen soon.
  const [overscan, setOverscan] = useState(0);
  useEffect(() => {
    if (count > 0) setOverscan(10);
  }, [count > 0]);
  const held = useMemo(() => ({ index: undefined as number | undefined }), []);
  const passed = useMemo(() => new PassedOver(), []);
  // It is another list, which is shorter.
  if (passed.count >= count) passed.reset();
  const options = {
    count: count - passed.count,
    getItemKey: passed.keyOf,
    scrollMargin: margin + passed.height,
    overscan,
    estimateSize: () => height,
    getScrollElement: () => window,
    observeElementRect: observeWindowRect,
    observeElementOffset: observeWindowOffset,
    scrollToFn: windowScroll,
    initialOffset: () => window.scrollY,
    initialRect: { width: window.innerWidth, height: window.innerHeight },
    rangeExtractor: (range: Parameters<typeof defaultRangeExtractor>[0]) => {
      const indexes = defaultRangeExtractor(range);
      const index = held.index === undefined ? -1 : held.index - passed.count;
      if (index < 0 || index >= count - passed.count || indexes.includes(index)) return indexes;
      return [...indexes, index].sort((a, b) => a - b);
    },
    onChange: () => redraw((times) => times + 1),
  };
  const virtualizer = useMemo(() => new Virtualizer<Window, Element>(options), []);
  virtualizer.setOptions(options);
  useEffect(() => virtualizer._didMount(), [virtualizer]);
  virtualizer.indexFromElement = (row) => Number(row.getAttribute('data-index')) - passed.count;
  useLayoutEffect(() => {
    virtualizer._willUpdate();
    const { count: first } = passed;
    const heightBefore = (row: number) => {
      const known = virtualizer.measurementsCache[row - first];
      return known && known.start - margin;
    };
    if (!passed.follow((virtualizer.scrollOffset ?? 0) - margin, heightBefore, held.index)) return;
    for (const key of virtualizer.itemSizeCache.keys()) {
      if ((key as number) < passed.count) virtualizer.itemSizeCache.delete(key);
    }
    redraw((times) => times + 1);
  });
  const items = virtualizer.getVirtualItems().map((item) => ({ ...item, index: item.index + passed.count }));
  const [first, last] = [items[0], items.at(-1)];
  return {
    items,
    before: first ? first.start - margin : 0,
    after: last ? virtualizer.getTotalSize() + passed.height - (last.end - margin) : 0,
    isScrolling: virtualizer.isScrolling,
    measure: virtualizer.measureElement,
    hold(index) {
      held.index = index;
    },
  };
}
