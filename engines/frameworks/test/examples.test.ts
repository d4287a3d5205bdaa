import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { BrowserContext, Page } from 'playwright-core';
import { theBrowser } from '../../../packages/console/test/support/world.ts';
import { Nginx, nginxIsInstalled } from '../../../packages/curfew/test/support/nginx.ts';
import { root, run } from '../../../packages/curfew/test/support/pages.ts';
import { TestServer } from '../../../packages/curfew/test/support/server.ts';
import { copyOfExample, hasItsTypes } from './copies.ts';
import { builtClient, onNode24, type Running, start } from './programs.ts';

/*
 * The applications in `examples/` do what their READMEs say, in a browser. Each is copied here, beside the frameworks, so
 * that nothing is installed twice.
 */

const home = join(import.meta.dirname, '..');
const next = join(home, 'node_modules/next/dist/bin/next');
const copies: string[] = [];
after(() => {
  for (const copy of copies) rmSync(copy, { recursive: true, force: true });
});

function copyOf(name: string): string {
  const copy = copyOfExample(name, home);
  copies.push(copy);
  return copy;
}

type Example = {
  /** Where a person who is signed in can sign out. */
  account: string;
  start(server: TestServer): Promise<{ url: string; stop(): unknown }>;
};

const byNode = async (name: string, args: string[], server: TestServer): Promise<Running> => {
  const settings = { CURFEW_URL: server.url, CURFEW_API_KEY: await keyOfReadme(name, server) };
  const running = await start({ args }, settings);
  return { ...running, url: running.url.replace('127.0.0.1', 'localhost') };
};
const app = (name: string) => ['--conditions=curfew-source', join(copyOf(name), 'app.ts')];

const examples: Record<string, Example> = {
  express: { account: '/', start: (server) => byNode('express', app('express'), server) },
  hono: { account: '/', start: (server) => byNode('hono', app('hono'), server) },
  next: {
    account: '/',
    async start(server) {
      await builtClient();
      const copy = copyOf('next');
      // Where the client is, seen from the copy.
      const config = join(copy, 'next.config.ts');
      writeFileSync(config, readFileSync(config, 'utf8').replace("'../..'", "'../../..'"));
      await run(process.execPath, [next, 'build', copy], onNode24());
      return byNode('next', [next, 'start', copy, '--hostname', 'localhost'], server);
    },
  },
  nginx: {
    account: '/account.html',
    async start(server) {
      const folder = copyOf('nginx');
      const wiki = await start({ args: [join(folder, 'wiki.ts')] }, {});
      const config = readFileSync(join(folder, 'wiki.conf'), 'utf8');
      // nginx's own nginx.conf has this line above each such file.
      const nginx = await Nginx.start((port) =>
        `include /etc/nginx/mime.types;\n${config}`
          .replace('127.0.0.1:2873', new URL(server.url).host)
          .replace('127.0.0.1:3000', new URL(wiki.url).host)
          .replace('listen 8080', `listen 127.0.0.1:${port}`)
          .replace('/srv/wiki/pages', join(folder, 'pages')),
      );
      const stop = () => {
        wiki.stop();
        return nginx.remove();
      };
      return { url: nginx.url.replace('127.0.0.1', 'localhost'), stop };
    },
  },
};

/** A key with the scopes that the README of an example asks for, and no others. */
async function keyOfReadme(name: string, server: TestServer): Promise<string> {
  const readme = readFileSync(join(root, 'examples', name, 'README.md'), 'utf8');
  const [, scopes] = /keys create shop --scope ([a-z. ]+)/.exec(readme)!;
  return (await server.call('POST', '/v1/keys', { name: 'shop', scopes: scopes!.trim().split(' ') })).body.token;
}

const skipped = (name: string) => {
  if (!existsSync('/usr/bin/chromium')) return 'chromium is not installed';
  return name === 'nginx' && !nginxIsInstalled ? 'nginx is not installed' : false;
};

test('every example is tested, and asks for the releases of frameworks that are tested', () => {
  const names = [...Object.keys(examples), 'passport'].sort();
  assert.deepEqual(names, globSync('*', { cwd: join(root, 'examples') }).sort());
  const read = (path: string) => JSON.parse(readFileSync(join(root, path), 'utf8'));
  for (const name of names) {
    // The latter in a test of its own.
    const tested = read(`engines/${name === 'passport' ? 'express-session' : 'frameworks'}/package.json`);
    const { dependencies = {}, devDependencies = {} } = read(`examples/${name}/package.json`);
    for (const [dependency, range] of Object.entries({ ...dependencies, ...devDependencies })) {
      if (dependency === 'curfew-client') continue;
      assert.equal(range, { ...tested.dependencies, ...tested.devDependencies }[dependency], `${name}: ${dependency}`);
    }
  }
});

test('the examples in TypeScript have the right types', async () => {
  for (const name of ['express', 'hono', 'nginx']) await hasItsTypes(copyOf(name));
});

for (const [name, example] of Object.entries(examples)) {
  describe(`the example ${name}`, { skip: skipped(name), timeout: 900_000 }, () => {
    let server: TestServer;
    let running: Awaited<ReturnType<Example['start']>>;
    const contexts: BrowserContext[] = [];
    before(async () => {
      server = await TestServer.start({ CURFEW_TRUST_PROXY: 'loopback' });
      await server.createAccount('ada', { password: 'a long password' });
      running = await example.start(server);
    });
    after(async () => {
      for (const context of contexts) await context.close();
      await running?.stop();
      await server.close();
    });

    const device = async (): Promise<Page> => {
      const context = await (await theBrowser()).newContext();
      contexts.push(context);
      return context.newPage();
    };
    const asksToSignIn = (page: Page) => page.getByRole('heading', { name: 'Sign in' }).waitFor();
    const signIn = async (page: Page, password = 'a long password') => {
      await page.goto(`${running.url}/`);
      await asksToSignIn(page);
      await page.getByLabel('User name').fill('ada');
      await page.getByLabel('Password').fill(password);
      await page.getByRole('button', { name: 'Sign in' }).click();
    };
    const shows = (page: Page, text: string) => page.getByRole('status').filter({ hasText: text }).waitFor();
    const active = async () => (await server.call('GET', '/v1/sessions?status=active')).body.sessions.length;

    test('signs somebody in with the right password, and out again', async () => {
      const page = await device();
      await signIn(page, 'a wrong password');
      await page.getByRole('alert').filter({ hasText: 'wrong' }).waitFor();
      assert.equal(await active(), 0);
      await signIn(page);
      await shows(page, 'Hello');
      assert.equal(await active(), 1);
      await page.goto(running.url + example.account);
      await shows(page, 'on this device only');
      await page.getByRole('button', { name: 'Sign out', exact: true }).click();
      await asksToSignIn(page);
      assert.equal(await active(), 0);
      await page.goto(running.url + example.account);
      await asksToSignIn(page);
    });

    test('“Sign out everywhere” on one device signs the other out, too', async () => {
      const [laptop, phone] = [await device(), await device()];
      for (const page of [laptop, phone]) {
        await signIn(page);
        await shows(page, 'Hello');
        await page.goto(running.url + example.account);
      }
      await shows(phone, 'on 2 devices');
      await phone.getByRole('button', { name: 'Sign out everywhere' }).click();
      await asksToSignIn(phone);
      assert.equal(await active(), 0);
      await laptop.goto(running.url + example.account);
      await asksToSignIn(laptop);
    });
  });
}
