import { type CallOptions, type CurfewApiError, isApiError } from './api.ts';
import { noteError } from './contact.ts';
import { client } from './data.ts';
import { held } from './held.ts';
import { type Ended, tellOthers } from './windows.ts';

/** Somebody closed the dialog that asked for a code: the step was given up. */
export class Cancelled extends Error {}

/** What the dialog for a code is told, and how it answers. */
export type Question = {
  /** Why a code is needed, or what was wrong with the last one. */
  why: CurfewApiError;
  /** A code to send with the step; `undefined` if the step may be tried again as it is. */
  answer(code: string | undefined): void;
  cancel(): void;
};

/** What is being asked, the newest last: a step that is part of answering one question may need an answer of its own. */
export const questions = held<readonly Question[]>([]);

/**
 * Does a step that changes something. If the server wants a second factor or a fresh sign-in, the person is asked in
 * place and the step goes on. What is shown is asked for again afterwards, here and in the other windows of this browser.
 * `ended`: which sessions it has ended, if that is known.
 * @throws `Cancelled`, and what the step throws otherwise
 */
export async function act<Result>(
  step: (options: CallOptions) => Promise<Result>,
  ended?: (result: Result) => Ended | undefined,
): Promise<Result> {
  let code: string | undefined;
  for (;;) {
    try {
      const result = await step(code === undefined ? {} : { code });
      noteChange(ended?.(result));
      return result;
    } catch (error) {
      noteError(error);
      if (!needsProof(error)) throw error;
      code = await askForProof(error);
    }
  }
}

/** Something has been changed: it is asked for again, here and in the other windows. `ended`: see `act`. */
export function noteChange(ended?: Ended): void {
  void client.invalidateQueries({ refetchType: 'active' });
  tellOthers({ what: 'changed', ended });
}

export const needsProof = (error: unknown): error is CurfewApiError =>
  isApiError(error, 'second_factor_required', 'second_factor_invalid', 'fresh_sign_in_required');

function askForProof(why: CurfewApiError): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const close = () => questions.set(questions.get().filter((other) => other !== question));
    const question: Question = {
      why,
      answer(code) {
        close();
        resolve(code);
      },
      cancel() {
        close();
        reject(new Cancelled());
      },
    };
    questions.set([...questions.get(), question]);
  });
}
