import type { Permission } from '../domain/permissions.ts';

/**
 * What it takes to make a call of a dialect: which credential, and of whoever shows it which permission. A call without
 * a permission concerns the caller's own sessions, or their own account, alone. `guards`: it writes to an account, or to
 * what an account is signed in to, so the caller must hold what that may do.
 */
export type Call = {
  credential: 'none' | 'session' | 'key' | 'key and session';
  permission?: Permission;
  guards?: 'account';
};

/** Whether a dialect's call has an own, an other, a stronger and a weaker target. */
export type Calls = Readonly<Record<string, Call>>;

const base = '/_api/rest/v1/auth';
const own = { credential: 'session' } as const;
const both = { credential: 'key and session' } as const;
const waha = (permission: Permission, guards?: 'account'): Call => ({
  credential: 'key',
  permission,
  ...(guards && { guards }),
});

/** Every call of each dialect, by method and path. A route without a row fails the matrix of permissions. */
export const callsOf: Readonly<Record<'rocketchat' | 'directus' | 'waha' | 'altogic', Calls>> = {
  rocketchat: {
    'POST /api/v1/login': { credential: 'none' },
    'POST /api/v1/logout': own,
    'GET /api/v1/me': own,
    'GET /api/v1/sessions/list': own,
    'GET /api/v1/sessions/info': own,
    'POST /api/v1/sessions/logout.me': own,
    'GET /api/v1/sessions/list.all': { credential: 'session', permission: 'sessions.read' },
    'GET /api/v1/sessions/info.admin': { credential: 'session', permission: 'sessions.read' },
    'POST /api/v1/sessions/logout': { credential: 'session', permission: 'sessions.end' },
    'POST /api/v1/users.logout': { credential: 'session', permission: 'sessions.end' },
    'POST /api/v1/users.logoutOtherClients': own,
  },
  directus: {
    'POST /auth/login': { credential: 'none' },
    'POST /auth/refresh': { credential: 'none' },
    'POST /auth/logout': { credential: 'none' },
    'GET /users/me': own,
    'POST /users/me/tfa/generate': { ...own, guards: 'account' },
    'POST /users/me/tfa/enable': { ...own, guards: 'account' },
    'POST /users/me/tfa/disable': { ...own, guards: 'account' },
  },
  waha: {
    'GET /api/sessions': waha('sessions.read'),
    'GET /api/sessions/:name': waha('sessions.read'),
    'GET /api/sessions/:name/me': waha('sessions.read'),
    'POST /api/sessions': waha('sessions.create'),
    'PUT /api/sessions/:name': waha('sessions.create', 'account'),
    'DELETE /api/sessions/:name': waha('sessions.end'),
    'POST /api/sessions/:name/start': waha('sessions.create', 'account'),
    'POST /api/sessions/:name/stop': waha('sessions.end'),
    'POST /api/sessions/:name/restart': waha('sessions.end', 'account'),
    'POST /api/sessions/:name/logout': waha('sessions.end'),
    'POST /api/sessions/start': waha('sessions.create'),
    'POST /api/sessions/stop': waha('sessions.end'),
    'POST /api/sessions/logout': waha('sessions.end'),
  },
  altogic: {
    [`POST ${base}/signin-email`]: { credential: 'key' },
    [`GET ${base}/user`]: both,
    [`GET ${base}/sessions`]: both,
    [`POST ${base}/signout`]: both,
    [`POST ${base}/signout-all`]: both,
    [`POST ${base}/signout-all-except`]: both,
  },
};
