import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, beforeEach, describe, test } from 'node:test';
import { type Browser, chromium, type Page } from 'playwright-core';
import { manualClock } from '../../curfew/test/support/ports.ts';
import { type Json, TestServer } from '../../curfew/test/support/server.ts';
import { startHostPage } from './support/host-page.ts';

const chrome = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((path) => existsSync(path));
const firefox = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:121.0) Gecko/20100101 Firefox/121.0';
const phone =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.1 Mobile/15E148 Safari/604.1';

describe('<curfew-devices> on a page of another origin', { skip: chrome ? false : 'chromium is not installed' }, () => {
  const clock = manualClock(Date.now());
  let server: TestServer;
  let host: Awaited<ReturnType<typeof startHostPage>>;
  let browser: Browser;
  let sessions: Record<'own' | 'phone' | 'desk', { session: Json; token: string }>;
  before(async () => {
    server = await TestServer.start({}, clock);
    host = await startHostPage(server);
    browser = await chromium.launch({
      executablePath: chrome!,
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
    });
  });
  after(async () => {
    await browser?.close();
    await host?.close();
    await server?.close();
  });
  beforeEach(async () => {
    await server.call('DELETE', '/v1/users/ada/sessions');
    host.lifetime = 300;
    sessions = {
      own: await server.createSession('ada', { userAgent: firefox, ip: '203.0.113.7' }),
      phone: await server.createSession('ada', { userAgent: phone, ip: '198.51.100.20' }),
      desk: await server.createSession('ada', { userAgent: '<img src=x onerror=alert(1)>', ip: '2001:db8::1' }),
    };
    host.as('ada', sessions.own.session.id);
  });

  /** An open page; it must stay silent: no refused content, no error, nothing in the browser's console. */
  const open = async (path = '/', options: Parameters<Browser['newPage']>[0] = {}) => {
    const page = await browser.newPage(options);
    const said: string[] = [];
    page.on('console', (message) => said.push(`${message.type()}: ${message.text()}`));
    page.on('pageerror', (error) => said.push(String(error)));
    await page.addInitScript(
      `globalThis.violations = []; addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => violations.push(violatedDirective + ' ' + blockedURI));`,
    );
    await page.goto(host.url + path);
    const close = async () => {
      assert.deepEqual(await page.evaluate('violations'), []);
      assert.deepEqual(said, []);
      await page.close();
    };
    return { page, said, close };
  };
  const items = (page: Page) => page.getByRole('listitem');
  const active = async () =>
    Promise.all(Object.values(sessions).map(async ({ token }) => (await server.verify(token)).active));

  test('lists the devices, this one first; ends one after a question, and all others; the page is told', async () => {
    const { page, close } = await open();
    await page.evaluate(`globalThis.told = []; addEventListener('curfew-ended', ({ detail }) => told.push(detail))`);
    await items(page).nth(2).waitFor();
    assert.equal(await page.getByRole('list', { name: 'Your devices' }).count(), 1);
    assert.match(
      (await items(page).first().innerText()).replaceAll('\n', ' '),
      /Firefox on Windows This device +203\.0\.113\.7 · Last active/,
    );
    assert.equal(await items(page).first().getByRole('button').count(), 0);
    const button = page.getByRole('button', { name: 'Log out: Mobile Safari on iOS, 198.51.100.20' });
    await button.click();
    const dialog = page.getByRole('dialog', { name: 'Log out “Mobile Safari on iOS”?' });
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await dialog.waitFor({ state: 'hidden' });
    assert.deepEqual(await active(), [true, true, true]);
    await button.click();
    await dialog.getByRole('button', { name: 'Log out' }).click();
    await page.getByRole('status').filter({ hasText: '“Mobile Safari on iOS” is logged out.' }).waitFor();
    await items(page).nth(2).waitFor({ state: 'detached' });
    assert.deepEqual(await active(), [true, false, true]);
    await page.getByRole('button', { name: 'Log out all other devices' }).click();
    await page
      .getByRole('dialog', { name: 'Log out the other device?' })
      .getByRole('button', { name: 'Log out' })
      .click();
    await page.getByRole('status').filter({ hasText: '1 other device is logged out.' }).waitFor();
    assert.deepEqual(await active(), [true, false, false]);
    assert.equal(await page.getByRole('button', { name: 'Log out all other devices' }).count(), 0);
    assert.deepEqual(await page.evaluate('told'), [{ id: sessions.phone.session.id }, { others: 1 }]);
    await close();
  });

  test('by keyboard alone: the focus goes into the question, back, and to the next device after an end', async () => {
    const { page, close } = await open();
    await items(page).nth(2).waitFor();
    const focused = () =>
      page.evaluate(
        `(() => { const one = document.activeElement.shadowRoot?.activeElement; return one?.getAttribute('aria-label') ?? one?.textContent })()`,
      );
    await page.keyboard.press('Tab');
    const first = await focused();
    assert.match(String(first), /^Log out: /);
    await page.keyboard.press('Enter');
    assert.equal(await focused(), 'Cancel');
    await page.keyboard.press('Escape');
    assert.equal(await focused(), first);
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    assert.equal(await focused(), 'Log out');
    await page.keyboard.press('Enter');
    await items(page).nth(2).waitFor({ state: 'detached' });
    await page.waitForFunction(
      `document.activeElement.shadowRoot?.activeElement?.getAttribute('aria-label')?.startsWith('Log out: ')`,
    );
    assert.notEqual(await focused(), first);
    await close();
  });

  test('axe finds nothing, in both themes, in the question and in German; text from others is only text', async () => {
    for (const [path, colorScheme] of [
      ['/?axe', 'light'],
      ['/?axe', 'dark'],
      ['/?axe&lang=de', 'light'],
      ['/?axe&dir=rtl', 'dark'],
    ] as const) {
      const { page, close } = await open(path, { colorScheme, viewport: { width: 320, height: 700 } });
      await items(page).nth(2).waitFor();
      const found = async () =>
        ((await page.evaluate('axe.run()')) as Json).violations
          .filter(({ id }: Json) => id !== 'page-has-heading-one')
          .map(({ id, nodes }: Json) => `${id}: ${nodes.map(({ html }: Json) => html).join(' ')}`);
      assert.deepEqual(await found(), [], `${path} ${colorScheme}`);
      assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 320);
      if (process.env['CURFEW_PICTURES']) {
        const name = `${process.env['CURFEW_PICTURES']}/devices${path.replaceAll(/\W+/g, '-')}${colorScheme}`;
        await page.screenshot({ path: `${name}.png` });
      }
      await page
        .getByRole('button', { name: /^(Log out|Abmelden): / })
        .first()
        .click();
      assert.deepEqual(await found(), [], `${path} ${colorScheme}, the question`);
      if (process.env['CURFEW_PICTURES']) {
        const name = `${process.env['CURFEW_PICTURES']}/devices${path.replaceAll(/\W+/g, '-')}${colorScheme}-question`;
        await page.screenshot({ path: `${name}.png` });
      }
      if (path.includes('lang=de')) {
        assert.equal(await page.getByRole('list', { name: 'Ihre Geräte' }).count(), 1);
        assert.match(await items(page).first().innerText(), /Firefox unter Windows\s*Dieses Gerät\s.*Zuletzt aktiv/s);
      }
      assert.equal(
        await page.evaluate(`document.querySelector('curfew-devices').shadowRoot.querySelectorAll('img').length`),
        0,
      );
      await close();
    }
  });

  test('a token that has expired is replaced; a server that is away is told, and asked again on request', async () => {
    host.lifetime = 60;
    const { page, said } = await open();
    await items(page).nth(2).waitFor();
    const { tokens } = host;
    clock.advance(61_000);
    await page.evaluate(`document.querySelector('curfew-devices').refresh()`);
    assert.equal(host.tokens, tokens + 1);
    assert.equal(await items(page).count(), 3);
    await page.route(`${server.url}/**`, (route) => route.abort());
    await page.evaluate(`document.querySelector('curfew-devices').refresh()`);
    await page.getByRole('status').filter({ hasText: 'cannot be shown at the moment' }).waitFor();
    await page.getByRole('button', { name: /^Log out: Mobile/ }).click();
    // The text is there already; it is there again once the list could not be read after the failed end.
    const unread = page.waitForEvent('requestfailed', (request) => request.method() === 'GET');
    await page.getByRole('dialog').getByRole('button', { name: 'Log out' }).click();
    await unread;
    await page.getByRole('status').filter({ hasText: 'cannot be shown' }).waitFor();
    assert.deepEqual(await active(), [true, true, true]);
    await page.unroute(`${server.url}/**`);
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('button', { name: 'Try again' }).waitFor({ state: 'hidden' });
    // The browser itself reports the answer 401 and the requests that failed.
    assert.ok(
      said.every((line) => /Failed to load resource/.test(line)),
      said.join('\n'),
    );
    await page.close();
  });

  test('a token that comes after the page has switched to another person is not used for that one', async () => {
    const bob = await server.createSession('bob', { userAgent: phone });
    const { page, close } = await open();
    await items(page).nth(2).waitFor();
    await page.evaluate(`
      globalThis.element = document.querySelector('curfew-devices');
      globalThis.newToken = async () => (await (await fetch('/token', { method: 'POST' })).json()).token;
      globalThis.late = Promise.withResolvers();
      globalThis.asked = new Promise((resolve) => {
        element.getToken = () => {
          resolve();
          return late.promise;
        };
      });
    `);
    await page.evaluate('asked');
    const token = await page.evaluate('newToken()');
    host.as('bob', bob.session.id);
    await page.evaluate('element.getToken = newToken; undefined');
    await items(page).nth(1).waitFor({ state: 'detached' });
    await page.evaluate(`late.resolve('${token}'); new Promise((resolve) => setTimeout(resolve))`);
    await page.evaluate('element.refresh()');
    assert.equal(await items(page).count(), 1, 'the devices of the first person are listed');
    await close();
  });

  test('a page of another origin than the token’s gets no answer', async () => {
    const { page, close } = await open();
    await items(page).nth(2).waitFor();
    const { body } = await server.call('POST', '/v1/users/ada/widget-token', {
      origin: 'https://elsewhere.example.com',
    });
    const answer = await page.evaluate(
      `fetch('${server.url}/v1/widget/sessions', { headers: { authorization: 'Bearer ${body.token}' } }).then(() => 'read', (error) => error.name)`,
    );
    assert.equal(answer, 'TypeError');
    // A session token in its place is not even sent anywhere else: no other call answers to a page of another origin.
    const other = await page.evaluate(
      `fetch('${server.url}/v1/me', { headers: { authorization: 'Bearer ${sessions.own.token}' } }).then(() => 'read', (error) => error.name)`,
    );
    assert.equal(other, 'TypeError');
    await page.close();
    void close;
  });

  test('the wrapper for React shows the same, calls back after an end, and reads the list once a change', async () => {
    const { page, close } = await open('/with-react');
    await items(page).nth(2).waitFor();
    assert.equal(await page.locator('curfew-devices.mine').count(), 1);
    await page.getByRole('button', { name: /^Log out: Mobile Safari/ }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Log out' }).click();
    await page
      .locator('output')
      .filter({ hasText: JSON.stringify({ id: sessions.phone.session.id }) })
      .waitFor();
    await items(page).nth(2).waitFor({ state: 'detached' });
    assert.deepEqual(await active(), [true, false, true]);
    await close();
  });

  test('it can be loaded where there is no browser', async () => {
    const { defineCurfewDevices } = (await import(new URL('../src/devices/index.ts', import.meta.url).href)) as {
      defineCurfewDevices(): void;
    };
    defineCurfewDevices();
  });
});
