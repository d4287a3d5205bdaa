import { api, isSignedOut } from './api.ts';
import { comeBack, noteError } from './contact.ts';
import { client } from './data.ts';
import { held } from './held.ts';
import { go } from './router.ts';
import { type Me, me, noteSignedIn, noteSignedOut } from './who.ts';

/*
 * Several windows of one browser share its session. What is done in one of them, the others learn at once.
 */

/** What has ended: these sessions, or those of a user except one. */
export type Ended = { ids: readonly string[] } | { user: string; except?: string | undefined };

type Message =
  | { what: 'signed-out' }
  | { what: 'signed-in' }
  /** `ended`: what exactly, if that is known. */
  | { what: 'changed'; ended?: Ended | undefined };

const channel = new BroadcastChannel('curfew');

/** What has last been changed in another window. */
export const changedElsewhere = held<{ ended?: Ended | undefined } | undefined>(undefined);

export const tellOthers = (message: Message): void => channel.postMessage(message);

channel.onmessage = ({ data }: MessageEvent<Message>) => {
  if (data.what === 'signed-out') noteSignedOut('by-oneself');
  // Also a sign-in by the same person gives this browser another session.
  else if (data.what === 'signed-in') learnWhoSignedIn();
  else {
    void client.invalidateQueries({ refetchType: 'active' });
    changedElsewhere.set({ ended: data.ended });
  }
};

/** Milliseconds until it is asked again who has signed in. */
const pause = 2000;
let next: ReturnType<typeof setTimeout> | undefined;

/** Asks until it is answered: with the session from before, this window would take its own for another one. */
function learnWhoSignedIn(): void {
  clearTimeout(next);
  api.me().then(arriveAs, (error: unknown) => {
    noteError(error);
    if (!isSignedOut(error)) next = setTimeout(learnWhoSignedIn, pause);
  });
}

/** Asks again who is signed in, after something about that has changed. What has changed is so, whether this succeeds or not. */
export const lookWhoIsSignedIn = (): Promise<void> => api.me().then(noteSignedIn, noteError);

/** Somebody has signed in. The same person finds the page as it was; for anybody else it begins anew. */
export function arriveAs(who: Me): void {
  const before = me.get();
  if (before === undefined || before.account?.id === who.account?.id) {
    noteSignedIn(who);
    if (before !== undefined) comeBack();
    return;
  }
  client.clear();
  me.set(undefined);
  go('#/', 'replace');
  noteSignedIn(who);
}
