import { InfiniteQueryObserver, keepPreviousData, type QueryKey } from '@tanstack/query-core';
import { useMemo } from 'preact/hooks';
import { type Asked, client, useObserver } from './data.ts';

export type Pages<Page> = Asked<readonly Page[]> & { hasMore: boolean; isFetchingMore: boolean; more(): void };

/**
 * A list that is read page by page when somebody asks for more, and again after a step that has changed something. For
 * lists of any length, which are read as one scrolls, see `list.ts`.
 */
export function usePages<Page extends { nextCursor?: string | undefined }>({
  key,
  ask,
  keep,
}: {
  key: QueryKey;
  ask(cursor: string | undefined, signal: AbortSignal): Promise<Page>;
  /** Show the answer to the previous question until this one's arrives. */
  keep?: boolean | undefined;
}): Pages<Page> {
  const options = client.defaultQueryOptions({
    queryKey: key,
    queryFn: ({ pageParam, signal }: { pageParam: unknown; signal: AbortSignal }) =>
      ask(pageParam as string | undefined, signal),
    initialPageParam: undefined,
    getNextPageParam: (last: Page) => last.nextCursor,
    // A list that is being read must not move by itself.
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnWindowFocus: false,
    ...(keep && { placeholderData: keepPreviousData }),
    // biome-ignore lint/suspicious/noExplicitAny: the library's types do not survive its own defaults.
  } as any);
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  const observer = useMemo(() => new InfiniteQueryObserver<any>(client, options as any), []);
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  const result = useObserver(observer as any, options);
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
