import type { Account } from '../domain/account.ts';
import type { ApiKeyView } from '../domain/key.ts';
import { actsAsAccount, grantedBy, type Permission, permissions, type Role } from '../domain/permissions.ts';
import type { Actor } from '../domain/reasons.ts';
import type { StoredSession } from '../domain/session.ts';

/** Who asks: a machine by its API key, a person by their session, or the program that Curfew is a library of. */
export type Caller = KeyCaller | Person | { kind: 'library'; granted: ReadonlySet<Permission> };

export type KeyCaller = { kind: 'key'; key: ApiKeyView; granted: ReadonlySet<Permission> };

export type Person = {
  kind: 'person';
  session: StoredSession;
  account: Account | undefined;
  /** Those of the account, as far as the session acts with them. */
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
