import { keepPreviousData, QueryCache, QueryClient, type QueryKey, QueryObserver } from '@tanstack/query-core';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { isAway } from './api.ts';
import { comebacks, noteError, rereads } from './contact.ts';

/*
 * What the server said, kept by question (TanStack Query): an answer belongs to its question, so one that arrives late
 * is never shown as the answer to a newer one.
 */

export const client = new QueryClient({
  queryCache: new QueryCache({ onError: noteError }),
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
for (const reason of [comebacks, rereads]) reason.follow(() => void client.invalidateQueries());

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

type AnyObserver = {
  setOptions(options: unknown): void;
  // biome-ignore lint/suspicious/noExplicitAny: the results differ by observer.
  getOptimisticResult(options: unknown): any;
  subscribe(changed: () => void): () => void;
};

/** What an observer of the library sees, drawn anew whenever that changes. */
export function useObserver(observer: AnyObserver, options: unknown) {
  const [, redraw] = useState(0);
  const result = observer.getOptimisticResult(options);
  useEffect(() => observer.setOptions(options), [observer, options]);
  useEffect(() => observer.subscribe(() => redraw((times) => times + 1)), [observer]);
  return result;
}
