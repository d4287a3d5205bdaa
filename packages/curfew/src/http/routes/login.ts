import type { Caller } from '../../authority/caller.ts';
import type { Authority } from '../../authority/index.ts';
import type { Wait } from '../../authority/receipt.ts';
import { limits } from '../../domain/limits.ts';
import { CurfewError, isCurfewError } from '../../errors.ts';
import { sessionCookie, tokensOf } from '../checks/authenticate.ts';
import { factorCode } from '../checks/second-factor.ts';
import { cookiesNamed } from '../cookies.ts';
import { operation } from '../operation.ts';
import { presentAccount, presentEnd, presentSession } from '../present.ts';
import {
  Account,
  idle,
  lifetime,
  maybe,
  Receipt,
  ref,
  Session,
  sessionName,
  Type,
  text,
  tokens,
  waiting,
} from '../schemas.ts';

const tag = 'Signing in';

export const login = operation({
  id: 'login',
  method: 'POST',
  path: '/v1/login',
  tag,
  summary: 'Sign in to an account',
  description:
    'If a second factor is enrolled, send a code from the authenticator or a backup code as `totp` or in the header ' +
    '`x-2fa-code`. If the caller already has a session, that session ends. With `name`, you sign in to a named session, ' +
    'which requires `sessions.create`. With `cookie`, the session token is set as the cookie ' +
    `\`${sessionCookie}\` and is not in the answer.`,
  access: 'open',
  body: Type.Object(
    {
      username: maybe(text(200, 'The user name; or `email`.', { examples: ['admin'] })),
      email: maybe(text(limits.email, 'The e-mail address; or `username`.')),
      password: Type.String({ maxLength: 4096, description: 'The password.', examples: ['a long password'] }),
      totp: maybe(text(40, 'The second factor, if one is enrolled.', { examples: ['123456'] })),
      name: maybe(sessionName),
      lifetime: maybe(lifetime),
      idle: maybe(idle),
      cookie: maybe(Type.Boolean({ default: false, description: 'Set the session token as a cookie.' })),
    },
    { additionalProperties: false, examples: [{ username: 'admin', password: 'a long password' }] },
  ),
  answer: {
    status: 200,
    description: 'Signed in.',
    schema: Type.Object({
      session: ref(Session),
      account: ref(Account),
      token: maybe(tokens.token),
      refreshToken: maybe(tokens.refreshToken),
    }),
  },
  errors: [
    'invalid_credentials',
    'second_factor_required',
    'second_factor_invalid',
    'too_many_attempts',
    'server_busy',
    'too_many_sessions',
    'permission_missing',
    'name_taken',
    'named_session_stopped',
    'signed_out_meanwhile',
    'changed_meanwhile',
    'clock_stepped_back',
    'cross_site_refused',
  ],
  async handle({ authority, body, request, reply }) {
    const { username, email, password, totp, name, lifetime: asked, idle: pause, cookie } = body;
    if ((username === undefined) === (email === undefined)) {
      throw new CurfewError('missing_field', { detail: 'Send either username or email.' });
    }
    const { session, account, token, refreshToken } = await authority.signIn({
      login: username === undefined ? { email: email! } : { username },
      password,
      code: totp ?? factorCode(request),
      userAgent: request.headers['user-agent'],
      ip: request.ip,
      name,
      previousTokens: tokensOf(request),
      lifetime: asked && asked * 1000,
      idle: pause && pause * 1000,
    });
    const shown = { session: presentSession(session), account: presentAccount(account) };
    if (!cookie) return { ...shown, token, refreshToken };
    const maxAge = Math.floor((session.expiresAt - session.createdAt) / 1000);
    reply.setCookie(sessionCookie, token, { ...cookieOptions, maxAge });
    return shown;
  },
});

/** A cookie that browsers send only to this host and only over TLS, and that no script can read. */
export const cookieOptions = { path: '/', httpOnly: true, secure: true, sameSite: 'lax' } as const;

export const logout = operation({
  id: 'logout',
  method: 'POST',
  path: '/v1/logout',
  tag,
  summary: "End the caller's own session",
  description:
    'This also clears the cookie, if one was sent. If the session of the cookie has ended already, this waits until that ' +
    'is known everywhere, and the answer has neither `session` nor `receipt`.',
  access: 'signed-in',
  deadCookie: 'no-caller',
  query: waiting,
  answer: {
    status: 200,
    description: 'The session has ended.',
    schema: Type.Object({
      success: Type.Boolean(),
      message: Type.String(),
      session: maybe(ref(Session)),
      receipt: maybe(ref(Receipt)),
    }),
  },
  errors: ['session_not_found'],
  async handle({ authority, caller, query, request, reply }) {
    const cleared = () => {
      if (cookiesNamed(request, sessionCookie).length > 0) reply.clearCookie(sessionCookie, cookieOptions);
    };
    if ((caller as Caller | undefined) === undefined) {
      for (const token of cookiesNamed(request, sessionCookie)) await endedSessionOf(authority, token, query.wait);
      cleared();
      return { success: true, message: 'You were signed out already.' };
    }
    if (caller.kind !== 'person') {
      throw new CurfewError('session_not_found', {
        detail: 'An API key has no session to log out of; revoke the key instead.',
      });
    }
    const ended = await authority.endSession(caller, { id: caller.session.id }, query.wait);
    cleared();
    return presentEnd(caller, ended);
  },
});

/** Waits for the end of a cookie's session: the call that ended it may still be waiting. A suspended session ends now. */
async function endedSessionOf(authority: Authority, token: string, wait: Wait | undefined): Promise<void> {
  try {
    await authority.logOut({ token }, wait);
  } catch (error) {
    if (!isCurfewError(error, 'session_not_found', 'token_malformed')) throw error;
  }
}

export const me = operation({
  id: 'me',
  method: 'GET',
  path: '/v1/me',
  tag,
  summary: 'Read who the caller is and what they may do',
  access: 'signed-in',
  answer: {
    status: 200,
    description: 'The caller.',
    schema: Type.Object({
      kind: Type.String({ description: '`person` or `key`.' }),
      permissions: Type.Array(Type.String()),
      session: maybe(ref(Session)),
      account: maybe(ref(Account)),
      key: maybe(Type.Object({ id: Type.String(), name: Type.String() })),
    }),
  },
  async handle({ authority, caller }) {
    const permissions = [...caller.granted];
    if (caller.kind !== 'person') {
      return { kind: caller.kind, permissions, key: caller.kind === 'key' ? caller.key : undefined };
    }
    const session = await authority.getSession(caller.session.id);
    const account = caller.account && (await authority.getAccount(caller.account.id));
    return {
      kind: 'person',
      permissions,
      session: presentSession(session),
      account: account && presentAccount(account),
    };
  },
});
