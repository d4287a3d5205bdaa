import type { Session } from 'curfew-client';
import { useState } from 'preact/hooks';

/** Which sessions of a list are chosen: some of them, or all that match except some. */
export type Selection = {
  /** `all`: those that match, also those that have not been read, except `others`. `some`: `others`. */
  mode: 'all' | 'some';
  /** Some are chosen, but not all. */
  isPartial: boolean;
  others: ReadonlyMap<string, Session>;
  isEmpty: boolean;
  has(id: string): boolean;
  set(session: Session, chosen: boolean): void;
  setAll(all: boolean): void;
  clear(): void;
};

export function useSelection(): Selection {
  const [all, setAll] = useState(false);
  const [others, setOthers] = useState<ReadonlyMap<string, Session>>(new Map());
  const reset = (to: boolean) => {
    setAll(to);
    setOthers(new Map());
  };
  return {
    mode: all ? 'all' : 'some',
    isPartial: others.size > 0,
    others,
    isEmpty: !all && others.size === 0,
    has: (id) => others.has(id) !== all,
    set(session, chosen) {
      const next = new Map(others);
      if (chosen !== all) next.set(session.id, session);
      else next.delete(session.id);
      setOthers(next);
    },
    setAll: reset,
    clear: () => reset(false),
  };
}
