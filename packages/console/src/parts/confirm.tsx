import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { CallOptions } from '../app/api.ts';
import { t } from '../texts/index.ts';
import { Button } from './button.tsx';
import { Dialog } from './dialog.tsx';
import { ChangeProblem } from './problem.tsx';
import { Ending, Said } from './receipt.tsx';
import { useStep } from './step.ts';

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
  const { busy, error, run } = useStep();
  const [shown, setShown] = useState<ComponentChildren>();
  const submit = async () => {
    const done = await run(step);
    if (!done) return;
    const after = outcome?.(done.result);
    if (after === undefined) onClose();
    else setShown(after);
  };
  return (
    <Dialog title={title} danger={danger && shown === undefined} firm={busy} onClose={onClose}>
      {shown === undefined && children}
      {error !== undefined && <ChangeProblem error={error} onLook={onClose} />}
      <Said>{shown ?? (busy && ends && <Ending />)}</Said>
      <footer>
        {shown !== undefined ? (
          <Button kind="main" onClick={onClose}>
            {t.common.close}
          </Button>
        ) : (
          <>
            <Button onClick={onClose} disabled={busy}>
              {t.common.cancel}
            </Button>
            <Button kind={danger ? 'danger' : 'main'} busy={busy} onClick={() => void submit()}>
              {action}
            </Button>
          </>
        )}
      </footer>
    </Dialog>
  );
}
