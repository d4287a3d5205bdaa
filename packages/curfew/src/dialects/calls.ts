import type { Permission } from '../domain/permissions.ts';
import type { DialectName } from './names.ts';

/**
 * What a call of a dialect requires: which credential, and which permission its holder needs. A call without a
 * permission concerns only the caller's own sessions or account.
 */
export type Call = {
  credential: 'none' | 'session' | 'key' | 'key and session';
  permission?: Permission;
  /** It names a session, a user or a named session, so it could concern anybody. */
  names?: true;
  /** Acting on one's own requires no permission. */
  ownIsFree?: true;
  /** It changes an account, or what an account is signed in to, so the caller must have the account's permissions. */
  guards?: 'account';
};

/** The calls of a dialect, by method and path. */
export type Calls = Readonly<Record<string, Call>>;

const base = '/_api/rest/v1/auth';
const own = { credential: 'session' } as const;
const both = { credential: 'key and session' } as const;
const others = (permission: Permission) => ({ ...own, permission, names: true }) as const;
const waha = (permission: Permission) => ({ credential: 'key', permission }) as const;
const slot = (permission: Permission) => ({ ...waha(permission), names: true }) as const;

/** Every call of each dialect, by method and path. A route without a row fails the test of the permission matrix. */
export const callsOf: Readonly<Record<DialectName, Calls>> = {
  rocketchat: {
    'POST /api/v1/login': { credential: 'none' },
    'GET /api/v1/logout': own,
    'POST /api/v1/logout': own,
    'GET /api/v1/me': own,
    'GET /api/v1/sessions/list': own,
    'GET /api/v1/sessions/info': { ...own, names: true },
    'POST /api/v1/sessions/logout.me': { ...own, names: true },
    'GET /api/v1/sessions/list.all': { ...own, permission: 'sessions.read' },
    'GET /api/v1/sessions/info.admin': others('sessions.read'),
    'POST /api/v1/sessions/logout': others('sessions.end'),
    'POST /api/v1/users.logout': { ...others('sessions.end'), ownIsFree: true },
    'POST /api/v1/users.logoutOtherClients': own,
  },
  directus: {
    'POST /auth/login': { credential: 'none' },
    'POST /auth/refresh': { credential: 'none' },
    'POST /auth/logout': { credential: 'none' },
    'GET /server/ping': { credential: 'none' },
    'GET /users/me': own,
    'POST /users/me/tfa/generate': { ...own, guards: 'account' },
    'POST /users/me/tfa/enable': { ...own, guards: 'account' },
    'POST /users/me/tfa/disable': { ...own, guards: 'account' },
  },
  waha: {
    'GET /api/sessions': waha('sessions.read'),
    'GET /api/sessions/:name': slot('sessions.read'),
    'GET /api/sessions/:name/me': slot('sessions.read'),
    'POST /api/sessions': waha('sessions.create'),
    'PUT /api/sessions/:name': { ...slot('sessions.create'), guards: 'account' },
    'DELETE /api/sessions/:name': slot('sessions.end'),
    'POST /api/sessions/:name/start': { ...slot('sessions.create'), guards: 'account' },
    'POST /api/sessions/:name/stop': slot('sessions.end'),
    'POST /api/sessions/:name/restart': { ...slot('sessions.end'), guards: 'account' },
    'POST /api/sessions/:name/logout': slot('sessions.end'),
    'POST /api/sessions/start': { ...slot('sessions.create'), guards: 'account' },
    'POST /api/sessions/stop': slot('sessions.end'),
    'POST /api/sessions/logout': slot('sessions.end'),
  },
  altogic: {
    [`POST ${base}/signin-email`]: { credential: 'key' },
    [`GET ${base}/user`]: both,
    [`GET ${base}/sessions`]: both,
    [`POST ${base}/signout`]: { ...both, names: true },
    [`POST ${base}/signout-all`]: both,
    [`POST ${base}/signout-all-except`]: both,
  },
};
