import type { Event } from 'curfew-client';
import { useEffect, useState } from 'preact/hooks';
import { urlOf } from '../../app/api.ts';
import { client } from '../../app/data.ts';
import { t } from '../../texts/index.ts';

/** Events that are missing between two others. */
export type Gap = { after: number; before: number; reason: 'no_longer_kept' | 'store_replaced' };

export type Live = {
  /** Newest first: what has come since the stream was opened, or since it was last taken. */
  news: readonly (Event | Gap)[];
  take(): void;
  /** `waiting`: for the first connection; `away`: it broke, and is tried again. */
  state: 'waiting' | 'open' | 'away';
  /** How often the stream was opened anew, without continuing where it was: then the list must be read again. */
  opened: number;
};

/** Milliseconds until a stream is tried again that the server has refused. */
const pause = 5000;

/** Follows the events that match, from when the stream is open. */
export function useLive(query: Readonly<Record<string, string | undefined>>, on: boolean): Live {
  const [news, setNews] = useState<readonly (Event | Gap)[]>([]);
  const [state, setState] = useState<Live['state']>('waiting');
  const [opened, setOpened] = useState(0);
  const given = Object.entries(query).filter((entry): entry is [string, string] => !!entry[1]);
  const search = new URLSearchParams(given).toString();
  useEffect(() => {
    setNews([]);
    setState('waiting');
    if (!on) return;
    let source: EventSource;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const open = () => {
      source = new EventSource(urlOf(`v1/events${search && `?${search}`}`));
      let first = true;
      source.onopen = () => {
        setState('open');
        // The browser itself continues where it was when a connection breaks.
        if (first) setOpened((times) => times + 1);
        first = false;
      };
      source.onerror = () => {
        setState('away');
        if (source.readyState !== EventSource.CLOSED) return;
        // Refused: the session may have ended, which the next question finds out.
        void client.invalidateQueries({ queryKey: ['events'] });
        timer = setTimeout(open, pause);
      };
      const add = ({ data }: MessageEvent<string>) => setNews((before) => [JSON.parse(data), ...before]);
      for (const type of ['gap', ...Object.keys(t.audit.types)]) source.addEventListener(type, add);
    };
    open();
    return () => {
      clearTimeout(timer);
      source.close();
    };
  }, [search, on]);
  return { news, take: () => setNews([]), state, opened };
}
