import type { Account } from '../domain/account.ts';
import type { ApiKeyView } from '../domain/key.ts';
import { grantedBy, type Permission, permissions } from '../domain/permissions.ts';
import type { Actor } from '../domain/reasons.ts';
import type { StoredSession } from '../domain/session.ts';

/** Who asks: a machine by its API key, a person by their session, or the program that Curfew is a library of. */
export type Caller =
  | { kind: 'key'; key: ApiKeyView; granted: ReadonlySet<Permission> }
  | Person
  | { kind: 'library'; granted: ReadonlySet<Permission> };

export type Person = {
  kind: 'person';
  session: StoredSession;
  account: Account | undefined;
  granted: ReadonlySet<Permission>;
};

export const library: Caller = { kind: 'library', granted: new Set(permissions) };

export function personCaller(session: StoredSession, account: Account | undefined): Person {
  return { kind: 'person', session, account, granted: account ? grantedBy(account) : new Set() };
}

export function actorOf(caller: Caller): Actor {
  if (caller.kind === 'key') return `key:${caller.key.id}`;
  return caller.kind === 'person' ? `user:${caller.session.userId}` : 'library';
}
