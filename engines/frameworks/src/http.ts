import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { listening, port } from './port.ts';

// #region example

import { httpSessions } from 'curfew-client/http';
import { client, verifier } from './curfew.ts';

const sessions = httpSessions(verifier, { client, refreshAfter: 15 * 60 });

const routes: Record<string, RequestListener> = {
  async 'POST /login'(request, response) {
    const { userId } = (await json(request)) as { userId: string };
    // After your own check of the password:
    await sessions.signIn(response, { userId, metadata: { plan: 'paid' } });
    response.end('signed in');
  },
  async 'POST /logout'(_request, response) {
    await sessions.logOut(response);
    response.end('signed out');
  },
  'GET /me': sessions({}, ({ curfewSession: { userId, metadata } }, response) => {
    response.end(JSON.stringify({ userId, plan: metadata.plan }));
  }),
  'GET /staff': sessions({ groups: ['staff'] }, (_request, response) => response.end('staff only')),
  'GET /account': sessions({ signedInWithin: 15 * 60 }, (_request, response) => response.end('a fresh sign-in')),
};
// #endregion
const more: Record<string, RequestListener> = {
  async 'POST /refresh'(_request, response) {
    await sessions.refresh(response);
    response.end('refreshed');
  },
  async 'POST /write'(request, response) {
    const { text } = (await json(request)) as { text: string };
    await sessions({}, () => response.end(text))(request, response);
  },
  'GET /broken': sessions({}, (_request, response) => response.writeHead(500).end('broken on purpose')),
  'GET /theme': sessions({}, (_request, response) => response.appendHeader('set-cookie', 'theme=dark').end('themed')),
  'GET /leave': sessions({}, async (_request, response) => {
    await sessions.logOut(response);
    response.end('signed out');
  }),
};

const server = createServer(async (request, response) => {
  const route = `${request.method} ${request.url}`;
  try {
    const answer = routes[route] ?? more[route];
    if (answer) await answer(request, response);
    else response.writeHead(404).end('nothing is here');
  } catch (error) {
    response.writeHead((error as { status?: number }).status || 500).end(String(error));
  }
});
server.listen(port, '127.0.0.1', () => listening((server.address() as AddressInfo).port));
