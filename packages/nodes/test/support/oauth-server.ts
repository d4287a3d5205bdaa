import { answering, type Closer } from './wire.ts';

/**
 * A small authorization server with the endpoint of RFC 7009: it knows one client, revokes what it issued to it, and
 * confirms every other token, as the RFC says.
 */
export async function oauthServer(
  t: Closer,
): Promise<{ url: string; live: Set<string>; client: { id: string; secret: string } }> {
  const live = new Set<string>();
  const client = { id: 'flows & co', secret: 'p:ss+word' };
  const { url } = await answering(t, async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    const refuse = (status: number, error: string) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ error }));
    if (request.method !== 'POST' || request.url !== '/revoke') return response.writeHead(404).end();
    if (request.headers['content-type'] !== 'application/x-www-form-urlencoded') return refuse(400, 'invalid_request');
    const form = new URLSearchParams(text);
    if (!knows(request.headers.authorization, form)) return refuse(401, 'invalid_client');
    const token = form.get('token');
    if (token === null) return refuse(400, 'invalid_request');
    if (form.get('token_type_hint') === 'refresh_token' && token === 'unrevokable') {
      return refuse(400, 'unsupported_token_type');
    }
    live.delete(token);
    return response.writeHead(200).end();
  });

  function knows(header: string | undefined, form: URLSearchParams): boolean {
    if (header === undefined) return form.get('client_id') === client.id && form.get('client_secret') === client.secret;
    const decode = (part = '') => decodeURIComponent(part.replaceAll('+', ' '));
    const [id, secret] = Buffer.from(header.replace('Basic ', ''), 'base64').toString().split(':');
    return decode(id) === client.id && decode(secret) === client.secret;
  }

  return { url: `${url}/revoke`, live, client };
}
