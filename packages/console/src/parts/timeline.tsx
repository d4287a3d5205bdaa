import type { Event } from 'curfew-client';
import { useEffect } from 'preact/hooks';
import { api, isLostPlace } from '../app/api.ts';
import { useList } from '../app/list.ts';
import { useNames } from '../app/names.ts';
import { t } from '../texts/index.ts';
import { Button } from './button.tsx';
import { Problem } from './problem.tsx';
import { Loading } from './states.tsx';
import { actorText, reasonText, Time } from './things.tsx';

type Filters = { session?: string; user?: string };

/** How many events are shown at first, and how many more at a time. */
const shown = 20;

/** The text for a type of event; for one that is newer than this page, its own name. */
export const eventText = ({ type }: Pick<Event, 'type'>): string => t.session.events.types[type] ?? type;

/** What happened to a session or a user, newest first. */
export function Timeline({ filters }: { filters: Filters }) {
  const list = useList<Event>(JSON.stringify(filters), async (cursor, signal) => {
    const page = await api.listEvents({ ...filters, limit: shown, cursor }, { signal });
    return { ...page, rows: page.events };
  });
  // A search that was cut short goes on by itself until there is something to show.
  const goesOn = list.partial && list.hasMore && list.count < shown && list.error === undefined;
  useEffect(() => {
    if (goesOn) list.more();
  }, [goesOn, list.isFetching]);
  const events = [...list.rows()];
  const actors = events.flatMap(({ by }) => (by.startsWith('user:') ? [by.slice('user:'.length)] : []));
  const named = useNames(actors);
  if (list.error !== undefined && list.isPending) return <Problem error={list.error} onAgain={list.again} />;
  if (list.isPending) return <Loading lines={2} />;
  if (events.length === 0 && !list.hasMore) return <p class="dim">{t.session.events.none}</p>;
  return (
    <>
      <ol class="timeline">
        {events.map((event) => (
          <li key={event.sequence}>
            <p>
              <strong>{eventText(event)}</strong>
              {event.reason && `: ${reasonText(event.reason)}`}
            </p>
            <p class="dim">
              <Time at={event.at} /> <bdi>{t.session.events.by(actorText(event.by, named))}</bdi>
            </p>
          </li>
        ))}
      </ol>
      {list.error !== undefined && (
        <Problem error={list.error} onAgain={isLostPlace(list.error) ? list.again : list.more} />
      )}
      {list.hasMore && list.error === undefined && (
        <Button busy={list.isFetching} onClick={list.more}>
          {t.session.events.more}
        </Button>
      )}
    </>
  );
}
