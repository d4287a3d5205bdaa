import { useEffect } from 'preact/hooks';
import { Icon } from '../parts/icon.tsx';
import { say } from '../parts/toast.tsx';
import { t } from '../texts/index.ts';
import { api, isAway } from './api.ts';
import { away, comeBack } from './contact.ts';
import { useHeld } from './held.ts';

/** Milliseconds between two questions whether the server is back. */
const pause = 2000;

/** Says that the server does not answer, and asks until it does; then everything on the page is asked for again. */
export function Away() {
  const isGone = useHeld(away);
  useEffect(() => {
    if (!isGone) return;
    let timer: ReturnType<typeof setTimeout>;
    const look = () => {
      api.me().then(
        () => {
          away.set(false);
          say(t.shell.backAgain);
          comeBack();
        },
        (error: unknown) => {
          if (isAway(error)) timer = setTimeout(look, pause);
          else away.set(false);
        },
      );
    };
    timer = setTimeout(look, pause);
    return () => clearTimeout(timer);
  }, [isGone]);
  return (
    <div role="status" class="away">
      {isGone && (
        <p>
          <Icon name="away" />
          {t.shell.away}
        </p>
      )}
    </div>
  );
}
