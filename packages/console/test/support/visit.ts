import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import type { BrowserContext, Page } from 'playwright-core';
import { axeSource, type Person, type Role, theBrowser, theWorld, tokenOf, type World } from './world.ts';

export type Visit = {
  page: Page;
  context: BrowserContext;
  world: World;
  /** The browser itself reports some answers, and that there is none, as errors; a test names those that it provokes. */
  expect(...what: (number | 'away')[]): void;
};

type Options = {
  /** Signed in as this person, or as the one with this role; without, nobody is. */
  as?: Role | Person;
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
  const expected = new Set<number | 'away'>(as ? [] : [401]);
  page.on('console', (message) => {
    const [, status] =
      /^Failed to load resource: the server responded with a status of (\d+)/.exec(message.text()) ?? [];
    if (status !== undefined && expected.has(Number(status))) return;
    if (expected.has('away') && /net::ERR_(CONNECTION|FAILED|EMPTY)/.test(message.text())) return;
    faults.push(`${message.type()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => faults.push(`error: ${error.stack}`));
  const expect = (...what: (number | 'away')[]) => {
    for (const one of what) expected.add(one);
  };
  t.after(async () => {
    await context.close();
    assert.deepEqual(faults, [], "the browser's console is silent");
  });
  await page.goto(`${world.server.url}/console/${to}`);
  return { page, context, world, expect };
}

/** Gives the browser a session of this person, as a sign-in would. */
export async function signInAs(context: BrowserContext, world: World, who: Role | Person): Promise<void> {
  const value = await tokenOf(world, who);
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

/** A name, or a pattern for it. */
export type Text = string | RegExp;

export const matches = (given: string, wanted: Text): boolean =>
  typeof wanted === 'string' ? given === wanted : wanted.test(given);

/** Waits until something with this role and name has the focus. */
export async function hasFocus(page: Page, role: string, name: Text): Promise<void> {
  const until = Date.now() + patience;
  for (;;) {
    const found = await focused(page);
    if (found.role === role && matches(found.name, name)) return;
    assert.ok(Date.now() < until, `the focus is on the ${found.role} ${found.name}, and not on the ${role} ${name}`);
    await setTimeout(20);
  }
}

/** The element with the focus, as the accessibility tree describes it. */
async function focused(page: Page): Promise<{ role: string; name: string }> {
  const session = await page.context().newCDPSession(page);
  const { result } = await session.send('Runtime.evaluate', { expression: 'document.activeElement' });
  const { nodes } = await session.send('Accessibility.getPartialAXTree', {
    objectId: result.objectId!,
    fetchRelatives: false,
  });
  await session.detach();
  return { role: nodes[0]?.role?.value ?? '', name: nodes[0]?.name?.value ?? '' };
}

/** Presses Tab until something with this role and name has the focus. */
export async function tabTo(page: Page, role: string, name: Text): Promise<void> {
  for (let turn = 0; turn < 80; turn++) {
    const found = await focused(page);
    if (found.role === role && matches(found.name, name)) return;
    await page.keyboard.press('Tab');
  }
  assert.fail(`Tab does not reach ${role} ${name}`);
}

/**
 * Tab goes through everything on the page that can be used, and out of it again (WCAG 2.1.1 and 2.1.2). A list that is
 * drawn as one scrolls goes on further down, so of that only the rows that are there at the beginning are counted.
 */
export async function everyStop(page: Page): Promise<void> {
  const expected = (await page.evaluate(`(() => {
    const all = [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex="0"]')]
      .filter((one) => one.checkVisibility({ visibilityProperty: true }) && !one.disabled && one.type !== 'hidden');
    window.stops = new Set(all);
    document.activeElement.blur();
    window.getSelection().removeAllRanges();
    return all.length;
  })()`)) as number;
  for (let turn = 0; turn < expected * 3 + 20; turn++) {
    await page.keyboard.press('Tab');
    const left = (await page.evaluate(`(() => {
      window.stops.delete(document.activeElement);
      for (const one of window.stops) if (!one.isConnected) window.stops.delete(one);
      return window.stops.size;
    })()`)) as number;
    if (left === 0) return;
  }
  const missed = await page.evaluate('[...window.stops].map((one) => one.outerHTML.slice(0, 200))');
  assert.deepEqual(missed, [], `${page.url()}: not reached`);
}

/** Scrolls down until the row with this number is drawn. */
export async function scrollToRow(page: Page, index: number): Promise<void> {
  const rows = page.locator('tr[data-index]');
  for (let turn = 0; turn < 1000; turn++) {
    if (Number(await rows.last().getAttribute('data-index')) >= index) return;
    await page.mouse.wheel(0, 2000);
    await page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))');
  }
  assert.fail(`row ${index} does not appear`);
}
