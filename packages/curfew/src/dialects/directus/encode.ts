import type {} from '@fastify/cookie';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Person } from '../../authority/caller.ts';
import type { Enrolment } from '../../authority/factors.ts';
import { hasFactor } from '../../domain/account.ts';
import { day } from '../../domain/limits.ts';
import type { Role } from '../../domain/permissions.ts';
import { browserHasTls } from '../../http/cookies.ts';
import type { DialectSettings } from '../dialect.ts';
import { decodeCookies, type Mode, refreshCookie, sessionCookie } from './decode.ts';
import type { Bearer, DirectusTokens } from './tokens.ts';

/**
 * Sends a caller the tokens, in the way of each mode. None outlives its session, so each may expire earlier than
 * its setting says; `expires` is in milliseconds.
 */
export async function encodeTokens(
  mode: Mode,
  bearer: Bearer,
  tokens: DirectusTokens,
  { directusAccess, directusSession }: DialectSettings,
  reply: FastifyReply,
): Promise<object> {
  const { session, refreshToken } = bearer;
  // Measured from the sign-in or the refresh: measured now, it would be a fraction of a second less.
  const left = Math.min(session.expiresAt, session.idleExpiresAt) - session.lastSeenAt;
  if (mode === 'session') {
    const expires = Math.min(directusSession, left);
    setCookie(reply, sessionCookie, await tokens.sealSession(bearer, expires), expires);
    return { data: { expires } };
  }
  const expires = Math.min(directusAccess, left);
  const data = { expires, access_token: await tokens.signAccess(bearer, expires) };
  if (mode === 'json') return { data: { ...data, refresh_token: refreshToken } };
  setCookie(reply, refreshCookie, refreshToken, left);
  return { data };
}

/** Empties the cookies that the request has. */
export function clearCookies(request: FastifyRequest, reply: FastifyReply): void {
  const came = decodeCookies(request);
  if (came.refresh.length > 0) clearCookie(reply, refreshCookie);
  if (came.session.length > 0) clearCookie(reply, sessionCookie);
}

/** Like Directus, keeps the cookie, empty and with its usual age; an empty cookie counts as none. */
export function clearCookie(reply: FastifyReply, name: typeof refreshCookie | typeof sessionCookie): void {
  setCookie(reply, name, '', name === refreshCookie ? 7 * day : day);
}

function setCookie(reply: FastifyReply, name: string, value: string, age: number): void {
  const secure = browserHasTls(reply.request);
  const maxAge = Math.max(0, Math.floor(age / 1000));
  reply.setCookie(name, value, { path: '/', httpOnly: true, sameSite: 'lax', maxAge, secure });
}

/** The placeholder for an existing secret. */
const concealed = '**********';

/**
 * A user's own fields, all of them or the requested ones. Only the id is returned for a user of an application who has
 * no account, and if an unknown field is requested.
 */
export function encodeUser({ session, account, roles }: Person, fields: Map<string, Set<string>>): object {
  const { userId: id } = session;
  if (!account) return { data: { id } };
  const user: Record<string, unknown> = {
    id,
    first_name: account.name ?? account.username,
    last_name: null,
    email: account.email ?? null,
    password: concealed,
    location: null,
    title: null,
    description: null,
    tags: null,
    avatar: null,
    language: null,
    tfa_secret: hasFactor(account) ? concealed : null,
    status: account.disabled ? 'suspended' : 'active',
    role: encodeRole(roles, new Set([...(fields.get('role') ?? []), ...(fields.get('*') ?? [])])),
    token: null,
    last_access: new Date(session.lastSeenAt).toISOString(),
    last_page: null,
    provider: 'default',
    external_identifier: null,
    auth_data: null,
    email_notifications: true,
    appearance: null,
    theme_dark: null,
    theme_light: null,
    theme_light_overrides: null,
    theme_dark_overrides: null,
    text_direction: 'auto',
    policies: [],
  };
  if (fields.size === 0 || fields.has('*')) return { data: user };
  const names = [...fields.keys()];
  if (names.some((name) => !Object.hasOwn(user, name))) return { data: { id } };
  return { data: Object.fromEntries(names.map((name) => [name, user[name]])) };
}

/** A role by its id, or as an object with the requested parts. Its accesses are those in the access token. */
function encodeRole(roles: readonly Role[], parts: Set<string>): string | object | null {
  const [role = null] = roles;
  if (role === null || parts.size === 0) return role;
  const known = { id: role, name: role, admin_access: roles.includes('admin'), app_access: true };
  const wanted = new Set(parts.has('*') ? ['id', 'name', ...parts] : parts);
  return Object.fromEntries(Object.entries(known).filter(([name]) => wanted.has(name)));
}

/** The data for an authenticator; the parameters of the URL are in Directus's order. */
export function encodeEnrolment({ secret, url }: Enrolment): object {
  const given = new URL(url);
  const parameters = ['secret', 'period', 'digits', 'algorithm', 'issuer'].map(
    (name) => `${name}=${encodeURIComponent(given.searchParams.get(name) ?? '')}`,
  );
  return { data: { secret, otpauth_url: `otpauth://totp${given.pathname}?${parameters.join('&')}` } };
}
