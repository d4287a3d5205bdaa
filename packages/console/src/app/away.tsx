import { useEffect, useState } from 'preact/hooks';
import { Icon } from '../parts/icon.tsx';
import { say } from '../parts/toast.tsx';
import { t } from '../texts/index.ts';
import { api, isAway } from './api.ts';
import { client } from './data.ts';

/** Milliseconds between two questions whether the server is back. */
const pause = 2000;

/** Says that the server does not answer, and asks until it does; then everything on the page is asked for again. */
export function Away() {
  const [away, setAway] = useState(false);
  useEffect(
    () =>
      client.getQueryCache().subscribe(({ query }) => {
        if (query.state.fetchFailureReason && isAway(query.state.fetchFailureReason)) setAway(true);
      }),
    [],
  );
  useEffect(() => {
    if (!away) return;
    let timer: ReturnType<typeof setTimeout>;
    const look = () => {
      api.me().then(
        () => {
          setAway(false);
          say(t.shell.backAgain);
          void client.invalidateQueries();
        },
        (error: unknown) => {
          if (isAway(error)) timer = setTimeout(look, pause);
          else setAway(false);
        },
      );
    };
    timer = setTimeout(look, pause);
    return () => clearTimeout(timer);
  }, [away]);
  return (
    <div role="status" class="away">
      {away && (
        <p>
          <Icon name="away" />
          {t.shell.away}
        </p>
      )}
    </div>
  );
}
