import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { options } from '../../src/start/config.ts';
import { temporaryFolder } from '../stores/harness.ts';
import { type Route, startRecorded } from '../support/routes.ts';
import { AnswerChecks, type Received } from './answers.ts';
import { Population, tokensIn } from './population.ts';
import { type Request, requests } from './requests.ts';
import { fillIn } from './schemas.ts';

/*
 * Requests to every route that the server registers, generated from the routes' own schemas, so that every mounted
 * dialect is included. `CURFEW_FUZZ=100000` sends that many; `CURFEW_FUZZ_SEED` repeats a run.
 */
const runs = Number(process.env['CURFEW_FUZZ'] ?? 3000);
const seed = Number(process.env['CURFEW_FUZZ_SEED'] ?? Date.now() % 2 ** 31);
/** The number of requests after which ended things are replaced. */
const refillEvery = 20;
/** Requests to one server before another one starts, with an empty store. */
const perServer = 5000;

test(`Fuzz: ${runs} fuzzed requests: no 5xx, answers as declared, no secret in an answer or the log`, async (t) => {
  const tally = new Tally();
  const checks = new AnswerChecks();
  for (let sent = 0; sent < runs; sent += perServer) {
    await drive(t, Math.min(perServer, runs - sent), seed + sent, tally, checks);
  }
  for (const line of tally.lines()) t.diagnostic(line);
  t.diagnostic(`${checks.validated} answers validated, ${checks.undeclared} of no declared shape; seed ${seed}`);
  // A short manual run of a few hundred may miss one.
  if (runs < 20 * tally.routes) return;
  assert.deepEqual(tally.neverCalled(), [], 'a route was never called');
  assert.ok(tally.reached() > 0.5, 'most routes only refused');
});

/** Sends that many requests to a separate server, and then searches its log. */
async function drive(t: TestContext, numRuns: number, from: number, tally: Tally, checks: AnswerChecks): Promise<void> {
  const folder = temporaryFolder();
  t.after(folder.remove);
  const logFile = join(folder.path, 'log');
  const { server, routes } = await startRecorded({
    CURFEW_LOG_LEVEL: 'debug',
    CURFEW_LOG_FILE: logFile,
    ...unlimited(),
  });
  // A failure shows the route's name instead of all its schemas.
  for (const route of routes) Object.assign(route, { [fc.toStringMethod]: () => `${route.method} ${route.url}` });
  tally.expect(routes);
  const population = new Population(server.context);
  const secrets = { population, seen: new Set<string>() };
  let sent = 0;
  try {
    await fc.assert(
      fc.asyncProperty(requests(routes), async (request) => {
        if (sent++ % refillEvery === 0) await population.refill();
        const answer = await send(server.url, request, population);
        tally.count(request, answer);
        assert.ok(answer.status < 500, `${answer.status}: ${answer.text}`);
        assert.equal(checks.fault(request, answer), undefined, answer.text);
        checkSecrets(request, answer, secrets);
      }),
      // The result depends on earlier requests, so a smaller one would prove nothing.
      { numRuns, seed: from, endOnFailure: true },
    );
  } finally {
    await server.close();
  }
  const logged = readFileSync(logFile, 'utf8');
  assert.ok(logged.split('\n').length > numRuns * 0.9, 'the requests were not logged');
  assert.deepEqual(tokensIn(logged), [], 'a token is in the log');
  for (const secret of population.secrets) assert.ok(!logged.includes(secret), 'a secret is in the log');
}

/** Disables every rate limit. */
function unlimited(): Record<string, string> {
  return Object.fromEntries(
    Object.values(options)
      .filter(({ form }) => form.startsWith('number/duration'))
      .map(({ env, form }) => [env, form.includes('off') ? 'off' : '1000000/1s']),
  );
}

async function send(url: string, request: Request, population: Population): Promise<Received> {
  const { route, path, headers, body } = request;
  const fill = (text: string) => fillIn(text, population.valueOf);
  const filled = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, fill(value)]));
  const response = await fetch(url + fillIn(path, (kind, n) => encodeURIComponent(population.valueOf(kind, n))), {
    method: route.method,
    redirect: 'manual',
    headers: filled,
    signal: AbortSignal.timeout(30_000),
    ...(body !== undefined && { body: fill(body) }),
  });
  const type = response.headers.get('content-type') ?? '';
  const cookies = response.headers.getSetCookie().join('\n');
  const received = { status: response.status, type, cookies, sent: Object.values(filled).join('\n') };
  if (!type.startsWith('text/event-stream')) return { ...received, text: await response.text() };
  // It never ends, so its beginning suffices.
  const reader = response.body!.getReader();
  const { value } = await reader.read();
  await reader.cancel();
  return { ...received, text: Buffer.from(value ?? []).toString() };
}

/** An answer may contain a token only if it is new, or the same successor for a repeated refresh; never a secret. */
function checkSecrets(
  { route }: Request,
  { text: body, cookies, sent }: Received,
  { population, seen }: { population: Population; seen: Set<string> },
): void {
  const text = `${body}\n${cookies}`;
  for (const secret of population.secrets) assert.ok(!text.includes(secret), `a secret is in: ${text}`);
  for (const token of tokensIn(text)) {
    // Rocket.Chat returns the token that was sent to a caller that has ended all its other sessions.
    if (route.url.endsWith('/users.logoutOtherClients') && sent.includes(token)) continue;
    assert.notEqual(route.method, 'GET', `a read returns a token: ${text}`);
    assert.ok(!population.has(token) || seen.has(token), `an old token is revealed: ${text}`);
    assert.ok(!seen.has(token) || /refresh/.test(route.url), `a token is revealed again: ${text}`);
    seen.add(token);
    population.issued(token);
  }
}

/** How many requests each route got, and how they were answered. */
class Tally {
  readonly #byRoute = new Map<string, Map<number, number>>();

  get routes(): number {
    return this.#byRoute.size;
  }

  /** Routes that are meant to be called. */
  expect(routes: readonly Route[]): void {
    for (const { method, url } of routes) {
      const name = `${method} ${url}`;
      if (!this.#byRoute.has(name)) this.#byRoute.set(name, new Map());
    }
  }

  count({ route: { method, url } }: Request, { status }: Received): void {
    const counts = this.#byRoute.get(`${method} ${url}`)!;
    counts.set(status, (counts.get(status) ?? 0) + 1);
  }

  lines(): string[] {
    const all = [...this.#byRoute.values()].flatMap((counts) => [...counts]);
    const total = all.reduce((sum, [, count]) => sum + count, 0);
    const of = (hundred: number) =>
      all.filter(([status]) => Math.floor(status / 100) === hundred).reduce((sum, [, count]) => sum + count, 0);
    const routes = [...this.#byRoute].map(([route, counts]) => {
      const shown = [...counts].sort(([a], [b]) => a - b).map(([status, count]) => `${status}×${count}`);
      return `  ${route}: ${shown.join(' ')}`;
    });
    const kinds = [2, 3, 4, 5].map((hundred) => `${of(hundred)} ${hundred}xx`).join(', ');
    return [`${total} requests over ${this.#byRoute.size} routes: ${kinds}`, ...routes];
  }

  neverCalled(): string[] {
    return [...this.#byRoute].filter(([, counts]) => counts.size === 0).map(([route]) => route);
  }

  /** The share of routes that succeeded at least once. */
  reached(): number {
    const done = [...this.#byRoute.values()].filter((counts) => [...counts.keys()].some((status) => status < 400));
    return done.length / this.#byRoute.size;
  }
}
