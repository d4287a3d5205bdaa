import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createVerifier } from 'curfew-client/verifier';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { nameOf, populate, userAgents } from '../packages/console/test/support/people.ts';
import { totpCode } from '../packages/curfew/src/domain/second-factor.ts';
import { serve } from '../packages/curfew/src/start/serve.ts';

/*
 * Pictures of every screen of the console: on a real server with ten thousand sessions, in both themes, on a narrow
 * window, in German and from right to left. All of them are in node_modules/.cache/pictures, to be looked at; those that
 * docs/web-console.md shows are kept in docs/pictures.
 */
const all = 'node_modules/.cache/pictures';
const kept = 'docs/pictures';

const password = 'correct horse battery';
const [minute, hour] = [60_000, 3_600_000];

type Shot = {
  name: string;
  /** Where it is; `undefined`: where the shot before it was. */
  to?: string;
  /** What is done before it, such as opening a dialog. */
  first?(page: Page): Promise<void>;
  /** What must be there. */
  shows: string;
  /** Kept for the documentation, in this theme. */
  keep?: 'light' | 'dark';
};

const press = (name: string | RegExp) => (page: Page) => page.getByRole('button', { name }).first().click();

/** For a person with all permissions. */
const shots = (ids: { laptop: string; account: string }): readonly Shot[] => [
  {
    name: 'overview',
    to: 'overview',
    async first(page) {
      await page.locator('.chart').waitFor();
      // The last day has been counted.
      await page.locator('.chart + p').waitFor({ state: 'detached' });
    },
    shows: '.chart',
    keep: 'light',
  },
  { name: 'sessions', to: 'sessions', shows: 'tbody tr', keep: 'light' },
  { name: 'sessions-none', to: 'sessions?filter=nobody-at-all', shows: '.empty' },
  {
    name: 'sessions-chosen',
    to: 'sessions?user=ada',
    async first(page) {
      for (const i of [1, 2]) await page.getByRole('checkbox').nth(i).check();
    },
    shows: '.chosen',
  },
  {
    name: 'end-matching',
    to: 'sessions?ip=192.0.2.12',
    first: press(/^(End all that match|Alle passenden|.*End all)/),
    shows: 'dialog input',
  },
  {
    name: 'export',
    to: 'sessions',
    first: (page) => page.locator('.page-head .button').first().click(),
    shows: 'dialog',
  },
  { name: 'sessions-ended', to: 'sessions?status=ended', shows: 'tbody tr' },
  { name: 'session', to: `sessions/${ids.laptop}`, shows: '.timeline', keep: 'light' },
  { name: 'end-one', first: (page) => page.locator('.button.danger').click(), shows: 'dialog' },
  { name: 'session-gone', to: 'sessions/0V7oZk3H8e9Jb2Yw4tQxLm', shows: '.problem' },
  { name: 'user', to: 'users/ada', shows: 'tbody tr' },
  { name: 'user-long', to: `users/${'a'.repeat(255)}`, shows: '.empty' },
  { name: 'audit', to: 'audit', shows: 'tbody tr', keep: 'dark' },
  { name: 'audit-none', to: 'audit?user=nobody', shows: '.empty, .list-end .button' },
  { name: 'server', to: 'server', shows: 'table' },
  { name: 'named', to: 'named', shows: 'tbody tr' },
  { name: 'named-new', first: (page) => page.locator('.page-head .button').click(), shows: 'dialog' },
  { name: 'accounts', to: 'accounts', shows: 'tbody tr' },
  { name: 'accounts-new', first: (page) => page.locator('.page-head .button').click(), shows: 'dialog' },
  { name: 'account', to: `accounts/${ids.account}`, shows: 'dl' },
  { name: 'account-change', first: (page) => page.locator('.page-head .button').first().click(), shows: 'dialog' },
  { name: 'keys', to: 'keys', shows: 'tbody tr' },
  { name: 'keys-new', first: (page) => page.locator('.page-head .button').click(), shows: 'dialog' },
  { name: 'devices', to: 'devices', shows: '.panel' },
  { name: 'not-found', to: 'nothing/here', shows: '.empty' },
];

const ways: readonly [Way, Way, ...Way[]] = [
  { way: 'light', width: 1280, height: 800, colorScheme: 'light', language: 'en' },
  { way: 'dark', width: 1280, height: 800, colorScheme: 'dark', language: 'en' },
  { way: 'narrow', width: 320, height: 640, colorScheme: 'light', language: 'en' },
  { way: 'german', width: 1280, height: 800, colorScheme: 'light', language: 'de' },
  { way: 'right-to-left', width: 1280, height: 800, colorScheme: 'light', language: 'ar-XB' },
];

type Way = {
  way: string;
  width: number;
  height: number;
  colorScheme: 'light' | 'dark';
  language: string;
};

export async function consolePictures(browser: Browser): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'curfew-pictures-'));
  // Sessions are opened over the last day.
  let ahead = -25 * hour;
  const clock = {
    now: () => Date.now() + ahead,
    advance: (milliseconds: number) => {
      ahead += milliseconds;
    },
  };
  const running = await serve(
    { CURFEW_STORE: `lmdb:${folder}`, CURFEW_PORT: '0', CURFEW_LOG_LEVEL: 'silent', CURFEW_ADMIN_PASSWORD: password },
    {},
    clock,
  );
  const key = running.first!.apiKey!;
  const call = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const answer = await fetch(running.url + path, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return answer.json();
  };
  rmSync(all, { recursive: true, force: true });
  mkdirSync(all, { recursive: true });
  try {
    await populate({ server: { context: running.opened.context }, clock }, 500, 10_000);
    clock.advance(-ahead - 30 * minute);
    const ids = await furnish(call, clock);
    const application = createVerifier({ url: running.url, key, name: 'shop' });
    await application.verify(ids.known);
    const token = await signIn(call, clock, ids.admin);
    clock.advance(-ahead);
    const context = { browser, url: running.url, token };
    await receiptPicture(context, () => {
      clock.advance(30_000);
      return totpCode(ids.admin.secret, clock.now());
    });
    await signInPictures(context);
    for (const way of ways) await picturesOf(context, way, shots(ids));
    await application.close();
  } finally {
    await running.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

type Call = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
) => Promise<ReturnType<typeof JSON.parse>>;
type Admin = { secret: string };
type Around = { browser: Browser; url: string; token: string };

/** What there is beside sessions: accounts, keys, named sessions, and ended sessions with their reasons. */
async function furnish(call: Call, clock: { now(): number; advance(milliseconds: number): void }) {
  const [account] = (await call('GET', '/v1/accounts?login=admin')).accounts;
  const { secret } = await call('POST', `/v1/accounts/${account.id}/totp`);
  await call('POST', `/v1/accounts/${account.id}/totp/confirm`, { code: totpCode(secret, clock.now()) });
  const people = [
    ['chinwe', 'Chinwe Eze', ['support']],
    ['olga', 'Ольга Лысенко', ['auditor']],
    ['yusuf', 'يوسف حداد', ['support', 'auditor']],
    [
      'a-very-long-user-name-of-sixty-four-characters-for-the-narrowest',
      'A very long name '.repeat(5).trim(),
      ['member'],
    ],
  ] as const;
  let made = account.id as string;
  for (const [username, name, roles] of people) {
    const given = {
      username,
      name,
      roles,
      password: 'a fine long password',
      email: `${username.slice(0, 20)}@example.com`,
    };
    made = (await call('POST', '/v1/accounts', given)).account?.id ?? made;
  }
  for (const name of ['shop', 'billing', 'front desk'])
    await call('POST', '/v1/keys', { name, scopes: ['sessions.verify', 'fence.attach'] });
  for (const name of ['front-desk', 'warehouse', 'door']) await call('POST', '/v1/named-sessions', { name });
  await call('POST', '/v1/sessions', {
    userId: 'desk',
    name: 'front-desk',
    userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0',
    ip: '203.0.113.9',
  });
  // The newest ones are of people whose names every machine has letters for.
  for (let i = 0; i < 24; i++) {
    const agents = Object.values(userAgents);
    const [userId, userAgent] = [nameOf(i % 4 === 3 ? i * 5 + 1 : i * 5), agents[(i * 7) % agents.length]];
    await call('POST', '/v1/sessions', { userId, userAgent, ip: `203.0.113.${40 + i}`, accessGroups: ['staff'] });
    clock.advance(20_000);
  }
  const { sessions } = await call('GET', '/v1/sessions?status=active&limit=40');
  for (const [i, { id, userId }] of sessions.entries()) {
    if (i % 3 === 0 && userId !== 'ada' && userId !== 'desk') await call('DELETE', `/v1/sessions/${id}`);
  }
  await call('POST', '/v1/login', { username: 'chinwe', password: 'not this one' }, { authorization: '' });
  const found = (await call('GET', '/v1/sessions?user=ada')).sessions as { id: string; ip: string }[];
  const laptop = found.find(({ ip }) => ip === '198.51.100.23')!.id;
  const again = { userId: 'ada', userAgent: userAgents.chromeOnWindows, ip: '198.51.100.24' };
  const { token: known } = await call('POST', '/v1/sessions', again);
  return { laptop, account: made, known: known as string, admin: { secret } };
}

async function signIn(
  call: Call,
  clock: { now(): number; advance(milliseconds: number): void },
  admin: Admin,
): Promise<string> {
  clock.advance(30_000);
  const headers = {
    authorization: '',
    'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0',
  };
  const given = { username: 'admin', password, totp: totpCode(admin.secret, clock.now()) };
  return (await call('POST', '/v1/login', given, headers)).token;
}

async function profile(
  { browser, url, token }: Around,
  { width, height, colorScheme, language }: Omit<Way, 'way'>,
  out = false,
): Promise<BrowserContext> {
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme,
    locale: 'en-GB',
    reducedMotion: 'reduce',
  });
  await context.addInitScript(`localStorage.setItem('curfew.language', '${language}')`);
  const at = { url: url.replace('http:', 'https:'), secure: true, httpOnly: true, sameSite: 'Lax' } as const;
  if (!out) await context.addCookies([{ name: '__Host-curfew', value: token, ...at }]);
  return context;
}

async function picturesOf(around: Around, way: Way, list: readonly Shot[]): Promise<void> {
  const context = await profile(around, way);
  const page = await context.newPage();
  for (const { name, to, first, shows, keep } of list) {
    if (to !== undefined) {
      await page.goto('about:blank');
      await page.goto(`${around.url}/console/#/${to}`);
      await page.locator('h1').first().waitFor();
      await page.locator('.bone').first().waitFor({ state: 'detached' });
    }
    await first?.(page);
    await page.locator(shows).first().waitFor();
    await picture(page, `${name}-${way.way}`, keep === way.way ? `console-${name}` : undefined);
  }
  await context.close();
}

async function signInPictures(around: Around): Promise<void> {
  for (const way of ways) {
    const context = await profile(around, way, true);
    const page = await context.newPage();
    await page.goto(`${around.url}/console/`);
    await page.locator('form').waitFor();
    await picture(page, `sign-in-${way.way}`);
    await context.close();
  }
}

/** What one comes for: the receipt. And the devices of a person, on a telephone. */
async function receiptPicture(around: Around, code: () => string): Promise<void> {
  const context = await profile(around, ways[0]);
  const page = await context.newPage();
  await page.goto(`${around.url}/console/#/sessions?filter=198.51.100.24`);
  await page.locator('tbody tr').first().waitFor();
  await page.getByRole('button', { name: /^End: Chrome/ }).click();
  await page.getByRole('button', { name: 'End it' }).click();
  await page.getByLabel('Code').fill(code());
  await page.keyboard.press('Enter');
  await page.getByText(/^In force/).waitFor();
  await picture(page, 'receipt-light', 'console-receipt');
  await context.close();
  const phone = await profile(around, { ...ways[1], width: 390, height: 720 });
  const small = await phone.newPage();
  await small.goto(`${around.url}/console/#/devices`);
  await small.locator('.panel').first().waitFor();
  await picture(small, 'devices-phone', 'console-devices');
  await phone.close();
}

async function picture(page: Page, name: string, keep?: string): Promise<void> {
  await page.evaluate('document.fonts.ready.then(() => new Promise((done) => requestAnimationFrame(done)))');
  await page.screenshot({ path: join(all, `${name}.png`) });
  if (keep === undefined) return;
  const session = await page.context().newCDPSession(page);
  const { data } = await session.send('Page.captureScreenshot', { format: 'webp', quality: 80 });
  writeFileSync(join(kept, `${keep}.webp`), Buffer.from(data, 'base64'));
}
