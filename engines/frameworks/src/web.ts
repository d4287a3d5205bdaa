import { cookieHeaders, refusalResponse, Sessions } from 'curfew-client/request';
import { client, verifier } from './curfew.ts';

const sessions = new Sessions(verifier, { client, refreshAfter: 15 * 60 });

export async function handle(request: Request): Promise<Response> {
  const found = await sessions.verifyRequest(request, { groups: ['staff'] });
  if ('refusal' in found) return refusalResponse(found);
  return new Response(`Hello ${found.session.userId}`, { headers: cookieHeaders(found.cookies) });
}
