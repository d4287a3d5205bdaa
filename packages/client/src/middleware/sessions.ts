import { CurfewApiError } from '../errors.ts';
import type { Verification } from '../fence/verifier.ts';
import type { VerifiedSession } from '../protocol/index.ts';

/** What middleware needs from a verifier, which is attached to a server or is a `Curfew` of the same process. */
export type SessionVerifier = {
  check(token: string): { readonly active: true; readonly session: VerifiedSession } | undefined;
  verify(token: string): Promise<Verification>;
};

export type SessionOptions = {
  /** The cookie that holds the session token; `__Host-curfew` by default. */
  cookie?: string | undefined;
};

export type Requirement = {
  /** Access groups, all of which the session must have. */
  groups?: readonly string[] | undefined;
};

/** A problem document (RFC 9457) that answers a refused request. */
export type Refusal = {
  status: 401 | 403 | 503;
  headers: Record<string, string>;
  body: { type: string; title: string; status: number; code: string; detail?: string | undefined; reason?: string };
};

export type Request = { headers: { authorization?: string | undefined; cookie?: string | undefined } };

const defaultCookie = '__Host-curfew';

/**
 * The token of a request, from `Authorization: Bearer` or from the cookie. The header takes precedence, because only a
 * program sends it, and only on purpose.
 */
export function tokenOf({ headers }: Request, { cookie = defaultCookie }: SessionOptions = {}): string | undefined {
  const bearer = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  if (bearer !== undefined || headers.authorization !== undefined) return bearer;
  for (const part of headers.cookie?.split(';') ?? []) {
    const at = part.indexOf('=');
    if (at > 0 && part.slice(0, at).trim() === cookie)
      return part
        .slice(at + 1)
        .trim()
        .replace(/^"(.*)"$/, '$1');
  }
  return undefined;
}

export type Examined = { session: VerifiedSession } | { refusal: Refusal };

/** The session of a request, synchronously if it is known, or the refusal. Never throws. */
export function examine(
  verifier: SessionVerifier,
  request: Request,
  requirement: Requirement,
  options: SessionOptions = {},
): Examined | Promise<Examined> {
  const token = tokenOf(request, options);
  if (token === undefined) return { refusal: refuse(401, 'authentication_required', 'Sign in first') };
  const known = verifier.check(token);
  return known ? admit(known, requirement) : ask(verifier, token, requirement);
}

async function ask(verifier: SessionVerifier, token: string, requirement: Requirement): Promise<Examined> {
  try {
    return admit(await verifier.verify(token), requirement);
  } catch (error) {
    // A request whose session could not be checked is refused.
    const code = error instanceof CurfewApiError ? error.code : 'store_unavailable';
    const refusal = refuse(503, code, 'Sessions cannot be checked now');
    refusal.headers['retry-after'] = '1';
    return { refusal };
  }
}

function admit(verification: Verification, { groups = [] }: Requirement): Examined {
  if (!verification.active) {
    const refusal = refuse(401, 'session_ended', 'The session is not active');
    refusal.body.reason = verification.reason;
    return { refusal };
  }
  const { session } = verification;
  const missing = groups.filter((group) => !session.accessGroups.includes(group));
  if (missing.length === 0) return { session };
  return {
    refusal: refuse(403, 'access_group_missing', 'The session may not do this', `It lacks: ${missing.join(', ')}.`),
  };
}

function refuse(status: Refusal['status'], code: string, title: string, detail?: string): Refusal {
  const headers: Record<string, string> = { 'content-type': 'application/problem+json', 'cache-control': 'no-store' };
  if (status === 401) headers['www-authenticate'] = 'Bearer';
  return { status, headers, body: { type: 'about:blank', title, status, code, detail } };
}
