import { isAway, isSignedOut } from './api.ts';
import { held } from './held.ts';
import { noteSignedOut } from './who.ts';

/** The server does not answer. */
export const away = held(false);

/** Counts how often what had failed is worth asking for again: the server is back, or somebody has signed in again. */
export const comebacks = held(0);

export const comeBack = (): void => comebacks.set(comebacks.get() + 1);

/** Counts how often somebody wanted to see what is so now, for instance after a step of which nobody knows the effect. */
export const rereads = held(0);

export const readAgain = (): void => rereads.set(rereads.get() + 1);

/** What every error of a question means for the whole page. */
export function noteError(error: unknown): void {
  if (isSignedOut(error)) noteSignedOut(error);
  if (isAway(error)) away.set(true);
}
