import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { library } from '../../src/authority/caller.ts';
import { createAuthority } from '../../src/authority/index.ts';
import { createPasswords } from '../../src/authority/passwords.ts';
import {
  type CallerKind,
  callers,
  hasTarget,
  isAllowed,
  type Row,
  rows,
  targetsOf,
} from '../../src/dialects/permission-table.ts';
import { totpCode } from '../../src/domain/second-factor.ts';
import { TestServer } from '../support/server.ts';
import { type Asking, createSubjects, type Subject } from '../support/subjects.ts';

const password = 'a password of everybody';

describe('who may do what through each system', () => {
  let server: TestServer;
  let subjects: ReturnType<typeof createSubjects>;
  before(async () => {
    server = await TestServer.start({ CURFEW_ADDRESS_ATTEMPTS: '1000000/1s' });
    subjects = createSubjects(server, { passwordHash: await createPasswords().hash(password) });
  });
  after(() => server.close());

  /** How each system receives the caller's credential; a token of the wrong kind takes the place of the right one. */
  const shown: Record<string, (asking: Asking, kind: CallerKind, row: Row) => Record<string, string>> = {
    rocketchat: ({ token, own }): Record<string, string> =>
      token ? { 'x-user-id': own ?? 'x', 'x-auth-token': token } : {},
    directus: ({ token }): Record<string, string> => (token ? { authorization: `Bearer ${token}` } : {}),
    waha: ({ token }): Record<string, string> => (token ? { 'x-api-key': token } : {}),
    altogic: ({ token }, _kind, { dialect }): Record<string, string> =>
      dialect!.credential === 'key'
        ? token
          ? { 'x-client-key': token }
          : {}
        : { 'x-client-key': server.key, ...(token && { session: token }) },
  };

  /** The body of each call; if the call needs something that must exist before, that is created. */
  const bodies: Record<string, (subject: Subject, asking: Asking) => object | Promise<object>> = {
    'POST /api/v1/login': ({ username }) => ({ user: username, password }),
    'POST /api/v1/sessions/logout.me': ({ sessionId }) => ({ sessionId }),
    'POST /api/v1/sessions/logout': ({ sessionId }) => ({ sessionId }),
    'POST /api/v1/users.logout': ({ accountId }) => ({ userId: accountId }),
    'POST /auth/login': ({ username }) => ({ email: `${username}@example.com`, password }),
    'POST /auth/refresh': ({ refreshToken }) => ({ refresh_token: refreshToken, mode: 'json' }),
    'POST /auth/logout': ({ refreshToken }) => ({ refresh_token: refreshToken, mode: 'json' }),
    'POST /users/me/tfa/generate': () => ({ password }),
    'POST /users/me/tfa/enable': async (_, { own }) => {
      const { secret } = await createAuthority(server.context).startTotp(library, own!);
      return { secret, otp: totpCode(secret, Date.now()) };
    },
    'POST /users/me/tfa/disable': async (_, { own }) => {
      const authority = createAuthority(server.context);
      const { secret } = await authority.startTotp(library, own!);
      await authority.confirmTotp(library, own!, { code: totpCode(secret, Date.now()) });
      return { otp: totpCode(secret, Date.now() + 30_000) };
    },
    'POST /api/sessions': ({ name }) => ({ name: `${name}-new` }),
    'PUT /api/sessions/:name': () => ({ config: {} }),
    'POST /api/sessions/start': async ({ name }) => {
      await createAuthority(server.context).stopNamedSession(library, name);
      return { name };
    },
    'POST /api/sessions/stop': ({ name }) => ({ name }),
    'POST /api/sessions/logout': ({ name }) => ({ name }),
    'POST /_api/rest/v1/auth/signin-email': ({ username }) => ({ email: `${username}@example.com`, password }),
    'POST /_api/rest/v1/auth/signout': ({ sessionId }) => ({ token: sessionId }),
  };
  const queries: Record<string, (subject: Subject) => string> = {
    'GET /api/v1/sessions/info': ({ sessionId }) => `?sessionId=${sessionId}`,
    'GET /api/v1/sessions/info.admin': ({ sessionId }) => `?sessionId=${sessionId}`,
  };

  const statusOf = async (row: Row, kind: CallerKind, asking: Asking, subject: Subject): Promise<number> => {
    const [method, path] = row.call.split(' ') as [string, string];
    const headers = row.dialect!.credential === 'none' ? {} : shown[row.surface]!(asking, kind, row);
    const body = await bodies[row.call]?.(subject, asking);
    const url = path.replace(':name', subject.name) + (queries[row.call]?.(subject) ?? '');
    return (await server.call(method, url, body, { as: '', headers })).status;
  };

  for (const row of rows.filter(({ surface }) => surface !== 'native')) {
    test(`N1.6: ${row.surface}: ${row.call}: as the table says`, async () => {
      for (const kind of callers) {
        const there = targetsOf(row).filter((target) => hasTarget(kind, target));
        for (const target of there) {
          const asking = await subjects.callerOf(kind);
          const status = await statusOf(row, kind, asking, await subjects.subjectOf(kind, asking, target));
          const allowed = isAllowed(row, kind, target);
          const what = `${kind.name} → ${target ?? 'nobody in particular'}: ${status}`;
          assert.equal(status < 300, allowed, what);
          // It must be a refusal and no other error. Things of others that the caller may not see look nonexistent.
          if (!allowed)
            assert.ok(
              row.dialect!.permission ? [401, 403].includes(status) : [400, 401, 403, 404].includes(status),
              what,
            );
        }
        if (there.length > 0) continue;
        // A caller without anything of their own has a token of another kind, or none.
        const asking = await subjects.callerOf(kind);
        const somebody = await subjects.callerOf(callers.find(({ name }) => name === 'member')!);
        const subject = await subjects.subjectOf(kind, somebody, 'own');
        assert.equal(await statusOf(row, kind, { token: asking.token, own: somebody.own! }, subject), 401, kind.name);
      }
    });
  }
});
