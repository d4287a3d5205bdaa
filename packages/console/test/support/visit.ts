import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { BrowserContext, Page } from 'playwright-core';
import { axeSource, type Role, theBrowser, theWorld, tokenOf, type World } from './world.ts';

export type Visit = {
  page: Page;
  context: BrowserContext;
  world: World;
  /** The browser itself reports these statuses of answers as errors; a test names those that it provokes. */
  expect(...statuses: number[]): void;
};

type Options = {
  /** Signed in as this role; without, nobody is. */
  as?: Role;
  world?: World;
  /** Where to go, such as `#/sessions`. */
  to?: string;
  language?: 'en' | 'de' | 'en-XA' | 'ar-XB';
  width?: number;
  height?: number;
};

/** Milliseconds for which a test waits for what it expects on the page. */
const patience = 10_000;

/**
 * Opens the console in a browser profile of its own. At the end of the test, the browser's console must have been
 * silent, and nothing must have violated the policy of the page.
 */
export async function visit(t: TestContext, options: Options = {}): Promise<Visit> {
  const { as, to = '', language = 'en', width = 1280, height = 800 } = options;
  const world = options.world ?? (await theWorld());
  const browser = await theBrowser();
  const context = await browser.newContext({
    viewport: { width, height },
    locale: 'en-GB',
    reducedMotion: 'reduce',
    timezoneId: 'Africa/Lagos',
  });
  context.setDefaultTimeout(patience);
  await context.addInitScript(`
    addEventListener('securitypolicyviolation', (event) =>
      console.error('policy violated: ' + event.violatedDirective + ' ' + event.blockedURI + ' ' + event.sample));
    localStorage.getItem('curfew.language') ?? localStorage.setItem('curfew.language', '${language}');
  `);
  if (as) await signInAs(context, world, as);
  const page = await context.newPage();
  const faults: string[] = [];
  // Before anybody has signed in, the console asks who it is for.
  const expected = new Set(as ? [] : [401]);
  page.on('console', (message) => {
    const [, status] =
      /^Failed to load resource: the server responded with a status of (\d+)/.exec(message.text()) ?? [];
    if (status !== undefined && expected.has(Number(status))) return;
    faults.push(`${message.type()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => faults.push(`error: ${error.stack}`));
  const expect = (...statuses: number[]) => {
    for (const status of statuses) expected.add(status);
  };
  t.after(async () => {
    await context.close();
    assert.deepEqual(faults, [], "the browser's console is silent");
  });
  await page.goto(`${world.server.url}/console/${to}`);
  return { page, context, world, expect };
}

/** Gives the browser a session of this person, as a sign-in would. */
export async function signInAs(context: BrowserContext, world: World, role: Role): Promise<void> {
  const value = await tokenOf(world, role);
  const url = world.server.url.replace('http:', 'https:');
  await context.addCookies([{ name: '__Host-curfew', value, url, secure: true, httpOnly: true, sameSite: 'Lax' }]);
}

type Found = { id: string; help: string; nodes: { html: string; failureSummary?: string }[] };

/** axe finds nothing to object to, in the light theme or the dark one; in the second, only colours can differ. */
export async function accessible(page: Page): Promise<void> {
  await page.evaluate(axeSource);
  for (const [colorScheme, only] of [
    ['light', '{}'],
    ['dark', "{ runOnly: ['color-contrast', 'link-in-text-block'] }"],
  ] as const) {
    await page.emulateMedia({ colorScheme });
    await page.waitForFunction(`matchMedia('(prefers-color-scheme: ${colorScheme})').matches`);
    const found: Found[] = await page.evaluate(`axe.run(document, { resultTypes: ['violations'], ...${only} }).then(
      ({ violations }) => violations.map(({ id, help, nodes }) => ({ id, help, nodes })))`);
    const told = found.map(({ id, help, nodes }) => [id, help, ...nodes.map((one) => [one.html, one.failureSummary])]);
    assert.deepEqual(told, [], `axe, ${colorScheme}`);
  }
  await page.emulateMedia({ colorScheme: 'light' });
}

/** Nothing is wider than the window. */
export async function fits(page: Page): Promise<void> {
  const [content, view] = (await page.evaluate(
    '[document.documentElement.scrollWidth, document.documentElement.clientWidth]',
  )) as [number, number];
  assert.ok(content <= view, `the page is ${content} px wide in a window of ${view} px`);
}
