import { CurfewApiError } from '../errors.ts';

/** A problem document (RFC 9457) that answers a refused request. */
export type Refusal = {
  status: 401 | 403 | 503;
  headers: Record<string, string>;
  body: { type: string; title: string; status: number; code: string; detail?: string | undefined; reason?: string };
};

export function refuse(status: Refusal['status'], code: string, title: string, detail?: string): Refusal {
  const headers: Record<string, string> = { 'content-type': 'application/problem+json', 'cache-control': 'no-store' };
  if (status === 401) headers['www-authenticate'] = 'Bearer';
  return { status, headers, body: { type: 'about:blank', title, status, code, detail } };
}

export function signInFirst(): Refusal {
  return refuse(401, 'authentication_required', 'Sign in first');
}

export function notActive(reason: string): Refusal {
  const refusal = refuse(401, 'session_ended', 'The session is not active');
  refusal.body.reason = reason;
  return refusal;
}

/** A request whose session could not be checked is refused. */
export function inDoubt(error: unknown): Refusal {
  const code = error instanceof CurfewApiError ? error.code : 'store_unavailable';
  const refusal = refuse(503, code, 'Sessions cannot be checked now');
  refusal.headers['retry-after'] = '1';
  return refusal;
}
