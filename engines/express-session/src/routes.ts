import type { AddressInfo } from 'node:net';
import type { Express, NextFunction, Request, Response } from 'express';

declare module 'express-session' {
  interface SessionData {
    passport: { user?: unknown };
    visits: number;
    note: string;
  }
}

/** A slow request and what lets it go on: other requests, so that a test need not wait for a time. */
type Slow = { arrived(): void; hasArrived: Promise<void>; release(): void; released: Promise<void> };

/** What the tests do besides signing in and out, whichever store there is. */
export function addRoutes(app: Express): void {
  let slow = newSlow();
  const fresh = (request: Request, next: NextFunction, then: () => void) =>
    request.session.regenerate((error: unknown) => (error ? next(error) : then()));

  app.post('/in', (request: Request, response: Response, next: NextFunction) => {
    fresh(request, next, () => {
      request.session.passport = { user: request.body.userId };
      response.send('signed in');
    });
  });
  // Without a new session: what an application should not do.
  app.post('/switch', (request: Request, response: Response, next: NextFunction) => {
    request.session.passport = { user: request.body.userId };
    request.session.save((error: unknown) => (error ? next(error) : response.send('switched')));
  });
  app.post('/out', (request: Request, response: Response, next: NextFunction) => {
    request.session.destroy((error: unknown) => (error ? next(error) : response.send('signed out')));
  });
  app.get('/who', (request: Request, response: Response) => {
    const { passport, visits, note } = request.session;
    response.json({ user: passport?.user ?? null, visits: visits ?? 0, note: note ?? null });
  });
  app.post('/visit', (request: Request, response: Response, next: NextFunction) => {
    request.session.visits = (request.session.visits ?? 0) + 1;
    request.session.save((error: unknown) => (error ? next(error) : response.json(request.session.visits)));
  });
  app.post('/remember', (request: Request, response: Response) => {
    request.session.cookie.maxAge = Number(request.body.maxAge);
    response.send('remembered');
  });
  app.post('/slow', async (request: Request, response: Response) => {
    const mine = slow;
    mine.arrived();
    await mine.released;
    request.session.note = 'a slow request was here';
    // Larger than what a socket takes at once.
    response.send('x'.repeat(4_000_000));
  });
  app.post('/slow/then-save', async (request: Request, response: Response, next: NextFunction) => {
    const mine = slow;
    mine.arrived();
    await mine.released;
    request.session.note = 'a slow request was here';
    request.session.save((error: unknown) => (error ? next(error) : response.send('saved')));
  });
  app.post('/slow/arrived', async (_request: Request, response: Response) => {
    await slow.hasArrived;
    response.send('it has');
  });
  app.post('/slow/release', (_request: Request, response: Response) => {
    slow.release();
    slow = newSlow();
    response.send('released');
  });
  app.use(
    (error: Error & { code?: string; status?: number }, _request: Request, response: Response, next: NextFunction) => {
      console.log(`error ${error.code ?? error.message}`);
      if (response.headersSent) next(error);
      else response.status(error.status || 500).json({ code: error.code, message: error.message });
    },
  );
}

export function listen(app: Express): void {
  const server = app.listen(Number(process.env['PORT'] ?? 0), '127.0.0.1', () => {
    console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  });
}

function newSlow(): Slow {
  const arrival = Promise.withResolvers<void>();
  const going = Promise.withResolvers<void>();
  return { arrived: arrival.resolve, hasArrived: arrival.promise, release: going.resolve, released: going.promise };
}
