import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { makeKey } from '../packages/curfew/src/authority/keys.ts';
import { filledEmbedded } from './burst-data.ts';
import { startCurfew } from './http.ts';
import { atMost, duel, median, type Row, times } from './measure.ts';
import { temporaryBenchFolder } from './setup.ts';

/** Sessions in the store, and how many of them are scrolled through. */
const many = Number(process.env['BENCH_SESSIONS'] ?? 1_000_000);
const scrolled = Math.min(Number(process.env['BENCH_ROWS'] ?? 100_000), Math.floor(many / 2));
const rounds = 9;
const password = 'correct horse battery';

/** The web console in Chromium, on a server with very many sessions. */
export async function consoleRows(say: (text: string) => void): Promise<Row[]> {
  const folder = temporaryBenchFolder();
  say(`${many.toLocaleString('en')} sessions`);
  await filledEmbedded(join(folder.path, 'data'), many, say);
  const { child, url } = await startCurfew({
    CURFEW_STORE: `lmdb:${join(folder.path, 'data')}`,
    CURFEW_SECRET_KEY: randomBytes(32).toString('hex'),
    CURFEW_API_KEY: makeKey(Date.now(), randomBytes),
    CURFEW_ADMIN_PASSWORD: password,
    CURFEW_LOG_FILE: join(folder.path, 'log'),
  });
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
  });
  try {
    const cookie = await signIn(url);
    const rows: Row[] = [];
    const measure = async (what: string, work: (browser: Browser, url: string, cookie: string) => Promise<Row[]>) => {
      say(what);
      const found = await work(browser, url, cookie);
      // At once: on a busy machine the next part may take very long.
      for (const { what: of, reached } of found) say(`${of}: ${reached}`);
      rows.push(...found);
    };
    await measure('the first list', firstListRows);
    await measure('typing in a filter', typingRows);
    await measure(`scrolling through ${scrolled.toLocaleString('en')} rows`, scrollingRows);
    return rows;
  } finally {
    await browser.close();
    child.kill('SIGTERM');
    await once(child, 'exit');
    folder.remove();
  }
}

async function signIn(url: string): Promise<string> {
  const body = JSON.stringify({ username: 'admin', password });
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${url}/v1/login`, { method: 'POST', headers, body });
  const { token } = (await answer.json()) as { token: string };
  return token;
}

/** Notes when rows are on the screen: two frames after they are in the page; milliseconds since the navigation began. */
const noteRows = `
  window.rowsAt = new Promise((done) => {
    new MutationObserver((_, observer) => {
      if (!document.querySelector('tbody tr[data-index] a')) return;
      observer.disconnect();
      requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now())));
    }).observe(document, { childList: true, subtree: true });
  });
`;

/** A profile of its own: nothing is cached. */
async function profile(browser: Browser, url: string, cookie: string): Promise<BrowserContext> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-GB' });
  await context.addInitScript(noteRows);
  const at = { url: url.replace('http:', 'https:'), secure: true, httpOnly: true, sameSite: 'Lax' } as const;
  await context.addCookies([{ name: '__Host-curfew', value: cookie, ...at }]);
  return context;
}

const open = async (context: BrowserContext, address: string): Promise<Page> => {
  const page = await context.newPage();
  await page.goto(address);
  await page.evaluate('window.rowsAt');
  return page;
};

async function firstListRows(browser: Browser, url: string, cookie: string): Promise<Row[]> {
  const address = `${url}/console/#/sessions`;
  const context = await profile(browser, url, cookie);
  const page = await open(context, address);
  const still = await stillOf(page, url);
  await context.close();
  const timed = (where: string) => async () => {
    const fresh = await profile(browser, url, cookie);
    const shown = await open(fresh, where);
    const took = Number(await shown.evaluate('window.rowsAt'));
    await fresh.close();
    return took;
  };
  const [ours, theirs] = [timed(address), timed(still.url)];
  await ours();
  await theirs();
  const result = await duel(rounds, ours, theirs);
  await still.close();
  return [
    {
      what: `console: first list of ${many.toLocaleString('en')} sessions, navigation to rows on screen, nothing cached`,
      against: 'static HTML with the same rows and the same style sheet',
      reached: `${times(result.ratio)} (${Math.round(result.ours)} ms; ${Math.round(result.theirs)} ms)`,
      ...atMost(2.5, result.ratio),
    },
  ];
}

/** The page as it stands, without its scripts, served by the simplest program. */
async function stillOf(page: Page, url: string) {
  const html = (await page.evaluate(`(() => {
    const copy = document.documentElement.cloneNode(true);
    for (const one of copy.querySelectorAll('script, link:not([rel=stylesheet])')) one.remove();
    return '<!doctype html>' + copy.outerHTML;
  })()`)) as string;
  const sheets = new Map<string, string>();
  for (const [, path] of html.matchAll(/href="(\.\/assets\/[^"]+\.css)"/g)) {
    sheets.set(path!.slice(1), await (await fetch(new URL(path!, `${url}/console/`))).text());
  }
  const server = createServer((request, response) => {
    const sheet = sheets.get(request.url!);
    response.setHeader('content-type', sheet === undefined ? 'text/html; charset=utf-8' : 'text/css');
    response.end(sheet ?? html);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}

async function scrollingRows(browser: Browser, url: string, cookie: string): Promise<Row[]> {
  const context = await profile(browser, url, cookie);
  const page = await open(context, `${url}/console/#/sessions`);
  const session = await context.newCDPSession(page);
  await page.evaluate(`
    window.long = [];
    new PerformanceObserver((list) => window.long.push(...list.getEntries().map((one) => one.duration)))
      .observe({ entryTypes: ['longtask'] });
  `);
  /** Bytes of the page's objects without garbage. */
  const used = async () => {
    await session.send('HeapProfiler.collectGarbage');
    const { usedSize } = await session.send('Runtime.getHeapUsage');
    return usedSize;
  };
  const scrollTo = (row: number) =>
    page.evaluate(`new Promise((done) => {
      const step = () => {
        const last = Number([...document.querySelectorAll('tr[data-index]')].at(-1).dataset.index);
        if (last >= ${row}) return done(last);
        window.scrollBy(0, 2400);
        requestAnimationFrame(step);
      };
      step();
    })`);
  await scrollTo(Math.floor(scrolled / 10));
  const before = await used();
  await page.evaluate('window.long.length = 0');
  await scrollTo(scrolled);
  const longest = Math.max(0, ...((await page.evaluate('window.long')) as number[]));
  const after = await used();
  await context.close();
  const grown = after / before;
  return [
    {
      what: `console: the longest task while scrolling through ${scrolled.toLocaleString('en')} rows`,
      against: '50 ms, from which on people notice',
      reached: longest === 0 ? 'none over 50 ms' : `${Math.round(longest)} ms`,
      target: '≤ 50 ms',
      met: longest <= 50,
    },
    {
      what: `console: memory of the page after ${scrolled.toLocaleString('en')} rows`,
      against: 'after a tenth of them',
      reached: `${times(grown)} (${(after / 1e6).toFixed(1)} MB; ${(before / 1e6).toFixed(1)} MB)`,
      ...atMost(1.5, grown),
    },
  ];
}

async function typingRows(browser: Browser, url: string, cookie: string): Promise<Row[]> {
  const context = await profile(browser, url, cookie);
  const page = await open(context, `${url}/console/#/sessions`);
  // When the last byte of an answer has arrived, and when the list is drawn anew after it.
  await page.evaluate(`
    window.answered = 0;
    new PerformanceObserver((list) => {
      for (const one of list.getEntries()) if (/filter=/.test(one.name)) window.answered = one.responseEnd;
    }).observe({ type: 'resource' });
  `);
  const took: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const text = `user-${1000 + i * 7}`;
    const drawn = page.evaluate(`new Promise((done) => {
      new MutationObserver((_, observer) => {
        const rows = [...document.querySelectorAll('tbody tr[data-index] a.user')];
        if (rows.length === 0 || !rows.every((one) => one.textContent.includes('${text}'))) return;
        observer.disconnect();
        requestAnimationFrame(() => setTimeout(() => done(performance.now() - window.answered)));
      }).observe(document.querySelector('.page'), { childList: true, subtree: true, characterData: true });
    })`);
    await page.getByRole('searchbox').fill(text);
    took.push(Number(await drawn));
  }
  await context.close();
  const middle = median(took);
  return [
    {
      what: 'console: typing in a filter, from the answer to the list on screen',
      against: '100 ms',
      reached: `${Math.round(middle)} ms (at most ${Math.round(Math.max(...took))} ms)`,
      target: '≤ 100 ms',
      met: middle <= 100,
    },
  ];
}
