import type { Session } from 'curfew-client';
import { useEffect, useRef } from 'preact/hooks';
import type { List } from '../app/list.ts';
import { changedElsewhere, type Ended } from '../app/windows.ts';

/** Marks in a list what is ended in another window of this browser. */
export function useEndedElsewhere(list: List<Session>): void {
  const shown = useRef(list);
  shown.current = list;
  useEffect(
    () =>
      changedElsewhere.follow(() => {
        const ended = changedElsewhere.get()?.ended;
        if (!ended) return;
        shown.current.change((session) => (isAmong(session, ended) ? { ...session, status: 'ended' } : session));
      }),
    [],
  );
}

function isAmong({ id, userId }: Session, ended: Ended): boolean {
  return 'ids' in ended ? ended.ids.includes(id) : ended.user === userId && ended.except !== id;
}
