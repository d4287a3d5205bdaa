import type { ComponentChildren } from 'preact';
import type { CallOptions } from '../app/api.ts';
import { t } from '../texts/index.ts';
import { Button } from './button.tsx';
import { ChangeProblem } from './problem.tsx';
import { useStep } from './step.ts';

type Props<Result> = {
  children: ComponentChildren;
  /** What the button does. */
  action: string;
  /** Whether what was filled in can be sent; shows what is missing. */
  check(): boolean;
  step(options: CallOptions): Promise<Result>;
  onDone(result: Result): void;
  onCancel?: (() => void) | undefined;
};

/** Fields and a button. If the step fails, what was filled in stays. */
export function Form<Result>({ children, action, check, step, onDone, onCancel }: Props<Result>) {
  const { busy, error, run, clear } = useStep();
  const submit = async () => {
    clear();
    if (!check()) return;
    const done = await run(step);
    if (done) onDone(done.result);
  };
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        if (!busy) void submit();
      }}
    >
      {children}
      {error !== undefined && <ChangeProblem error={error} onLook={onCancel ?? clear} />}
      <footer>
        {onCancel && <Button onClick={onCancel}>{t.common.cancel}</Button>}
        <Button kind="main" type="submit" busy={busy}>
          {action}
        </Button>
      </footer>
    </form>
  );
}
