import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { t } from '../texts/index.ts';

/** Somebody has gone to another screen, and its title has not had the focus yet. */
let arriving = false;
/** A title was shown before: if nothing has the focus now, what had it went away. */
let wasThere = false;

/** Called when somebody goes to another screen; not at the start, when the browser decides what has the focus. */
export function arrive(): void {
  arriving = true;
}

/**
 * For the title of a screen. Who cannot see the change of screens hears it, and goes on from there; it is the title of the
 * window as well.
 */
export function useHeading() {
  const heading = useRef<HTMLHeadingElement>(null);
  useLayoutEffect(() => {
    const lost = wasThere && document.activeElement === document.body;
    if ((arriving || lost) && !document.querySelector('dialog[open]')) heading.current?.focus();
    arriving = false;
    wasThere = true;
  }, []);
  useEffect(() => {
    document.title = [heading.current?.textContent, t.shell.product].filter(Boolean).join(' · ');
  });
  return heading;
}
