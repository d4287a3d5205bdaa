import { library } from '../../src/authority/caller.ts';
import { openChecked } from '../../src/authority/create-session.ts';
import { createAuthority } from '../../src/authority/index.ts';
import type { CallerKind, Target } from '../../src/dialects/permission-table.ts';
import type { AccountId, UserId } from '../../src/domain/brand.ts';
import { newId } from '../../src/domain/ids.ts';
import { type Permission, permissions } from '../../src/domain/permissions.ts';
import { random } from './ports.ts';
import type { TestServer } from './server.ts';

/** The caller: the token, and for a person the account and its name. */
export type Asking = { token: string; own?: string; username?: string };

/** What a call can be about: an account with a session in a slot, and a key, all with the same permissions. */
export type Subject = {
  accountId: string;
  username: string;
  pendingEmail: string;
  sessionId: string;
  refreshToken: string;
  keyId: string;
  name: string;
};

/** The address that an account's owner has set, and nobody confirmed. */
const pendingOf = (username: string) => `${username}-waits@example.com`;

/** Everybody in the matrix of permissions, made in the store of a server: each caller and its targets. */
export function createSubjects({ context }: TestServer, { passwordHash = 'none' }: { passwordHash?: string } = {}) {
  let made = 0;
  const authority = createAuthority(context);

  const account = async (granted: readonly Permission[], roles: 'admin'[] = []) => {
    const username = `one-${made++}`;
    const now = context.clock.now();
    const id = newId(username, now, random) as AccountId;
    await context.store.createAccount(
      {
        id,
        username,
        email: `${username}@example.com`,
        pendingEmail: pendingOf(username),
        name: undefined,
        roles,
        permissions: granted,
        disabled: false,
        createdAt: now,
        updatedAt: now,
        lastLoginAt: undefined,
        version: 1,
        passwordHash,
        factor: undefined,
      },
      { type: 'account.created', at: now, by: 'library', userId: id },
    );
    return { id: id as string, username };
  };

  /** A session that the account signed in to, with a second factor a moment ago. */
  const open = async (userId: string, name?: string) => {
    const { epochs } = await context.store.readUser(userId as UserId);
    return openChecked(context, 'self', { userId, name, ip: '127.0.0.1' }, epochs, true);
  };

  return {
    async callerOf(kind: CallerKind): Promise<Asking> {
      if (kind.kind === 'nobody') return { token: '' };
      if (kind.kind === 'key') {
        const { token } = await authority.createKey(library, { name: 'k', scopes: kind.granted });
        return { token };
      }
      if (!kind.openedByOther) {
        const { id, username } = await account(kind.granted, kind.name === 'admin' ? ['admin'] : []);
        return { token: (await open(id)).token, own: id, username };
      }
      const weak = await authority.createKey(library, { name: 'k', scopes: ['sessions.create'] });
      const { id, username } = await account([], ['admin']);
      const { token } = await authority.createSession(await authority.authenticateKey(weak.token), { userId: id });
      return { token, own: id, username };
    },

    async subjectOf(kind: CallerKind, { own, username }: Asking, target: Target | undefined): Promise<Subject> {
      const granted = target === 'stronger' ? permissions : target === 'weaker' ? [] : kind.granted;
      const one = target === 'own' ? { id: own!, username: username! } : await account(granted);
      const name = `slot-${made++}`;
      const { session, refreshToken } = await open(one.id, name);
      const { key } = await authority.createKey(library, { name: 'k', scopes: granted });
      const { id: accountId, username: named } = one;
      const pendingEmail = pendingOf(named);
      return { accountId, username: named, pendingEmail, sessionId: session.id, refreshToken, keyId: key.id, name };
    },
  };
}
