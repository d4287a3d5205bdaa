import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { act, Cancelled } from '../app/act.ts';
import type { CallOptions } from '../app/api.ts';
import { t } from '../texts/index.ts';
import { Button } from './button.tsx';
import { Dialog } from './dialog.tsx';
import { Problem } from './problem.tsx';
import { Ending } from './receipt.tsx';

type Props<Result> = {
  title: string;
  /** What will happen, with the exact number and who. */
  children: ComponentChildren;
  /** What the button does. */
  action: string;
  danger?: boolean | undefined;
  /** It may wait for applications to confirm. */
  ends?: boolean | undefined;
  step(options: CallOptions): Promise<Result>;
  /** What to show afterwards; if this is nothing, the dialog closes. */
  outcome?(result: Result): ComponentChildren;
  onClose(): void;
};

/** Asks, does the step, and shows what came of it. A step that failed loses nothing: it can be repeated or given up. */
export function Confirm<Result>({ title, children, action, danger, ends, step, outcome, onClose }: Props<Result>) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const [shown, setShown] = useState<ComponentChildren>();
  const run = async () => {
    setBusy(true);
    setError(undefined);
    try {
      const after = outcome?.(await act(step));
      if (after === undefined) onClose();
      else setShown(after);
    } catch (thrown) {
      if (!(thrown instanceof Cancelled)) setError(thrown);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} danger={danger && shown === undefined} firm={busy} onClose={onClose}>
      {shown ?? children}
      {error !== undefined && <Problem error={error} />}
      {busy && ends && <Ending />}
      <footer>
        {shown !== undefined ? (
          <Button kind="main" onClick={onClose}>
            {t.common.close}
          </Button>
        ) : (
          <>
            {!busy && <Button onClick={onClose}>{t.common.cancel}</Button>}
            <Button kind={danger ? 'danger' : 'main'} busy={busy} onClick={() => void run()}>
              {action}
            </Button>
          </>
        )}
      </footer>
    </Dialog>
  );
}
