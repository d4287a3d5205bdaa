import { createSecretKey } from 'node:crypto';
import { decodeJwt, EncryptJWT, errors, type JWTPayload, jwtDecrypt, jwtVerify, SignJWT } from 'jose';
import type { Role } from '../../domain/permissions.ts';
import type { Session } from '../../domain/session.ts';
import { CurfewError } from '../../errors.ts';
import type { DialectSettings } from '../dialect.ts';

/*
 * The two kinds of tokens that this dialect issues. Neither gives access by itself: after reading one, the authority is
 * asked about the session, so both become invalid with the session at once.
 *
 * - The access token is signed (HS256, RFC 7519) and names a session by its id. Clients may decode it, so it has the
 *   same claims as Directus's, and no secret.
 * - The session token, the cookie of mode `session`, is encrypted (A256KW with A256GCM, RFC 7516) and contains the
 *   session's refresh token: it is verified by that, and rotated with it. It is encrypted so that nobody can extract
 *   the refresh token and use it after the cookie has expired.
 *
 * Each has its own key, derived from the servers' key, so a token for one audience is invalid for the other. One
 * algorithm is allowed for each, the key never comes from a token (`jku`, `x5u`, `jwk` and `kid` are ignored), and
 * `exp` and `iat` are required (RFC 8725; ASVS 9.1 and 9.2).
 */

/** The issuer that Directus uses: its clients and its server recognise its tokens by it. */
const issuer = 'directus';
const access = { type: 'at+jwt', audience: 'curfew directus access' } as const;
const sealed = { type: 'directus-session+jwt', audience: 'curfew directus session' } as const;

/** The person and the session for which a token is issued. */
export type Bearer = { session: Session; refreshToken: string; roles: readonly Role[] };

export type DirectusTokens = {
  /** `lifetime` in milliseconds. */
  signAccess(bearer: Bearer, lifetime: number): Promise<string>;
  /** The id of the session that an access token names. @throws `token_malformed`, `token_expired` */
  readAccess(text: string): Promise<string>;
  sealSession(bearer: Bearer, lifetime: number): Promise<string>;
  /** The refresh token in a session token. @throws `token_malformed`, `token_expired` */
  openSession(text: string): Promise<string>;
};

/** The kind of a token, only by its form: nothing in it is trusted yet. */
export function kindOfJwt(text: string): 'access' | 'session' | undefined {
  const parts = text.split('.').length;
  if (parts === 5) return 'session';
  return parts === 3 && claimsOf(text)?.iss === issuer ? 'access' : undefined;
}

export function createTokens({ clock, keyFor }: DialectSettings): DirectusTokens {
  const accessKey = createSecretKey(keyFor(access.audience));
  const sessionKey = createSecretKey(keyFor(sealed.audience));
  const seconds = (moment: number) => Math.floor(moment / 1000);
  const expected = ({ type, audience }: typeof access | typeof sealed, claim: string) => ({
    typ: type,
    issuer,
    audience,
    requiredClaims: ['exp', 'iat', claim],
    currentDate: new Date(clock.now()),
  });
  return {
    signAccess({ session, roles }, lifetime) {
      const now = clock.now();
      const admin = roles.includes('admin');
      return new SignJWT({
        id: session.userId,
        role: roles[0] ?? null,
        app_access: true,
        admin_access: admin,
        sid: session.id,
      })
        .setProtectedHeader({ alg: 'HS256', typ: access.type })
        .setIssuer(issuer)
        .setAudience(access.audience)
        .setIssuedAt(seconds(now))
        .setExpirationTime(seconds(now + lifetime))
        .sign(accessKey);
    },
    async readAccess(text) {
      const options = { ...expected(access, 'sid'), algorithms: ['HS256'] };
      return textOf('sid', await verified(text, () => jwtVerify(text, accessKey, options)));
    },
    sealSession({ refreshToken }, lifetime) {
      const now = clock.now();
      return new EncryptJWT({ session: refreshToken })
        .setProtectedHeader({ alg: 'A256KW', enc: 'A256GCM', typ: sealed.type })
        .setIssuer(issuer)
        .setAudience(sealed.audience)
        .setIssuedAt(seconds(now))
        .setExpirationTime(seconds(now + lifetime))
        .encrypt(sessionKey);
    },
    async openSession(text) {
      const algorithms = { keyManagementAlgorithms: ['A256KW'], contentEncryptionAlgorithms: ['A256GCM'] };
      const options = { ...expected(sealed, 'session'), ...algorithms };
      return textOf('session', await verified(text, () => jwtDecrypt(text, sessionKey, options)));
    },
  };
}

/** The claims of a valid token. Any error other than its age makes the token malformed. */
async function verified(text: string, read: () => Promise<{ payload: JWTPayload }>): Promise<JWTPayload> {
  if (!isCanonical(text)) throw new CurfewError('token_malformed');
  try {
    return (await read()).payload;
  } catch (error) {
    throw new CurfewError(error instanceof errors.JWTExpired ? 'token_expired' : 'token_malformed', {}, error);
  }
}

/**
 * Base64 has several texts for the same bytes. Only one of them is accepted, so a changed text is a different token.
 */
function isCanonical(text: string): boolean {
  return text.split('.').every((part) => Buffer.from(part, 'base64url').toString('base64url') === part);
}

function textOf(claim: string, payload: JWTPayload): string {
  const value = payload[claim];
  if (typeof value === 'string') return value;
  throw new CurfewError('token_malformed');
}

function claimsOf(text: string): JWTPayload | undefined {
  try {
    return decodeJwt(text);
  } catch {
    return undefined;
  }
}
