import type { ComponentChildren, RefObject } from 'preact';
import { useEffect, useId, useLayoutEffect, useRef } from 'preact/hooks';
import { t } from '../texts/index.ts';
import { Button } from './button.tsx';

type Props = {
  title: string;
  /** It is open for as long as it is part of the page. Called for Escape, for its button, and for a way out of its own. */
  onClose(): void;
  children?: ComponentChildren;
  /** It must be answered: Escape does nothing. */
  firm?: boolean | undefined;
  wide?: boolean | undefined;
  /** For a step that cannot be taken back. */
  danger?: boolean | undefined;
};

/**
 * A native modal dialog: the browser keeps the focus inside, and gives it back when it closes. The first field or, with
 * none, the title has the focus.
 */
export function Dialog({ title, onClose, children, firm = false, wide, danger }: Props) {
  const name = useId();
  const dialog = useRef<HTMLDialogElement>(null);
  const modal = useModal(dialog, firm, onClose);
  useEffect(() => focusFirst(dialog.current!), []);
  // What had the focus may have been replaced, by the next step or by what came of it.
  useEffect(() => {
    if (document.activeElement === document.body) focusFirst(dialog.current!);
  });
  return (
    <dialog {...modal} class={`dialog${wide ? ' wide' : ''}${danger ? ' danger' : ''}`} aria-labelledby={name}>
      <header>
        <h2 id={name} tabIndex={-1}>
          {title}
        </h2>
        {!firm && (
          <Button kind="quiet" icon="close" bare onClick={onClose}>
            {t.common.close}
          </Button>
        )}
      </header>
      {children}
    </dialog>
  );
}

/** The browser's own choice would be the first control, which is the button that closes the dialog. */
function focusFirst(dialog: HTMLDialogElement): void {
  const first = dialog.querySelector<HTMLElement>('[data-first], input:not([type=hidden], [hidden]), select, textarea');
  (first ?? dialog.querySelector<HTMLElement>('h2'))?.focus();
}

/** The properties of a `<dialog>` that is open, and keeps everything else away, for as long as it is part of the page. */
export function useModal(dialog: RefObject<HTMLDialogElement | null>, firm: boolean, onClose: () => void) {
  const isOpen = useRef(false);
  // Before anything is painted; and closed before it is removed, so that the browser gives the focus back.
  useLayoutEffect(() => {
    const element = dialog.current!;
    const before = document.activeElement;
    element.showModal();
    isOpen.current = true;
    return () => {
      isOpen.current = false;
      element.close();
      // Who had the focus may be gone: then the content has it, and not nothing.
      if (before instanceof HTMLElement && !before.isConnected) document.querySelector<HTMLElement>('main')?.focus();
    };
  }, []);
  return {
    ref: dialog,
    closedby: firm ? 'none' : 'closerequest',
    onCancel(event: Event) {
      event.preventDefault();
      if (!firm) onClose();
    },
    // A browser without `closedby` closes a dialog at the second request, whatever was said to the first.
    onClose() {
      if (!isOpen.current) return;
      if (firm) dialog.current!.showModal();
      else onClose();
    },
  } as const;
}
