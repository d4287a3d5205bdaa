import assert from 'node:assert/strict';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { accessible, fits } from '../../../packages/console/test/support/visit.ts';
import { theBrowser } from '../../../packages/console/test/support/world.ts';
import { operations } from '../../../packages/curfew/src/http/routes/index.ts';
import { freePort } from '../../../packages/curfew/test/support/free-port.ts';
import { run } from '../../../packages/curfew/test/support/pages.ts';
import { pages, routeOf, titleOf } from '../src/contents.ts';
import { asTable } from '../src/diagrams.ts';
import { deadLinks } from '../src/links.ts';

const chromium = existsSync('/usr/bin/chromium');
const types: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' };

describe('the site of the documentation', { timeout: 900_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'curfew-site-'));
  const read = (path: string) => readFileSync(join(folder, path), 'utf8');
  before(async () => {
    await run(process.execPath, [fileURLToPath(new URL('../src/main.ts', import.meta.url))], {
      ...process.env,
      CURFEW_DOCS_FOLDER: folder,
    });
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  test('has every page, under its title', () => {
    for (const page of pages) {
      const html = read(routeOf(page).replace(/\.md$/, '.html'));
      const [, title] = /<h1[^>]*>(.*?)(?: <a|<\/h1>)/s.exec(html) ?? [];
      assert.equal(
        title
          ?.replace(/<[^>]+>/g, '')
          .replace(/&lt;/g, '<')
          .replace(/&gt;/g, '>')
          .replace(/&amp;/g, '&'),
        titleOf(page),
        page,
      );
    }
  });

  test('shows the two examples of every operation as tabs', () => {
    const html = globSync('api/*.html', { cwd: folder }).map(read).join('\n');
    assert.equal(html.split('data-title="curl"').length - 1, operations.length);
    assert.equal(html.split('data-title="TypeScript"').length - 1, operations.length);
  });

  test('shows a sequence diagram as a table, with every message', () => {
    const html = read('fence.html');
    assert.doesNotMatch(html, /sequenceDiagram/);
    const rows = [...html.matchAll(/<tr><td>(.*?)<\/td><td>(.*?)<\/td><td>(.*?)<\/td><\/tr>/g)].map(
      ([, ...cells]) => cells,
    );
    assert.deepEqual(
      rows.filter(([, to]) => to === '→ application (verifier)').map(([who, , what]) => [who, what]),
      [
        ['node', 'grant (no longer than the node&#39;s own)'],
        ['node', 'answer: cached, unless a change arrived meanwhile'],
        ['node', 'change s'],
      ],
    );
    assert.throws(() => asTable('sequenceDiagram\n  A->>B: hello'), /No participant of the diagram is called A/);
    assert.throws(() => asTable('sequenceDiagram\n  loop often'), /unknown form: loop often/);
    assert.throws(() => asTable('flowchart LR'), /not flowchart LR/);
  });

  test('loads nothing from anywhere else', () => {
    for (const path of globSync('**/*.html', { cwd: folder })) {
      const loaded = [...read(path).matchAll(/<(?:script|link|img|iframe)[^>]+(?:src|href)="(?!data:)([^"]+)"/g)];
      for (const [, url] of loaded) assert.match(url!, /^\/(?!\/)/, path);
    }
  });

  test('has llms.txt, which lists every page as Markdown, and llms-full.txt', () => {
    const links = [...read('llms.txt').matchAll(/^- \[.+?\]\((.+?)\): ./gm)].map(([, link]) => link);
    assert.deepEqual(links, pages.map(routeOf));
    assert.deepEqual(deadLinks(['llms.txt', ...pages.map(routeOf)], folder), []);
    const all = read('llms-full.txt');
    for (const page of pages) assert.ok(all.includes(`# ${titleOf(page).split(' ')[0]}`), page);
  });

  describe('in a browser', { skip: chromium ? false : 'chromium is not installed' }, () => {
    let server: Server;
    let url: string;
    before(async () => {
      const port = await freePort();
      server = createServer((request, response) => {
        const path = new URL(request.url!, 'http://site').pathname;
        const file = join(folder, path.endsWith('/') ? `${path}index.html` : path);
        const found = existsSync(file);
        response.writeHead(found ? 200 : 404, { 'content-type': types[extname(file)] ?? 'application/octet-stream' });
        response.end(found ? readFileSync(file) : undefined);
      }).listen(port, '127.0.0.1');
      url = `http://127.0.0.1:${port}`;
    });
    after(() => server.close());

    /** Opens a page at a width; it must say nothing in the console, and get everything that it asks for. */
    const visit = async (path: string, width: number, look: (page: Page) => Promise<void>) => {
      const context = await (await theBrowser()).newContext({ viewport: { width, height: 900 } });
      const page = await context.newPage();
      const said: string[] = [];
      page.on('console', (message) => said.push(`${message.type()}: ${message.text()}`));
      page.on('pageerror', (error) => said.push(String(error)));
      page.on('requestfailed', (request) => said.push(`failed: ${request.url()}`));
      await page.goto(url + path, { waitUntil: 'networkidle' });
      await look(page);
      assert.deepEqual(said, []);
      await context.close();
    };
    const picture = async (page: Page, name: string) => {
      const pictures = process.env['CURFEW_PICTURES'];
      if (pictures) await page.screenshot({ path: `${pictures}/docs-${name}.png` });
    };

    for (const path of [
      '/',
      '/api/sessions.html',
      '/how-to/express.html',
      '/errors.html',
      '/frameworks.html',
      '/fence.html',
    ]) {
      for (const width of [1280, 390]) {
        test(`${path} is accessible in both themes, fits ${width} px and is silent`, async () => {
          await visit(path, width, async (page) => {
            await accessible(page);
            await fits(page);
            const name = `${path.replaceAll(/\W+/g, '-')}${width}`;
            for (const colorScheme of ['light', 'dark'] as const) {
              await page.emulateMedia({ colorScheme });
              await page.waitForFunction(
                `document.documentElement.classList.contains('dark') === ${colorScheme === 'dark'}`,
              );
              await picture(page, `${name}-${colorScheme}`);
            }
          });
        });
      }
    }

    test('the search finds a call by what it does, without asking another host', async () => {
      await visit('/', 1280, async (page) => {
        const asked: string[] = [];
        page.on('request', (request) => asked.push(new URL(request.url()).origin));
        await page.getByRole('button', { name: /Search/ }).click();
        await page.getByRole('searchbox').fill('end all sessions of a user');
        const result = page.locator('#localsearch-list a').first();
        await result.waitFor();
        await picture(page, 'search');
        await result.click();
        await page.waitForURL(/\.html/);
        assert.deepEqual(new Set(asked), new Set([url]));
      });
    });

    test('a link with an anchor leads to its heading', async () => {
      await visit('/api.html', 1280, async (page) => {
        await page.getByRole('link', { name: 'DELETE /v1/users/{userId}/sessions', exact: true }).click();
        await page.waitForURL(/api\/sessions-of-a-user\.html#delete-v1usersuseridsessions$/);
        // The address changes before the page has loaded.
        await page.locator('#delete-v1usersuseridsessions').waitFor();
      });
    });
  });
});
