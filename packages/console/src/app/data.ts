import {
  InfiniteQueryObserver,
  keepPreviousData,
  QueryCache,
  QueryClient,
  type QueryKey,
  QueryObserver,
} from '@tanstack/query-core';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { isAway, isSignedOut } from './api.ts';
import { noteSignedOut } from './who.ts';

/*
 * What the server said, kept by question (TanStack Query): an answer belongs to its question, so one that arrives late
 * is never shown as the answer to a newer one.
 */

export const client = new QueryClient({
  queryCache: new QueryCache({
    onError(error) {
      if (isSignedOut(error)) noteSignedOut(error);
    },
  }),
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      refetchOnWindowFocus: true,
      retry: (times, error) => times < 2 && isAway(error),
      retryDelay: (times) => 500 * 2 ** times,
      // The browser's idea of being online is wrong for a server on this machine.
      networkMode: 'always',
    },
  },
});
client.mount();

export type Asked<Data> = {
  data: Data | undefined;
  error: unknown;
  /** There is nothing to show yet. */
  isPending: boolean;
  /** A newer answer is on its way. */
  isFetching: boolean;
  /** What is shown is the answer to the previous question. */
  isOld: boolean;
  again(): void;
};

export type Question<Data> = {
  key: QueryKey;
  ask(signal: AbortSignal): Promise<Data>;
  /** Not asked while false. */
  when?: boolean | undefined;
  /** Asked again every so many milliseconds while the page is visible. */
  every?: number | undefined;
  /** Show the answer to the previous question until this one's arrives. */
  keep?: boolean | undefined;
};

export function useAsked<Data>({ key, ask, when = true, every, keep }: Question<Data>): Asked<Data> {
  const options = client.defaultQueryOptions({
    queryKey: key,
    queryFn: ({ signal }: { signal: AbortSignal }) => ask(signal),
    enabled: when,
    refetchInterval: every ?? (false as const),
    ...(keep && { placeholderData: keepPreviousData }),
  });
  // biome-ignore lint/suspicious/noExplicitAny: the library's types do not survive its own defaults.
  const observer = useMemo(() => new QueryObserver<any>(client, options as any), []);
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  const result = useObserver(observer as any, options);
  return {
    data: result.data as Data | undefined,
    error: result.error,
    isPending: result.isPending,
    isFetching: result.isFetching,
    isOld: result.isPlaceholderData,
    again: () => void observer.refetch(),
  };
}

export type Pages<Page> = Asked<readonly Page[]> & { hasMore: boolean; isFetchingMore: boolean; more(): void };

/** A list that is read page by page, as far as somebody has scrolled. */
export function usePages<Page extends { nextCursor?: string | undefined }>({
  key,
  ask,
  when = true,
  keep,
}: {
  key: QueryKey;
  ask(cursor: string | undefined, signal: AbortSignal): Promise<Page>;
  when?: boolean | undefined;
  keep?: boolean | undefined;
}): Pages<Page> {
  const options = client.defaultQueryOptions({
    queryKey: key,
    queryFn: ({ pageParam, signal }: { pageParam: unknown; signal: AbortSignal }) =>
      ask(pageParam as string | undefined, signal),
    enabled: when,
    initialPageParam: undefined,
    getNextPageParam: (last: Page) => last.nextCursor,
    // A list that is being read must not move: it is read again when somebody asks for that.
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnWindowFocus: false,
    ...(keep && { placeholderData: keepPreviousData }),
    // biome-ignore lint/suspicious/noExplicitAny: the library's types do not survive its own defaults.
  } as any);
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  const observer = useMemo(() => new InfiniteQueryObserver<any>(client, options as any), []);
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  const result = useObserver(observer as any, options) as any;
  return {
    data: result.data?.pages as readonly Page[] | undefined,
    error: result.error,
    isPending: result.isPending,
    isFetching: result.isFetching,
    isOld: result.isPlaceholderData,
    again: () => void observer.refetch(),
    hasMore: result.hasNextPage,
    isFetchingMore: result.isFetchingNextPage,
    more: () => void observer.fetchNextPage({ cancelRefetch: false }),
  };
}

type AnyObserver = {
  setOptions(options: unknown): void;
  // biome-ignore lint/suspicious/noExplicitAny: the results differ by observer.
  getOptimisticResult(options: unknown): any;
  subscribe(changed: () => void): () => void;
};

function useObserver(observer: AnyObserver, options: unknown) {
  const [, redraw] = useState(0);
  const result = observer.getOptimisticResult(options);
  useEffect(() => observer.setOptions(options), [observer, options]);
  useEffect(() => observer.subscribe(() => redraw((times) => times + 1)), [observer]);
  return result;
}
