import { api } from './api.ts';
import { comeBack } from './contact.ts';
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
  else if (data.what === 'signed-in') void api.me().then(arriveAs, () => {});
  else {
    void client.invalidateQueries({ refetchType: 'active' });
    changedElsewhere.set({ ended: data.ended });
  }
};

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
