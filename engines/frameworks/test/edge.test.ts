import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createContext, Script } from 'node:vm';
import { build } from 'esbuild';
import { TestServer } from '../../../packages/curfew/test/support/server.ts';

const source = join(import.meta.dirname, '..', 'src');

describe('the examples for an edge runtime, and for a framework without an entry of its own', () => {
  let server: TestServer;
  before(async () => {
    server = await TestServer.start();
  });
  after(() => server.close());

  test('on an edge runtime, with web APIs alone, each request is checked by the server', async () => {
    const { outputFiles } = await build({
      entryPoints: [join(source, 'edge.ts')],
      bundle: true,
      write: false,
      platform: 'neutral',
      format: 'iife',
      globalName: 'edge',
      conditions: ['curfew-source', 'workerd', 'worker'],
    });
    // No process, no Buffer, no require.
    const web = { fetch, URL, URLSearchParams, AbortSignal, Headers, Request, Response, ReadableStream, TextEncoder };
    const context = createContext({ ...web, console });
    new Script(outputFiles[0]!.text).runInContext(context);
    const app = new Script('edge.default').runInContext(context) as {
      fetch(request: Request, env: object): Promise<Response>;
    };
    const get = (token: string, url = server.url) => {
      const request = new Request('https://shop.example/admin/hello', {
        headers: { cookie: `__Host-curfew=${token}` },
      });
      return app.fetch(request, { CURFEW_URL: url, CURFEW_API_KEY: server.key });
    };
    const { token } = await server.createSession('ada', { accessGroups: ['staff'] });
    assert.equal(await (await get(token)).text(), 'Hello ada');
    assert.equal((await get((await server.createSession('bob')).token)).status, 403);
    assert.equal((await get(token, 'http://127.0.0.1:9')).status, 503);
    await server.call('POST', '/v1/sessions/logout', { token });
    assert.equal((await get(token)).status, 401);
  });

  test('any framework with web requests', async (t) => {
    Object.assign(process.env, { CURFEW_URL: server.url, CURFEW_API_KEY: server.key });
    const { verifier } = await import('../src/curfew.ts');
    t.after(() => verifier.close());
    const { handle } = await import('../src/web.ts');
    const { token } = await server.createSession('ada', { accessGroups: ['staff'] });
    const answer = await handle(new Request('http://shop.example', { headers: { authorization: `Bearer ${token}` } }));
    assert.equal(await answer.text(), 'Hello ada');
    assert.equal((await handle(new Request('http://shop.example'))).status, 401);
  });
});
