import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import fastifyCookie from '@fastify/cookie';
import fastifySession from '@fastify/session';
import cookieSession from 'cookie-session';
import { expressSessions } from 'curfew-client/express';
import { fastifySessions } from 'curfew-client/fastify';
import { createVerifier, type Verifier } from 'curfew-client/verifier';
import express, { type RequestHandler } from 'express';
import expressSession from 'express-session';
import fastify from 'fastify';
import { root, run } from '../../curfew/test/support/pages.ts';
import { TestServer } from '../../curfew/test/support/server.ts';

/** An application in TypeScript that has both: each of `session` and `curfewSession` has its own type. */
const application = `
import fastifySession from '@fastify/session';
import { expressSessions } from 'curfew-client/express';
import { fastifySessions } from 'curfew-client/fastify';
import type { Verifier } from 'curfew-client/verifier';
import express from 'express';
import expressSession, { type Cookie } from 'express-session';
import fastify from 'fastify';

declare module 'express-session' {
  interface SessionData {
    visits: number;
  }
}
declare module 'fastify' {
  interface Session {
    visits: number;
  }
}

export function withExpress(verifier: Verifier, secret: string) {
  const app = express();
  app.use(expressSession({ secret, resave: false, saveUninitialized: true }), expressSessions(verifier)());
  app.get('/me', ({ session, curfewSession }, response) => {
    const visits: number | undefined = session.visits;
    const cookie: Cookie = session.cookie;
    const userId: string = curfewSession.userId;
    // @ts-expect-error It is not Curfew's.
    session.userId;
    // @ts-expect-error Nor is this the other's.
    curfewSession.visits;
    response.json({ visits, cookie, userId });
  });
  return app;
}

export async function withFastify(verifier: Verifier, secret: string) {
  const app = fastify();
  await app.register(fastifySession, { secret });
  app.get('/me', { onRequest: fastifySessions(verifier)() }, async ({ session, curfewSession }) => {
    const visits: number | undefined = session.visits;
    const userId: string = curfewSession.userId;
    // @ts-expect-error It is not Curfew's.
    session.userId;
    // @ts-expect-error Nor is this the other's.
    curfewSession.visits;
    return { visits, userId };
  });
  return app;
}
`;

/*
 * An application that moves to Curfew has its framework's sessions beside Curfew's for a while. Both keep their own,
 * whichever comes first; and `request.session` has the type that the other one declares.
 */

declare module 'express-session' {
  interface SessionData {
    visits: number;
  }
}
declare module 'fastify' {
  interface Session {
    visits: number;
  }
}

const secret = randomBytes(32).toString('hex');
/** Longer than any of these answers takes, so that a hanging request fails with its name. */
const patience = 10_000;

const others: Record<string, () => RequestHandler> = {
  'express-session': () => expressSession({ secret, resave: false, saveUninitialized: true }),
  'cookie-session': () => cookieSession({ secret }),
};

describe('other libraries’ sessions beside Curfew’s', () => {
  let server: TestServer;
  let verifier: Verifier;
  let token: string;
  before(async () => {
    server = await TestServer.start();
    verifier = createVerifier({ url: server.url, key: server.key });
    token = (await server.createSession('ada')).token;
  });
  after(async () => {
    verifier.close();
    await server.close();
  });

  for (const [name, other] of Object.entries(others)) {
    for (const order of ['before', 'after'] as const) {
      test(`N7.6: ${name} ${order} requireSession: each keeps its own, and every request is answered`, async (t) => {
        const app = express();
        const ours = expressSessions(verifier)();
        app.use(...(order === 'before' ? [other(), ours] : [ours, other()]));
        app.get('/me', ({ session, curfewSession }, response) => {
          session.visits = (session.visits ?? 0) + 1;
          response.json({ userId: curfewSession.userId, visits: session.visits });
        });
        await visits(await listening(t, app), name);
      });
    }
  }

  test('N7.6: the types of express-session and of @fastify/session stay as they are beside Curfew’s', async (t) => {
    const folder = mkdtempSync(join(import.meta.dirname, '.example-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    writeFileSync(join(folder, 'application.ts'), application);
    const config = { extends: '../../../../tsconfig.base.json', include: ['application.ts'] };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
    await run(join(root, 'node_modules/.bin/tsc'), ['--project', folder, '--noEmit']);
  });

  test('@fastify/session before requireSession: each keeps its own', async (t) => {
    const app = fastify();
    await app.register(fastifyCookie);
    await app.register(fastifySession, { secret, cookie: { secure: false } });
    app.get('/me', { onRequest: fastifySessions(verifier)() }, async ({ session, curfewSession }) => {
      session.visits = (session.visits ?? 0) + 1;
      return { userId: curfewSession.userId, visits: session.visits };
    });
    t.after(() => app.close());
    await visits(await app.listen({ port: 0 }), '@fastify/session');
  });

  async function visits(url: string, name: string): Promise<void> {
    const get = (headers: Record<string, string>) =>
      fetch(`${url}/me`, { headers, signal: AbortSignal.timeout(patience) });
    const first = await get({ authorization: `Bearer ${token}` });
    assert.deepEqual(await first.json(), { userId: 'ada', visits: 1 }, name);
    const cookie = first.headers.getSetCookie().map((one) => one.split(';')[0]);
    assert.ok(cookie.length > 0, 'the other set no cookie');
    const held = Buffer.from(decodeURIComponent(cookie.join('; ')).split('=')[1] ?? '', 'base64').toString();
    assert.doesNotMatch(held, /ada/, 'it contains something of Curfew’s session');
    const second = await get({ authorization: `Bearer ${token}`, cookie: cookie.join('; ') });
    assert.deepEqual(await second.json(), { userId: 'ada', visits: 2 }, name);
    assert.equal((await get({ cookie: cookie.join('; ') })).status, 401, 'it opens a Curfew session');
  }
});

async function listening(t: TestContext, listener: RequestListener): Promise<string> {
  const app = createServer(listener).listen(0, '127.0.0.1');
  t.after(() => {
    app.closeAllConnections();
    app.close();
  });
  await once(app, 'listening');
  return `http://127.0.0.1:${(app.address() as AddressInfo).port}`;
}
