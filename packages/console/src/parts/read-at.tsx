import type { List } from '../app/list.ts';
import { shortTime } from '../texts/forms.ts';
import { t } from '../texts/index.ts';
import { Button } from './button.tsx';

/** When a list was read: it does not change by itself. */
export function ReadAt({ list }: { list: List<unknown> }) {
  return (
    <>
      <span class="dim">{t.sessions.readAt(shortTime(list.readAt))}</span>
      {list.isChanged && <span class="changed"> {t.sessions.changedElsewhere}</span>}
    </>
  );
}

export function ReadAgain({ list }: { list: List<unknown> }) {
  return (
    <Button kind="quiet" icon="again" busy={list.isOld} onClick={list.again}>
      {t.sessions.again}
    </Button>
  );
}
