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
  measure(row: Element | null): void;
  /** Keeps a row drawn, wherever one scrolls: the one that has the focus. */
  hold(index: number | undefined): void;
};

/** The rows of a long list that are near the window; the page itself scrolls. */
export function useRows({ count, height, margin }: Options): Rows {
  const [, redraw] = useState(0);
  const held = useMemo(() => ({ index: undefined as number | undefined }), []);
  const options = {
    count,
    scrollMargin: margin,
    overscan: 10,
    estimateSize: () => height,
    getScrollElement: () => window,
    observeElementRect: observeWindowRect,
    observeElementOffset: observeWindowOffset,
    scrollToFn: windowScroll,
    initialOffset: () => window.scrollY,
    initialRect: { width: window.innerWidth, height: window.innerHeight },
    rangeExtractor: (range: Parameters<typeof defaultRangeExtractor>[0]) => {
      const indexes = defaultRangeExtractor(range);
      const { index } = held;
      if (index === undefined || index >= count || indexes.includes(index)) return indexes;
      return [...indexes, index].sort((a, b) => a - b);
    },
    onChange: () => redraw((times) => times + 1),
  };
  const virtualizer = useMemo(() => new Virtualizer<Window, Element>(options), []);
  virtualizer.setOptions(options);
  useEffect(() => virtualizer._didMount(), [virtualizer]);
  useLayoutEffect(() => virtualizer._willUpdate());
  const items = virtualizer.getVirtualItems();
  const [first, last] = [items[0], items.at(-1)];
  return {
    items,
    before: first ? first.start - margin : 0,
    after: last ? virtualizer.getTotalSize() - (last.end - margin) : 0,
    measure: virtualizer.measureElement,
    hold(index) {
      held.index = index;
    },
  };
}
