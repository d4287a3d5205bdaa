import { useState } from 'preact/hooks';
import { act, Cancelled } from '../app/act.ts';
import type { CallOptions } from '../app/api.ts';
import type { Ended } from '../app/windows.ts';

export type Step = {
  busy: boolean;
  /** Why it failed the last time. */
  error: unknown;
  /**
   * Does it. Returns what came of it; `undefined` if it failed, or if the person closed the dialog that asked for a
   * code. Nothing that was filled in is lost.
   */
  run<Result>(
    step: (options: CallOptions) => Promise<Result>,
    ended?: (result: Result) => Ended | undefined,
  ): Promise<{ result: Result } | undefined>;
  /** Forgets the error. */
  clear(): void;
};

/** A step that changes something: whether it is on its way, and what went wrong. */
export function useStep(): Step {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  return {
    busy,
    error,
    clear: () => setError(undefined),
    async run(step, ended) {
      setBusy(true);
      setError(undefined);
      try {
        return { result: await act(step, ended) };
      } catch (thrown) {
        if (!(thrown instanceof Cancelled)) setError(thrown);
        return undefined;
      } finally {
        setBusy(false);
      }
    },
  };
}
