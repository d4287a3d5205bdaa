import { useEffect, useState } from 'preact/hooks';
import { api } from './api.ts';
import { may, me } from './who.ts';

/*
 * Users of an application have ids that mean something to it. An account of Curfew has a random id, and a name that
 * people know: somebody who may see accounts sees that name.
 */

export type Named = { username: string; name: string | undefined };

const known = new Map<string, Named | undefined>();
/** The form of an account's id. */
const accountId = /^[0-9A-Za-z]{20,24}$/;
/** How many ids the server accepts in one question. */
const most = 100;

/** The names of the accounts among these users, once they are known. */
export function useNames(ids: readonly string[]): (id: string) => Named | undefined {
  const [, redraw] = useState(0);
  const own = me.get()?.account;
  const unknown = [...new Set(ids)]
    .filter((id) => accountId.test(id) && !known.has(id) && id !== own?.id)
    .slice(0, most);
  const question = may('accounts.manage') ? unknown.join(',') : '';
  useEffect(() => {
    if (question === '') return;
    const asked = question.split(',');
    // Asked once: without an answer the ids are shown, which are right as well.
    for (const id of asked) known.set(id, undefined);
    api.listAccounts({ ids: question, limit: most }).then(
      ({ accounts }) => {
        for (const { id, username, name } of accounts) known.set(id, { username, name });
        redraw((times) => times + 1);
      },
      () => {},
    );
  }, [question]);
  return (id) => (own && id === own.id ? { username: own.username, name: own.name } : known.get(id));
}
