import { CurfewApiError } from '../errors.ts';
import type { VerifiedSession } from '../fence/messages.ts';
import type { Verification } from '../fence/verifier.ts';

/** What middleware needs of a verifier: one that is attached to a server, or a `Curfew` of the same process. */
export type SessionVerifier = {
  check(token: string): { readonly active: true; readonly session: VerifiedSession } | undefined;
  verify(token: string): Promise<Verification>;
};

export type SessionOptions = {
  /** The cookie that holds the session token; `__Host-curfew` without. */
  cookie?: string | undefined;
};

export type Requirement = {
  /** Access groups that the session must have, every one of them. */
  groups?: readonly string[] | undefined;
};

/** A problem document (RFC 9457) that answers a request which may not go on. */
export type Refusal = {
  status: 401 | 403 | 503;
  headers: Record<string, string>;
  body: { type: string; title: string; status: number; code: string; detail?: string | undefined; reason?: string };
};

export type Request = { headers: { authorization?: string | undefined; cookie?: string | undefined } };

const defaultCookie = '__Host-curfew';

/**
 * The token that a request shows: in `Authorization: Bearer` or in the cookie. The header takes precedence: a program
 * that sends one means it.
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

/** Whose session a request shows, at once where it is known; and why it may not go on. Never throws. */
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
    // Nobody who could not be checked is let in.
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
