import assert from 'node:assert/strict';
import { METHODS } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { protocolVersion } from 'curfew-client/protocol';
import { library } from '../../src/authority/caller.ts';
import { everyoneConfirmation } from '../../src/authority/end-everyone.ts';
import { importSession, importStore } from '../../src/authority/import-session.ts';
import { createAuthority } from '../../src/authority/index.ts';
import { createPasswords } from '../../src/authority/passwords.ts';
import { callsOf } from '../../src/dialects/calls.ts';
import {
  attaching,
  type CallerKind,
  callers,
  hasTarget,
  isAllowed,
  permissionTable,
  rows,
  type Target,
  targetsOf,
} from '../../src/dialects/permission-table.ts';
import { hour, second } from '../../src/domain/limits.ts';
import { type Permission, permissions } from '../../src/domain/permissions.ts';
import { totpCode } from '../../src/domain/second-factor.ts';
import { operations } from '../../src/http/routes/index.ts';
import { oldSecret } from '../support/alias-tests.ts';
import { rawVerifier } from '../support/raw-verifier.ts';
import { startRecorded } from '../support/routes.ts';
import { type Asking, createSubjects, type Subject } from '../support/subjects.ts';

const password = 'a password of everybody';

type Recorded = Awaited<ReturnType<typeof startRecorded>>;

describe('who may do what', () => {
  let server: Recorded['server'];
  let routes: Recorded['routes'];
  let subjects: ReturnType<typeof createSubjects>;
  let authority: ReturnType<typeof createAuthority>;
  before(async () => {
    ({ server, routes } = await startRecorded({}));
    subjects = createSubjects(server, { passwordHash: await createPasswords().hash(password) });
    authority = createAuthority(server.context);
  });
  after(() => server.close());

  let made = 0;

  /**
   * The permissions of a target, or of what a creation makes, since its path names no target. `undefined` if no such
   * thing can be created: one's own.
   */
  const grantedTo = (id: string, { granted }: CallerKind, target: Target | undefined) => {
    if (/^create(Account|Key)$/.test(id) && target === 'own') return undefined;
    if (target === 'stronger') return permissions;
    return target === 'weaker' ? [] : granted;
  };

  /** The next code of the authenticator that an account was given for a call. */
  const codes: string[] = [];

  /** Gives the account an authenticator. */
  const enrol = async ({ accountId }: Subject) => {
    const { secret } = await authority.startTotp(library, accountId);
    await authority.confirmTotp(library, accountId, { code: totpCode(secret, Date.now()) });
    codes.push(totpCode(secret, Date.now() + 30 * second));
  };

  type Body = (
    subject: Subject,
    granted: readonly Permission[],
    asking: Asking,
  ) => object | undefined | Promise<object | undefined>;
  /** A valid body of each operation; what the operation needs to find is created. */
  const bodies: Record<string, Body> = {
    createAccount: (_, granted) => ({ username: `new-${made++}`, password: 'long enough', permissions: granted }),
    updateAccount: () => ({ name: 'Changed' }),
    confirmEmail: ({ pendingEmail }) => ({ email: pendingEmail }),
    startTotp: () => ({ currentPassword: password }),
    confirmTotp: async ({ accountId }) => {
      const { secret } = await authority.startTotp(library, accountId);
      return { code: totpCode(secret, Date.now()) };
    },
    removeTotp: async (subject) => {
      await enrol(subject);
      return undefined;
    },
    renewBackupCodes: async (subject) => {
      await enrol(subject);
      return undefined;
    },
    createKey: (_, granted) => ({ name: 'k', scopes: granted }),
    createSession: () => ({ userId: 'somebody' }),
    keepSessionData: () => ({ alias: { kind: 'x', hash: 'A'.repeat(43) }, data: '{}' }),
    createWidgetToken: () => ({ origin: 'https://app.example.com' }),
    verifySession: () => ({ token: 'cfs_none' }),
    exchangeAlias: async () => {
      const { alias, hashed } = oldSecret();
      const { store, policy, random, clock } = server.context;
      // Its user did not sign in just now: of such a session, a person gets no tokens.
      const parts = { into: await importStore(store), random, policy, lifetime: hour };
      const found = { alias: hashed, userId: 'somebody', expiresAt: undefined, metadata: {} };
      await importSession(parts, found, clock.now(), false);
      return { alias };
    },
    logoutSession: ({ sessionId }) => ({ id: sessionId }),
    endEveryone: () => ({ confirm: everyoneConfirmation }),
    previewSessions: ({ accountId }) => ({ user: accountId }),
    endPreviewed: async ({ accountId }, _, { token }) => {
      const { body } = await server.call('POST', '/v1/sessions/preview', { user: accountId }, { as: token });
      return { preview: body.preview ?? 'none' };
    },
    findUserSession: ({ sessionId }) => ({ token: sessionId }),
    endUserSession: ({ sessionId }) => ({ token: sessionId }),
    findSessionOfUser: ({ accountId, sessionId }) => ({ userId: accountId, token: sessionId }),
    endSessionOfUser: ({ accountId, sessionId }) => ({ userId: accountId, token: sessionId }),
    changeAccessGroupsOfUser: ({ accountId }) => ({ userId: accountId, add: ['staff'] }),
    endSessionsOfUser: ({ accountId }) => ({ userId: accountId }),
    changeAccessGroups: () => ({ add: ['staff'] }),
    createNamedSession: () => ({ name: `new-slot-${made++}` }),
    updateNamedSession: () => ({ config: {} }),
  };
  /** Where a caller that may call has nothing that the call could concern: the error that says so. */
  const inVain = (id: string, { kind, granted }: CallerKind): string | undefined => {
    if (id === 'logout' && kind === 'key') return 'session_not_found';
    // A preview belongs to its caller, and counting requires this permission.
    return id === 'endPreviewed' && !granted.includes('sessions.read') ? 'preview_invalid' : undefined;
  };
  /** Operations whose query names the user. */
  const queries: Record<string, (subject: Subject) => string> = {
    listSessions: ({ accountId }) => `?user=${accountId}`,
    listSessionData: () => '?kind=x',
  };
  const pathOf = (path: string, { accountId, sessionId, keyId, name }: Subject) =>
    path
      .replace(':userId', accountId)
      .replace(':name', name)
      .replace(':id', path.includes('/accounts/') ? accountId : path.includes('/keys/') ? keyId : sessionId);

  test('the matrix is printed', () => {
    for (const line of permissionTable()) console.log(line);
  });

  test('N1.6: every route of every supported system has a row', () => {
    // A proxy calls an operation with the method of any request.
    const native = operations.flatMap(({ method, path, forProxies }) =>
      (forProxies ? METHODS : [method]).map((one) => `${one} ${path}`),
    );
    const known = new Set([...native, ...Object.values(callsOf).flatMap((calls) => Object.keys(calls))]);
    const other = /^(\/docs|\/console|\/healthz|\/metrics|\/openapi\.json|\/$|\/(rocketchat|directus|waha|altogic)\/)/;
    const missing = routes
      .map(({ method, url }) => `${method} ${url.length > 1 ? url.replace(/\/$/, '') : url}`)
      .filter((call) => !known.has(call) && !other.test(call.split(' ')[1]!));
    assert.deepEqual(missing, []);
  });

  test('7.5.3, N1.8: of a person, everything that needs a permission and changes something requires more than a session', () => {
    // Those that change nothing, although they are sent with a body.
    const reads = ['previewSessions', 'findSessionOfUser', 'findUserSession', 'verifySession'];
    const lacking = operations.filter(({ method, access }) => {
      if (method === 'GET' || typeof access === 'string') return false;
      return !('owner' in access ? access.own && access.others : access.person);
    });
    assert.deepEqual(lacking.map(({ id }) => id).sort(), reads.sort());
  });

  test('N2.4: attaching a verifier is allowed as in the table', async () => {
    for (const kind of callers) {
      const { token } = await subjects.callerOf(kind);
      const verifier = await rawVerifier(server.url);
      verifier.say({ type: 'hello', version: protocolVersion, key: token, holder: crypto.randomUUID() });
      const answers = ['welcome', 'refused'].map((type) => verifier.hear(type));
      const { type, trouble } = await Promise.race(answers);
      assert.equal(type === 'welcome', isAllowed(attaching, kind, undefined), kind.name);
      if (kind.name === 'sessions.verify') {
        assert.equal(trouble.code, 'permission_missing');
        assert.match(trouble.detail, /the scope fence\.attach/);
      }
      verifier.socket.terminate();
    }
  });

  for (const row of rows.filter(({ operation }) => operation && operation.access !== 'open')) {
    const { id, method, path } = row.operation!;
    test(`N1.6, N2.5: ${id} is allowed as in the table`, async () => {
      for (const kind of callers) {
        for (const target of targetsOf(row).filter((one) => hasTarget(kind, one))) {
          const granted = grantedTo(id, kind, target);
          if (!granted) continue;
          const asking = await subjects.callerOf(kind);
          const subject = await subjects.subjectOf(kind, asking, target);
          codes.length = 0;
          const payload = await bodies[id]?.(subject, granted, asking);
          const answer = await server.running.app.inject({
            method,
            url: pathOf(path, subject) + (queries[id]?.(subject) ?? ''),
            headers: {
              ...(asking.token && { authorization: `Bearer ${asking.token}` }),
              ...(id === 'listEvents' && { accept: 'application/json' }),
              ...(codes.length > 0 && { 'x-2fa-code': codes[0] }),
            },
            ...(payload && { payload }),
          });
          const { statusCode } = answer;
          const what = `${kind.name} → ${target ?? 'nobody in particular'}: ${statusCode} ${answer.body.slice(0, 200)}`;
          const none = inVain(id, kind);
          if (!isAllowed(row, kind, target)) assert.ok([401, 403].includes(statusCode), what);
          else if (none) assert.equal(answer.json().code, none, what);
          else assert.ok(statusCode < 300, what);
        }
      }
    });
  }
});
