import type { ComponentChildren } from 'preact';
import { useEffect, useId, useLayoutEffect, useRef } from 'preact/hooks';
import { t } from '../texts/index.ts';
import { Button } from './button.tsx';

type Props = {
  title: string;
  /** It is open for as long as it is part of the page. Called for Escape, for its button, and for a way out of its own. */
  onClose(): void;
  children: ComponentChildren;
  /** It must be answered: Escape and a click beside it do nothing. */
  firm?: boolean | undefined;
  wide?: boolean | undefined;
  /** For a step that cannot be taken back. */
  danger?: boolean | undefined;
};

/**
 * A native modal dialog: the browser keeps the focus inside, and gives it back when it closes. The first field or, with
 * none, the title has the focus.
 */
export function Dialog({ title, onClose, children, firm, wide, danger }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const name = useId();
  // Before anything is painted; and closed before it is removed, so that the browser gives the focus back.
  useLayoutEffect(() => {
    const element = dialog.current!;
    const before = document.activeElement;
    element.showModal();
    return () => {
      element.close();
      // Who had the focus may be gone: then the content has it, and not nothing.
      if (before instanceof HTMLElement && !before.isConnected) document.querySelector<HTMLElement>('main')?.focus();
    };
  }, []);
  useEffect(() => {
    const element = dialog.current!;
    const first = element.querySelector<HTMLElement>('[data-first], input:not([type=hidden]), select, textarea');
    (first ?? element.querySelector<HTMLElement>('h2'))?.focus();
  }, []);
  return (
    <dialog
      ref={dialog}
      class={`dialog${wide ? ' wide' : ''}${danger ? ' danger' : ''}`}
      aria-labelledby={name}
      onCancel={(event) => {
        event.preventDefault();
        if (!firm) onClose();
      }}
    >
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
