import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { library } from '../../src/authority/caller.ts';
import { openChecked } from '../../src/authority/create-session.ts';
import { createAuthority } from '../../src/authority/index.ts';
import { callsOf } from '../../src/dialects/calls.ts';
import {
  type CallerKind,
  callers,
  hasTarget,
  isAllowed,
  permissionTable,
  rows,
  type Target,
  targetsOf,
} from '../../src/dialects/permission-table.ts';
import type { AccountId, UserId } from '../../src/domain/brand.ts';
import { newId } from '../../src/domain/ids.ts';
import { type Permission, permissions } from '../../src/domain/permissions.ts';
import { operations } from '../../src/http/routes/index.ts';
import { startRecorded } from '../support/routes.ts';
import { random } from '../support/world.ts';

type Recorded = Awaited<ReturnType<typeof startRecorded>>;
type Subject = { accountId: string; sessionId: string; keyId: string; name: string };

describe('who may do what', () => {
  let server: Recorded['server'];
  let routes: Recorded['routes'];
  before(async () => {
    ({ server, routes } = await startRecorded({}));
  });
  after(() => server.close());

  let made = 0;
  const account = async (granted: readonly Permission[], roles: 'admin'[] = []): Promise<UserId> => {
    const username = `one-${made++}`;
    const { store, clock } = server.world;
    const now = clock.now();
    const id = newId(username, now, random) as AccountId;
    await store.createAccount(
      {
        id,
        username,
        email: undefined,
        pendingEmail: 'waits@example.com',
        name: undefined,
        roles,
        permissions: granted,
        disabled: false,
        createdAt: now,
        updatedAt: now,
        lastLoginAt: undefined,
        version: 1,
        passwordHash: 'none',
        factor: undefined,
      },
      { type: 'account.created', at: now, by: 'library', userId: id },
    );
    return id;
  };
  const open = async (userId: string, name?: string) => {
    const { epochs } = await server.world.store.readUser(userId as UserId);
    return openChecked(server.world, 'self', { userId, name, ip: '127.0.0.1' }, epochs, true);
  };
  /** The caller's token, and their own account. */
  const callerOf = async (kind: CallerKind): Promise<{ token: string; own?: string }> => {
    if (kind.kind === 'nobody') return { token: '' };
    const authority = createAuthority(server.world);
    if (kind.kind === 'key') return authority.createKey(library, { name: 'k', scopes: kind.granted });
    const own = await account(kind.granted, kind.name === 'admin' ? ['admin'] : []);
    if (!kind.openedByOther) return { token: (await open(own)).token, own };
    const weak = await authority.createKey(library, { name: 'k', scopes: ['sessions.create'] });
    const admin = await account([], ['admin']);
    const { token } = await authority.createSession(await authority.authenticateKey(weak.token), { userId: admin });
    return { token, own: admin };
  };
  const subjectOf = async (kind: CallerKind, own: string | undefined, target: Target | undefined): Promise<Subject> => {
    const granted = target === 'stronger' ? permissions : target === 'weaker' ? [] : kind.granted;
    const accountId = target === 'own' ? own! : await account(granted);
    const name = `slot-${made++}`;
    const { session } = await open(accountId, name);
    const { key } = await createAuthority(server.world).createKey(library, { name: 'k', scopes: granted });
    return { accountId, sessionId: session.id, keyId: key.id, name };
  };

  /**
   * What a target may do; for a creation, which has no path to its target, what is made. `undefined` where nothing of the
   * kind can be made: one's own anew, or a key without a scope.
   */
  const grantedTo = (id: string, { granted }: CallerKind, target: Target | undefined) => {
    if (/^create(Account|Key)$/.test(id) && target === 'own') return undefined;
    if (target === 'stronger') return permissions;
    const least = id === 'createKey' ? granted.slice(0, 1) : [];
    const scopes = target === 'weaker' ? least : granted;
    return id === 'createKey' && (scopes.length === 0 || (target === 'weaker' && granted.length === 1))
      ? undefined
      : scopes;
  };

  /** What each operation is asked with, besides its path. */
  const bodies: Record<string, (subject: Subject, granted: readonly Permission[]) => object> = {
    createAccount: (_, granted) => ({ username: `new-${made++}`, password: 'long enough', permissions: granted }),
    updateAccount: () => ({ name: 'Changed' }),
    confirmEmail: () => ({ email: 'another@example.com' }),
    confirmTotp: () => ({ code: '000000' }),
    createKey: (_, granted) => ({ name: 'k', scopes: granted }),
    createSession: () => ({ userId: 'somebody' }),
    verifySession: () => ({ token: 'cfs_none' }),
    logoutSession: ({ sessionId }) => ({ id: sessionId }),
    endEveryone: () => ({ confirm: 'nobody' }),
    findUserSession: ({ sessionId }) => ({ token: sessionId }),
    endUserSession: ({ sessionId }) => ({ token: sessionId }),
    findSessionOfUser: ({ accountId, sessionId }) => ({ userId: accountId, token: sessionId }),
    endSessionOfUser: ({ accountId, sessionId }) => ({ userId: accountId, token: sessionId }),
    changeAccessGroupsOfUser: ({ accountId }) => ({ userId: accountId, add: ['staff'] }),
    endSessionsOfUser: ({ accountId }) => ({ userId: accountId }),
    changeAccessGroups: () => ({ add: ['staff'] }),
    createNamedSession: () => ({ name: `slot-${made++}` }),
    updateNamedSession: () => ({ config: {} }),
  };
  /** Where the query says whose. */
  const queries: Record<string, (subject: Subject) => string> = {
    listSessions: ({ accountId }) => `?user=${accountId}`,
  };
  const pathOf = (path: string, { accountId, sessionId, keyId, name }: Subject) =>
    path
      .replace(':userId', accountId)
      .replace(':name', name)
      .replace(':id', path.includes('/accounts/') ? accountId : path.includes('/keys/') ? keyId : sessionId);

  test('the matrix is printed', () => {
    for (const line of permissionTable()) console.log(line);
  });

  test('every route has a row', () => {
    const native = operations.map(({ method, path }) => `${method} ${path}`);
    const known = new Set([...native, ...Object.values(callsOf).flatMap((calls) => Object.keys(calls))]);
    const other = /^(\/docs|\/healthz|\/metrics|\/openapi\.json|\/$|\/(rocketchat|directus|waha|altogic)\/)/;
    const missing = routes
      .map(({ method, url }) => `${method} ${url.length > 1 ? url.replace(/\/$/, '') : url}`)
      .filter((call) => !known.has(call) && !other.test(call.split(' ')[1]!));
    assert.deepEqual(missing, []);
  });

  for (const row of rows.filter(({ operation }) => operation && operation.access !== 'open')) {
    const { id, method, path } = row.operation!;
    test(`${id}: as the table says`, async () => {
      for (const kind of callers) {
        for (const target of targetsOf(row).filter((one) => hasTarget(kind, one))) {
          const granted = grantedTo(id, kind, target);
          if (!granted) continue;
          const { token, own } = await callerOf(kind);
          const subject = await subjectOf(kind, own, target);
          const { statusCode } = await server.running.app.inject({
            method,
            url: pathOf(path, subject) + (queries[id]?.(subject) ?? ''),
            headers: {
              ...(token && { authorization: `Bearer ${token}` }),
              ...(id === 'listEvents' && { accept: 'application/json' }),
            },
            ...(bodies[id] && { payload: bodies[id](subject, granted) }),
          });
          const allowed = ![401, 403].includes(statusCode);
          assert.equal(
            allowed,
            isAllowed(row, kind, target),
            `${kind.name} → ${target ?? 'nobody in particular'}: ${statusCode}`,
          );
        }
      }
    });
  }
});
