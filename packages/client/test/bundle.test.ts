import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createContext, Script } from 'node:vm';
import { type BuildOptions, build } from 'esbuild';
import { chromium } from 'playwright-core';
import { TestServer } from '../../curfew/test/support/server.ts';
import manifest from '../package.json' with { type: 'json' };

/** Opens sessions, pages through them, ends one and handles an error, as an application does with the client. */
const application = `
import { CurfewApiError, createClient, pages } from 'curfew-client';

globalThis.work = async (url, token) => {
  const curfew = createClient({ url, token });
  const opened = [];
  for (let i = 0; i < 3; i += 1) opened.push(await curfew.createSession({ userId: 'ada' }));
  const { receipt } = await curfew.endSession({ id: opened[0].session.id });
  let found = 0;
  for await (const { sessions } of pages(curfew.listUserSessions, { userId: 'ada', limit: 1 })) found += sessions.length;
  const error = await createClient({ url }).me().catch((thrown) => thrown);
  return [receipt.everywhere, found, error instanceof CurfewApiError && error.code];
};
`;
const done = [true, 2, 'authentication_required'];

/** The entries that cannot be used there, and what the build says. */
const needNode: Record<string, RegExp> = {
  verifier: /The verifier requires Node\.js\. Use remoteVerifier of curfew-client\/request here/,
  fence: /The verifier requires Node\.js\. Use remoteVerifier of curfew-client\/request here/,
  'express-session': /The store for express-session requires Node\.js/,
};

const browser = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((path) => existsSync(path));

describe('the client’s entry in a bundle', () => {
  let server: TestServer;
  before(async () => {
    server = await TestServer.start();
  });
  after(() => server.close());

  test('N7.7: it runs in a browser', { skip: browser ? false : 'chromium is not installed' }, async () => {
    const script = await bundled({ platform: 'browser', format: 'iife' });
    const running = await chromium.launch({ executablePath: browser!, args: ['--no-sandbox'] });
    try {
      const page = await running.newPage();
      // A page of the server itself, because it lets no other site call it.
      await page.route(`${server.url}/page`, (route) =>
        route.fulfill({ contentType: 'text/html', body: '<p>Hello</p>' }),
      );
      await page.goto(`${server.url}/page`);
      await page.addScriptTag({ content: script });
      const answer = await page.evaluate(`work(${JSON.stringify(server.url)}, ${JSON.stringify(server.key)})`);
      assert.deepEqual(answer, done);
    } finally {
      await running.close();
      await server.call('DELETE', '/v1/users/ada/sessions');
    }
  });

  for (const condition of ['workerd', 'edge-light', 'worker']) {
    test(`it runs at the edge (${condition}) with web APIs alone, without Node.js`, async () => {
      const script = await bundled({ platform: 'neutral', format: 'iife', conditions: [condition] });
      // The web APIs common to edge runtimes, as far as the client may use them; no process, no Buffer, no require.
      const context = createContext({ fetch, URL, URLSearchParams, AbortSignal, Headers, Response });
      new Script(script).runInContext(context);
      const answer = await context['work'](server.url, server.key);
      assert.deepEqual([...answer], done);
      await server.call('DELETE', '/v1/users/ada/sessions');
    });
  }

  test('the verifier stays separate: the bundle contains nothing of it, and it requires Node.js', async () => {
    assert.doesNotMatch(await bundled({ platform: 'neutral', format: 'esm' }), /WebSocket|ExactCache/);
    const verifier = bundled({ platform: 'neutral', format: 'esm' }, "export * from 'curfew-client/verifier';");
    await assert.rejects(verifier, /Could not resolve "node:crypto"/);
  });

  for (const condition of ['workerd', 'edge-light', 'browser']) {
    for (const [entry, what] of Object.entries(needNode)) {
      test(`${entry} for ${condition}: the build fails, and says what to use there`, async () => {
        const options: BuildOptions = { platform: 'neutral', format: 'esm', conditions: [condition] };
        const built = published(options, `export * from 'curfew-client/${entry}';`);
        await assert.rejects(built, what);
      });
    }
    test(`everything else can be bundled for ${condition}, and imports nothing of Node.js`, async () => {
      const { exports } = manifest as { exports: Record<string, unknown> };
      const entries = Object.keys(exports).filter((one) => one !== './package.json' && !(one.slice(2) in needNode));
      assert.ok(entries.length > 10, String(entries));
      for (const entry of entries) {
        const contents = `export * from '${join('curfew-client', entry)}';`;
        assert.doesNotMatch(
          await bundled({ platform: 'neutral', format: 'esm', conditions: [condition] }, contents),
          /node:/,
        );
      }
    });
  }
});

function bundled(options: BuildOptions, contents = application): Promise<string> {
  return published({ ...options, conditions: ['curfew-source', ...(options.conditions ?? [])] }, contents);
}

/** As an application gets it, from what was built. */
async function published(options: BuildOptions, contents: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: import.meta.dirname },
    bundle: true,
    write: false,
    logLevel: 'silent',
    ...options,
  });
  return outputFiles![0]!.text;
}
