import type { Operations } from 'curfew-client';
import type { CurfewApiError } from './api.ts';
import { held } from './held.ts';

export type Me = Operations['me']['output'];
export type Permission = Me['permissions'][number];

/** Who is signed in, once the server has said so. */
export const me = held<Me | undefined>(undefined);

/** Why this browser is no longer signed in; `undefined` while it is. */
export const signedOut = held<CurfewApiError | 'by-oneself' | undefined>(undefined);

/** How many dialogs show something that must be read before anything else, such as the receipt of an end. */
let holding = 0;
let noted: CurfewApiError | 'by-oneself' | undefined;

/**
 * This browser is signed out. The sign-in covers the page, which stays as it is below: who signs in again as the same
 * person goes on where they were.
 */
export function noteSignedOut(why: CurfewApiError | 'by-oneself'): void {
  // Before anybody has signed in, the sign-in is what is shown.
  if (me.get() === undefined || signedOut.get() !== undefined) return;
  noted ??= why;
  if (holding === 0) signedOut.set(noted);
}

export function noteSignedIn(who: Me): void {
  noted = undefined;
  me.set(who);
  signedOut.set(undefined);
}

/** Keeps the sign-in away until what is shown has been read. Returns how to let go. */
export function holdSignIn(): () => void {
  holding += 1;
  return () => {
    holding -= 1;
    if (holding === 0 && noted !== undefined) signedOut.set(noted);
  };
}

export const may = (permission: Permission): boolean => me.get()?.permissions.includes(permission) === true;
