import type { Account } from '../domain/account.ts';
import type { ApiKeyView } from '../domain/key.ts';
import { actsAsAccount, grantedBy, type Permission, permissions, type Role } from '../domain/permissions.ts';
import type { Actor } from '../domain/reasons.ts';
import type { StoredSession } from '../domain/session.ts';

/** Who calls: a machine with an API key, a person with a session, or the program that uses Curfew as a library. */
export type Caller = KeyCaller | Person | { kind: 'library'; granted: ReadonlySet<Permission> };

export type KeyCaller = { kind: 'key'; key: ApiKeyView; granted: ReadonlySet<Permission> };

export type Person = {
  kind: 'person';
  session: StoredSession;
  account: Account | undefined;
  /** The account's roles, if the session acts for the account. */
  roles: readonly Role[];
  granted: ReadonlySet<Permission>;
};

export const library: Caller = { kind: 'library', granted: new Set(permissions) };

export function personCaller(session: StoredSession, account: Account | undefined): Person {
  if (!account || !actsAsAccount(session, account)) {
    return { kind: 'person', session, account, roles: [], granted: new Set() };
  }
  return { kind: 'person', session, account, roles: account.roles, granted: grantedBy(account) };
}

export function actorOf(caller: Caller): Actor {
  if (caller.kind === 'key') return `key:${caller.key.id}`;
  return caller.kind === 'person' ? `user:${caller.session.userId}` : 'library';
}
