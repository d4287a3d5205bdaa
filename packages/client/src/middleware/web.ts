import { cookieHeaders } from './cookies.ts';
import type { Refused } from './sessions.ts';

/** The answer to a refused request, for frameworks that use web responses. */
export function refusalResponse({ refusal, cookies }: Refused): Response {
  const response = new Response(JSON.stringify(refusal.body), { status: refusal.status, headers: refusal.headers });
  addHeaders(response.headers, cookieHeaders(cookies));
  return response;
}

export function addHeaders(headers: Headers, added: readonly (readonly [name: string, value: string])[]): void {
  for (const [name, value] of added) {
    if (name === 'set-cookie') headers.append(name, value);
    else headers.set(name, value);
  }
}

/** The same answer, which no cache may keep; in a copy, because headers of an answer may be immutable. */
export function notStored(response: Response): Response {
  const copy = new Response(response.body, response);
  copy.headers.set('cache-control', 'no-store');
  return copy;
}
