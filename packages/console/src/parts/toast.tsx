import { useEffect } from 'preact/hooks';
import { held, useHeld } from '../app/held.ts';
import { t } from '../texts/index.ts';
import { Button } from './button.tsx';

type Message = { text: string; kind: 'done' | 'wrong' };

const shown = held<Message | undefined>(undefined);

/** Milliseconds for which a message that needs no answer is shown; one about something wrong stays. */
const shownFor = 6000;

/** Says something in passing, for instance that a text was copied. What matters is not said like this. */
export const say = (text: string, kind: Message['kind'] = 'done'): void => shown.set({ text, kind });

export function Toast() {
  const message = useHeld(shown);
  useEffect(() => {
    if (message?.kind !== 'done') return;
    const timer = setTimeout(() => shown.set(undefined), shownFor);
    return () => clearTimeout(timer);
  }, [message]);
  return (
    <div class="toasts" role="status">
      {message && (
        <p class={`toast ${message.kind}`}>
          {message.text}
          <Button kind="quiet" icon="close" bare onClick={() => shown.set(undefined)}>
            {t.common.close}
          </Button>
        </p>
      )}
    </div>
  );
}
