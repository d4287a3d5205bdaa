import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { BrowserContext, Page } from 'playwright-core';
import { theBrowser } from '../../../packages/console/test/support/world.ts';
import { root, run } from '../../../packages/curfew/test/support/pages.ts';
import { RedisServer, redisInstalled } from '../../../packages/curfew/test/support/redis.ts';
import { TestServer } from '../../../packages/curfew/test/support/server.ts';
import { copyOfExample, hasItsTypes } from '../../frameworks/test/copies.ts';
import { type Running, start } from '../../frameworks/test/programs.ts';

const home = join(import.meta.dirname, '..');
const chromium = existsSync('/usr/bin/chromium');

describe('the example passport', { skip: !redisInstalled || !chromium, timeout: 900_000 }, () => {
  const folder = copyOfExample('passport', home);
  let redis: RedisServer;
  let server: TestServer;
  let running: Running | undefined;
  let context: BrowserContext;
  before(async () => {
    redis = await RedisServer.start();
    // A store that a server and the import can have open together.
    server = await TestServer.start({}, undefined, 'redis');
    context = await (await theBrowser()).newContext();
  });
  after(async () => {
    running?.stop();
    await context?.close();
    await server?.close();
    await redis?.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  const starts = async (program: string) => {
    running?.stop();
    const { body } = await server.call('POST', '/v1/keys', {
      name: 'shop',
      scopes: ['fence.attach', 'sessions.create', 'sessions.read', 'sessions.end'],
    });
    const settings = { CURFEW_URL: server.url, CURFEW_API_KEY: body.token, REDIS_URL: redis.url };
    running = await start({ args: ['--conditions=curfew-source', join(folder, program)] }, settings);
    // Another port: to a cookie, that is the same host.
    return running.url.replace('127.0.0.1', 'localhost');
  };
  const shows = (page: Page) => page.getByRole('status').filter({ hasText: 'Hello ada' }).waitFor();

  test('has the right types', () => hasItsTypes(folder));

  test('who was signed in before is still signed in, and can then be signed out everywhere', async () => {
    const page = await context.newPage();
    await page.goto(await starts('before.ts'));
    await page.getByLabel('User name').fill('ada');
    await page.getByLabel('Password').fill('a long password');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await shows(page);

    const readme = readFileSync(join(root, 'examples/passport/README.md'), 'utf8');
    const [, command] = /^npx curfew (import .*)$/m.exec(readme)!;
    const args = command!.replace('redis://127.0.0.1:6379', redis.url).split(' ');
    const cli = join(root, 'packages/curfew/src/cli/main.ts');
    await run(process.execPath, ['--conditions=curfew-source', cli, ...args], { ...process.env, ...server.env });

    const url = await starts('app.ts');
    await page.goto(url);
    await shows(page);
    const names = async () => (await context.cookies()).map(({ name }) => name).sort();
    assert.deepEqual(await names(), ['__Host-curfew', '__Host-curfew-refresh'], 'the old cookie is replaced');
    await page.getByRole('button', { name: 'Sign out everywhere' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    const { body } = await server.call('GET', '/v1/users/ada/sessions');
    assert.equal(body.total, 0);
    await page.goto(url);
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  });
});
