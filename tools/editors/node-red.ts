import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { freePort } from '../../packages/curfew/test/support/free-port.ts';
import { TestServer } from '../../packages/curfew/test/support/server.ts';
import { operations, type Parameter, services, typeOf } from '../../packages/nodes/src/index.ts';
import { installEngines } from '../engines.ts';
import { type Offered, offered, saysOver } from './service.ts';
import { ended, started } from './started.ts';
import { type Editor, pictures, type Step, tried } from './trial.ts';

/**
 * The versions of Node-RED that the tests have in their folders, and a dark theme for the one that has none: in a
 * version that Node-RED 4 accepts.
 */
export const nodeRedEditors: readonly Editor[] = [
  editor('engines/node-red-4', '@node-red-contrib-themes/theme-collection@3.0.6'),
  editor('engines/node-red'),
];

const logOut = typeOf('logOut');

function editor(engine: string, themes?: string): Editor {
  const { dependencies } = JSON.parse(readFileSync(join(engine, 'package.json'), 'utf8'));
  const name = `Node-RED ${dependencies['node-red']}`;
  return {
    name,
    async tryOut(browser, tell) {
      await installEngines(engine.replace('engines/', ''));
      const userDir = mkdtempSync(join(tmpdir(), 'curfew-editor-'));
      const closers: (() => unknown)[] = [() => rmSync(userDir, { recursive: true, force: true })];
      const t = { after: (done: () => unknown) => closers.unshift(done) };
      const folder = pictures(name);
      try {
        installPackages(userDir, themes === undefined ? [] : [themes]);
        const server = await TestServer.start();
        t.after(() => server.close());
        const light = await startNodeRed(engine, userDir, '');
        t.after(light.close);
        const page = await opened(browser, light.url, 'light');
        for (const [i, service] of offered.entries()) {
          const given = await service.open(server, t);
          const what = `Log Out of ${service.declared.label}`;
          tell(
            await tried({ editor: name, what, page, folder }, (step) => clickThrough(page, service, given, i, step)),
          );
        }
        await page.context().close();
        await light.close();
        const dark = await startNodeRed(engine, userDir, themes === undefined ? '' : 'dark');
        t.after(dark.close);
        const evening = await opened(browser, dark.url, 'dark');
        const what = 'Panels in the dark theme';
        tell(await tried({ editor: name, what, page: evening, folder }, (step) => panels(evening, step)));
      } finally {
        for (const close of closers) await close();
      }
    },
  };
}

// ---- What a person does

type Given = Awaited<ReturnType<Offered['open']>>;

async function clickThrough(page: Page, service: Offered, given: Given, place: number, step: Step): Promise<void> {
  const { declared } = service;
  const live = await given.live();
  const nodes = new Map<string, string>();
  await step('adds the nodes', async () => {
    if (place > 0)
      await page.locator('.red-ui-tab-button:not(.red-ui-tab-scroll) a:has(.fa-plus):visible').first().click();
    await closeNotices(page);
    nodes.set('inject', await drop(page, 'inject', 120, 120));
    nodes.set('logOut', await drop(page, logOut, 300, 120));
    nodes.set('done', await drop(page, 'debug', 520, 60));
    nodes.set('failed', await drop(page, 'debug', 520, 160));
    nodes.set('catch', await drop(page, 'catch', 160, 240));
    nodes.set('caught', await drop(page, 'debug', 380, 240));
  });
  const node = (name: string) => page.locator(`[id="${nodes.get(name)}"]`);
  await step('picks the service', async () => {
    await edit(page, node('logOut'));
    await page.selectOption('#node-input-service', declared.name);
  });
  await step('makes the server', async () => {
    await page.click(`#node-input-btn-${declared.name}Server-add`);
    await page.waitForSelector('#node-config-input-url');
    const fields = { url: given.url, ...given.fields } as Record<string, string>;
    for (const { name, kind } of declared.credentials[0]!.fields) {
      if (fields[name] === undefined) continue;
      if (kind === 'choice') await page.selectOption(`#node-config-input-${name}`, fields[name]);
      else await page.fill(`#node-config-input-${name}`, fields[name]);
    }
  });
  await step('sees it tested', async () => {
    await page.click('.curfew-test');
    await page.waitForSelector('.curfew-good');
  });
  await step('fills the parameters', async () => {
    await page.click('#node-config-dialog-ok');
    await page.waitForSelector('#node-config-input-url', { state: 'detached' });
    await fill(page, declared.parameters, live.parameters);
  });
  await step('asks for an error output', async () => {
    await page.selectOption('#node-input-errorManagement', 'manual');
    await done(page);
  });
  await step('says what each debug node shows', async () => {
    for (const [name, property] of [
      ['done', 'payload'],
      ['failed', 'errors'],
      ['caught', 'error'],
    ] as const) {
      await edit(page, node(name));
      await page.fill('#node-input-name', `${declared.name} ${name}`);
      await page.locator('#node-input-typed-complete + .red-ui-typedInput-container input').first().fill(property);
      await done(page);
    }
  });
  await step('wires them', async () => {
    await wire(page, node('inject'), 0, node('logOut'));
    await wire(page, node('logOut'), 0, node('done'));
    await wire(page, node('logOut'), 1, node('failed'));
    await wire(page, node('catch'), 0, node('caught'));
  });
  await step('deploys', async () => deploy(page));
  await step('injects and sees the output', async () => {
    await showDebug(page);
    await node('inject').locator('.red-ui-flow-node-button-button').click();
    await inDebug(page, `${declared.name} done`, saysOver);
    await live.over();
  });
  await step('sees an error at the error output and the Catch node', async () => {
    await edit(page, node('logOut'));
    await fill(page, declared.parameters, service.refused.parameters);
    await done(page);
    await deploy(page);
    await node('inject').locator('.red-ui-flow-node-button-button').click();
    await inDebug(page, `${declared.name} failed`, service.refused.message);
    await inDebug(page, `${declared.name} caught`, service.refused.message);
  });
}

/** Every panel once, in the dark theme. */
async function panels(page: Page, step: Step): Promise<void> {
  await step('the editor is dark', async () => {
    const background = "getComputedStyle(document.querySelector('#red-ui-palette')).backgroundColor";
    const [red = 255] = String(await page.evaluate(background))
      .match(/\d+/g)!
      .map(Number);
    if (red > 100) throw new Error(`The editor is light: its palette has the red ${red}.`);
  });
  await page.locator('.red-ui-tab-button:not(.red-ui-tab-scroll) a:has(.fa-plus):visible').first().click();
  for (const [i, { name, label }] of [...operations, { name: 'logOut', label: 'Log Out' }].entries()) {
    await step(label, async () => {
      await closeNotices(page);
      const id = await drop(page, typeOf(name), 140 + (i % 2) * 260, 60 + Math.floor(i / 2) * 70);
      await edit(page, page.locator(`[id="${id}"]`));
      for (const summary of await page.locator('.red-ui-tray summary').all()) await summary.click();
    });
    await done(page);
  }
  for (const { name, label } of services) {
    await step(`server of ${label}`, async () => {
      await edit(
        page,
        page.locator('.red-ui-flow-node-group, .red-ui-flow-node').filter({ hasText: 'log out' }).last(),
      );
      await page.selectOption('#node-input-service', name);
      await page.click(`#node-input-btn-${name}Server-add`);
      await page.waitForSelector('#node-config-input-url');
      await page.fill('#node-config-input-url', 'http://127.0.0.1:9');
      await settled(page);
      await page.click('.curfew-test');
      await page.waitForSelector('.curfew-bad');
    });
    await page.click('#node-config-dialog-cancel');
    await page.waitForSelector('#node-config-input-url', { state: 'detached' });
    await settled(page);
    await page.click('#node-dialog-cancel');
    await page.waitForSelector('.red-ui-tray', { state: 'detached' });
  }
  await step('the flow', async () => closeNotices(page));
}

/** Drags a node out of the palette; returns its id. */
async function drop(page: Page, type: string, x: number, y: number): Promise<string> {
  const entry = page.locator(`.red-ui-palette-node[data-palette-type="${type}"]`);
  await entry.scrollIntoViewIfNeeded();
  const from = await middle(entry);
  const chart = (await page.locator('#red-ui-workspace-chart').boundingBox())!;
  const before = await ids(page);
  await page.mouse.move(from.x, from.y);
  await page.mouse.down();
  await page.mouse.move(from.x + 20, from.y + 10, { steps: 3 });
  await page.mouse.move(chart.x + x, chart.y + y, { steps: 8 });
  await page.mouse.up();
  const added = async () => (await ids(page)).find((id) => !before.includes(id));
  for (let id = await added(); ; id = await added()) if (id !== undefined) return id;
}

const ids = (page: Page) =>
  page.evaluate(
    '[...document.querySelectorAll(".red-ui-flow-node-group, .red-ui-flow-node")].map(({ id }) => id).filter(Boolean)',
  ) as Promise<string[]>;

async function edit(page: Page, node: Locator): Promise<void> {
  const { x, y } = await middle(node.locator('.red-ui-flow-node-label').first());
  await page.mouse.dblclick(x, y);
  await page.waitForSelector('#node-dialog-ok');
  await settled(page);
}

async function done(page: Page): Promise<void> {
  await settled(page);
  await page.click('#node-dialog-ok');
  await page.waitForSelector('.red-ui-tray', { state: 'detached' });
}

/** Waits until a panel has slid in. */
const settled = (page: Page) =>
  page.waitForFunction("[...document.querySelectorAll('.red-ui-tray')].at(-1)?.style.right === '0px'");

/** Fills in the parameters: a choice directly, a text or a secret as a fixed value. */
async function fill(page: Page, parameters: readonly Parameter[], values: Record<string, unknown>): Promise<void> {
  for (const [name, value] of Object.entries(values)) {
    const kind = parameters.find((one) => one.name === name)?.kind;
    if (kind === 'choice') {
      await page.selectOption(`#node-input-${name}`, String(value));
      continue;
    }
    const row = page.locator(`.curfew-row-${name}`);
    const typed = kind === 'secret' ? 'credential' : 'string';
    await row.locator('.red-ui-typedInput-type-select').click();
    await page.locator('.red-ui-typedInput-options:visible').getByText(typed, { exact: true }).click();
    const pencil = row.locator('.red-ui-typedInput-container .fa-pencil:visible');
    if (await pencil.count()) await pencil.click();
    await row
      .locator('.red-ui-typedInput-input:visible, .red-ui-typedInput-input-wrap input:visible')
      .first()
      .fill(String(value));
  }
}

async function wire(page: Page, from: Locator, output: number, to: Locator): Promise<void> {
  const start = await middle(from.locator('.red-ui-flow-port-output .red-ui-flow-port').nth(output));
  const end = await middle(to.locator('.red-ui-flow-port-input .red-ui-flow-port').first());
  await page.mouse.move(start.x, start.y);
  await page.mouse.down();
  await page.mouse.move((start.x + end.x) / 2, (start.y + end.y) / 2, { steps: 4 });
  await page.mouse.move(end.x, end.y, { steps: 4 });
  await page.mouse.up();
}

async function deploy(page: Page): Promise<void> {
  await page.click('#red-ui-header-button-deploy');
  await page.waitForFunction('!RED.nodes.dirty()');
  await closeNotices(page);
}

async function showDebug(page: Page): Promise<void> {
  const content = page.locator('.red-ui-debug-content').first();
  if (!(await content.isVisible()))
    await page
      .locator('[id$="debug-link-button"], [data-tab-id="debug"], .red-ui-sidebar-tab-icon:has(.fa-bug)')
      .first()
      .click();
  await content.waitFor();
}

/** A message of a debug node, expanded until the expected text is visible. */
async function inDebug(page: Page, name: string, says: RegExp): Promise<void> {
  const message = page.locator('.red-ui-debug-msg').filter({ hasText: name }).last();
  await message.waitFor();
  for (let clicks = 0; clicks < 8 && !says.test(await message.innerText()); clicks++) {
    const closed = message.locator('.collapsed .red-ui-debug-msg-expandable:visible').first();
    if (await closed.count()) await closed.click();
  }
  await message.filter({ hasText: says }).waitFor();
}

/** Closes the editor's notices, such as after a deployment, because they cover what is clicked next. */
async function closeNotices(page: Page): Promise<void> {
  for (const notice of await page.locator('.red-ui-notification:visible').all()) await notice.click().catch(() => {});
}

async function middle(at: Locator): Promise<{ x: number; y: number }> {
  await at.waitFor();
  const { x, y, width, height } = (await at.boundingBox())!;
  return { x: x + width / 2, y: y + height / 2 };
}

async function opened(browser: Browser, url: string, colorScheme: 'light' | 'dark'): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 }, colorScheme });
  // The setting that a person chooses in Node-RED 5; 4.1 gets its theme from the runtime.
  await context.addInitScript(`localStorage.setItem('view-dark-theme', JSON.stringify('${colorScheme}'))`);
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  await page.goto(url);
  await page.waitForFunction(`typeof RED !== 'undefined' && RED.nodes?.getType?.('${logOut}')`);
  await page.waitForSelector('#red-ui-palette-curfew .red-ui-palette-node', { state: 'attached' });
  await page.waitForSelector('#red-ui-loading-progress', { state: 'hidden' });
  return page;
}

// ---- What runs

async function startNodeRed(engine: string, userDir: string, theme: string) {
  const port = await freePort();
  const settings = {
    uiHost: '127.0.0.1',
    uiPort: port,
    flowFile: 'flows.json',
    credentialSecret: 'of no secret that anybody keeps',
    editorTheme: { tours: false, projects: { enabled: false }, ...(theme && { theme }) },
    telemetry: { enabled: false, updateNotification: false },
  };
  writeFileSync(join(userDir, 'settings.js'), `module.exports = ${JSON.stringify(settings)};\n`);
  const child = await started(
    process.execPath,
    [resolve(engine, 'node_modules', 'node-red', 'red.js'), '--userDir', userDir],
    { HOME: userDir },
    'Started flows',
  );
  return { url: `http://127.0.0.1:${port}`, close: () => ended(child) };
}

/** Installs the packages as the palette manager does: into the user folder, from a packed file. */
function installPackages(userDir: string, more: readonly string[]): void {
  writeFileSync(join(userDir, 'package.json'), '{ "private": true }\n');
  const pack = ['pack', '--silent', '--pack-destination', userDir, './packages/node-red-curfew'];
  const packed = execFileSync('npm', pack, { encoding: 'utf8' }).trim();
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error'];
  execFileSync('npm', ['install', ...quiet, `./${packed}`, ...more], { cwd: userDir, stdio: ['ignore', 2, 2] });
}
