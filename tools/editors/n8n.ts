import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, type Locator, type Page, selectors } from 'playwright-core';
import { freePort } from '../../packages/curfew/test/support/free-port.ts';
import { TestServer } from '../../packages/curfew/test/support/server.ts';
import { operations, type Parameter, resources } from '../../packages/nodes/src/index.ts';
import { installed, nodeOf } from './installed.ts';
import { type Offered, offered, saysOver } from './service.ts';
import { ended, started } from './started.ts';
import { type Editor, pictures, type Step, tried } from './trial.ts';

/** The packages to try, and their nodes, as named in the list of nodes. */
const packages = ['n8n-nodes-curfew', 'n8n-nodes-log-out'];
const curfewNode = 'Curfew';
const logOutNode = (service: string) => (service === 'curfew' ? 'Log Out of Curfew' : 'Log Out');

/** n8n 1 needs Node.js 20. */
export const n8nEditors: readonly Editor[] = [
  editor('1.123.81', 20, { N8N_EXPRESSION_ENGINE: 'legacy' }),
  editor('2.41.1', 24),
];

function editor(version: string, node: number, env: Record<string, string> = {}): Editor {
  const name = `n8n ${version}`;
  return {
    name,
    async tryOut(browser, tell) {
      const overrides = { xlsx: '0.18.5' };
      const folder = installed({ name: 'n8n', version, node, overrides, rebuilt: ['sqlite3'] });
      const home = mkdtempSync(join(tmpdir(), 'curfew-editor-'));
      const closers: (() => unknown)[] = [() => rmSync(home, { recursive: true, force: true })];
      const t = { after: (done: () => unknown) => closers.unshift(done) };
      try {
        installPackages(home);
        const server = await TestServer.start();
        t.after(() => server.close());
        const url = `http://127.0.0.1:${await freePort()}`;
        const n8n = await started(
          nodeOf(node),
          [join(folder, 'node_modules', 'n8n', 'bin', 'n8n'), 'start'],
          { ...settings, HOME: home, N8N_USER_FOLDER: home, N8N_PORT: new URL(url).port, ...env },
          'Editor is now accessible',
        );
        t.after(() => ended(n8n));
        const page = await signedIn(browser, url);
        const at = { editor: name, page, folder: pictures(name) };
        for (const service of offered) {
          const opened = await service.open(server, t);
          tell(
            await tried({ ...at, what: `Log Out of ${service.declared.label}` }, (step) =>
              logOut(page, url, service, opened, step),
            ),
          );
        }
        tell(await tried({ ...at, what: 'Operations of Curfew' }, (step) => panels(page, url, step)));
      } finally {
        for (const close of closers) await close();
      }
    },
  };
}

/** No requests to the internet, and no questions to the owner. */
const settings = {
  N8N_LISTEN_ADDRESS: '127.0.0.1',
  N8N_DIAGNOSTICS_ENABLED: 'false',
  N8N_VERSION_NOTIFICATIONS_ENABLED: 'false',
  N8N_TEMPLATES_ENABLED: 'false',
  N8N_PERSONALIZATION_ENABLED: 'false',
  N8N_SECURE_COOKIE: 'false',
  N8N_RUNNERS_ENABLED: 'false',
};

// ---- What a person does

/** The node that receives the items of the error output. */
const nextNode = 'No Operation, do nothing';

async function logOut(
  page: Page,
  url: string,
  { declared, refused }: Offered,
  opened: Awaited<ReturnType<Offered['open']>>,
  step: Step,
): Promise<void> {
  const node = logOutNode(declared.name);
  const credential = declared.credentials.find(({ way }) => way === 'token')!;
  const live = await opened.live();
  const panel = page.getByTestId('ndv');
  await step('adds the node', async () => {
    await newWorkflow(page, url);
    await page.getByTestId('canvas-handle-plus').first().click();
    await pickOurs(page, node);
    await panel.getByTestId('node-parameters').waitFor();
  });
  await step('picks the service', async () => {
    // Curfew's own Log Out has no service to pick, and each n8n names the purpose of its credential differently.
    const isCurfew = declared.name === 'curfew';
    if (!isCurfew) {
      await choose(page, 'service', declared.label);
      const label = panel.getByText(`Credential for ${credential.label}`).first();
      await label.waitFor();
      await seesBelow(label, panel.getByTestId('parameter-input-service'));
    }
    await credentialChoice(page).waitFor();
    await seesWhole(panel);
  });
  await step('makes the credential', async () => {
    await newCredential(page);
    const dialog = page.getByTestId('credential-edit-dialog');
    await dialog.waitFor();
    await fill(page, dialog, credential.fields, { url: opened.url, ...opened.fields });
    await seesWhole(dialog);
    await page.getByRole('button', { name: 'Save', exact: true }).last().click();
  });
  await step('sees it tested', async () => {
    const success = page.getByTestId('credentials-config-container-test-success');
    const isClosed = await Promise.race([
      success.waitFor().then(() => false),
      page
        .getByTestId('credential-edit-dialog')
        .waitFor({ state: 'hidden' })
        .then(() => true),
    ]);
    // n8n 2 closes the dialogue after a test that succeeded; opened again, it tests the credential again.
    if (isClosed) await panel.getByTestId('credential-edit-button').locator('visible=true').click();
    await success.waitFor();
  });
  await step('fills in the session', async () => {
    // n8n 2 closes the dialogue itself after a moment, so it is closed only if it is still there.
    const dialog = page.getByTestId('credential-edit-dialog');
    const closing = page.locator('.el-dialog__headerbtn:visible, [data-test-id="dialog-close-button"]:visible');
    await closing.evaluateAll((buttons) => {
      for (const button of buttons as unknown as { click(): void }[]) button.click();
    });
    await dialog.waitFor({ state: 'hidden' });
    await fill(page, panel, declared.parameters, live.parameters);
  });
  await step('asks for an error output', async () => {
    await page.getByTestId('tab-settings').click();
    await choose(page, 'onError', 'Continue (using error output)');
  });
  await step('wires the error output', async () => {
    await closePanel(page);
    await page.getByTestId('canvas-wrapper').click({ position: { x: 1000, y: 640 } });
    await page.getByTestId('node-creator-plus-button').click();
    await pick(page, nextNode);
    await closePanel(page);
    await page.getByTestId('zoom-to-fit').click();
    await drag(page, handle(page, 'output', node, 1), handle(page, 'input', nextNode, 0));
    await page.locator('.vue-flow__edge[data-id*="outputs/main/1"]').waitFor({ state: 'attached' });
  });
  await step('runs it', async () => {
    await execute(page, node);
  });
  await step('sees the output', async () => {
    await openPanel(page, node);
    await page.getByText('Success Branch (1 item)').waitFor();
    await panel.getByTestId('output-panel').getByText(saysOver).locator('visible=true').first().waitFor();
    await live.over();
  });
  await step('names a session that is refused', async () => {
    await page.getByTestId('tab-params').click();
    await fill(page, panel, declared.parameters, refused.parameters);
  });
  await step('sees the error go on', async () => {
    await closePanel(page);
    await execute(page, nextNode);
  });
  await step('sees what the error says', async () => {
    await openPanel(page, nextNode);
    await panel.getByText(refused.message).locator('visible=true').first().waitFor();
  });
}

/** Each operation of the node Curfew in the panel, with its credential and its options. */
async function panels(page: Page, url: string, step: Step): Promise<void> {
  const panel = page.getByTestId('ndv');
  await step('adds the node', async () => {
    await newWorkflow(page, url);
    await page.getByTestId('canvas-handle-plus').first().click();
    await pick(page, curfewNode);
    await page.getByText(operations[0]!.action, { exact: true }).click();
    await panel.getByTestId('parameter-input-operation').waitFor();
  });
  for (const [resource, { label }] of Object.entries(resources)) {
    for (const operation of operations.filter((one) => one.resource === resource)) {
      await step(operation.label, async () => {
        await choose(page, 'resource', label);
        await choose(page, 'operation', operation.label);
        await seesWhole(panel);
      });
    }
  }
}

async function newWorkflow(page: Page, url: string): Promise<void> {
  await page.goto(`${url}/workflow/new`);
  await page.getByTestId('canvas-add-button').click();
  await page.getByText('Trigger manually').first().click();
}

/** Picks a node from the open list of nodes. */
async function pick(page: Page, name: string): Promise<void> {
  await page.getByTestId('node-creator-search-bar').fill(name);
  await page.getByTestId('node-creator-item-name').getByText(name, { exact: true }).first().click();
}

/** Picks one of our nodes; for a community node, n8n first shows where it comes from. */
async function pickOurs(page: Page, name: string): Promise<void> {
  await pick(page, name);
  await page.getByText('Add to workflow').click();
}

/** Where a credential is chosen: n8n 2 has a button while there is none, n8n 1 a list with an entry for a new one. */
function credentialChoice(page: Page): Locator {
  const button = page.getByTestId('node-credentials-empty-state').getByRole('button').first();
  return button.or(page.getByTestId('node-credentials-select')).first();
}

async function newCredential(page: Page): Promise<void> {
  await credentialChoice(page).click();
  const entry = page.getByTestId('node-credentials-select-item-new');
  const dialog = page.getByTestId('credential-edit-dialog');
  await entry.or(dialog).first().waitFor();
  if (await dialog.isVisible()) return;
  await entry.click();
}

/** Fills in the fields that have a value: a choice before the fields that depend on it. */
async function fill(
  page: Page,
  within: Locator,
  parameters: readonly Parameter[],
  values: Record<string, unknown>,
): Promise<void> {
  for (const { name, choices } of parameters) {
    const value = values[name];
    if (value === undefined) continue;
    const choice = choices?.find((one) => one.value === value);
    if (choice) await choose(page, name, choice.label);
    else {
      const input = within.getByTestId(`parameter-input-${name}`).locator('input, textarea, [contenteditable=true]');
      const field = input.locator('visible=true').first();
      await field.fill(String(value));
      // What is typed into an expression takes effect a moment later, when its result is shown, and not if the panel has
      // been closed by then.
      if ((await field.getAttribute('contenteditable')) === 'true') await sees(page, String(value));
    }
  }
}

async function sees(page: Page, result: string): Promise<void> {
  await page.getByTestId('inline-expression-editor-output').getByText(result).locator('visible=true').first().waitFor();
}

async function choose(page: Page, parameter: string, label: string): Promise<void> {
  await page.getByTestId(`parameter-input-${parameter}`).locator('visible=true').last().click();
  await page.locator('.el-select-dropdown__item:visible').getByText(label, { exact: true }).first().click();
}

/** Runs the workflow from the canvas, until a node has finished. */
async function execute(page: Page, node: string): Promise<void> {
  await page.getByTestId('execute-workflow-button').click();
  await onCanvas(page, node).getByTestId('canvas-node-status-success').waitFor();
}

const onCanvas = (page: Page, node: string) => page.locator(`[data-test-id="canvas-node"][data-node-name="${node}"]`);

async function openPanel(page: Page, node: string): Promise<void> {
  await onCanvas(page, node).dblclick();
  await page.getByTestId('ndv').waitFor();
}

async function closePanel(page: Page): Promise<void> {
  await page
    .getByTestId('back-to-canvas')
    .or(page.getByTestId('ndv-close-button'))
    .locator('visible=true')
    .first()
    .click();
  await page.getByTestId('ndv').waitFor({ state: 'hidden' });
}

const handle = (page: Page, side: 'input' | 'output', node: string, index: number) =>
  page.locator(`[data-test-id="canvas-node-${side}-handle"][data-node-name="${node}"][data-index="${index}"]`);

async function drag(page: Page, from: Locator, to: Locator): Promise<void> {
  const [start, end] = [await middle(from), await middle(to)];
  await page.mouse.move(...start);
  await page.mouse.down();
  await page.mouse.move(...end, { steps: 12 });
  await page.mouse.up();
}

async function middle(of: Locator): Promise<[number, number]> {
  const box = await of.boundingBox();
  if (box === null) throw new Error(`${of} is not to be seen.`);
  return [box.x + box.width / 2, box.y + box.height / 2];
}

/** Checks that something is below something else, where a person who reads from the top finds it later. */
async function seesBelow(lower: Locator, upper: Locator): Promise<void> {
  const [[, low], [, high]] = [await middle(lower), await middle(upper)];
  if (low <= high) throw new Error(`${lower} is above ${upper}.`);
}

/** The parts of the browser's elements that are used here, because only the types of Node.js are available. */
type Shown = { scrollWidth: number; clientWidth: number; value?: string; textContent: string };
type Window = { getComputedStyle(of: Shown): { textOverflow: string } };

/** Checks that every label and every choice is fully readable: none is cut off with an ellipsis. */
async function seesWhole(within: Locator): Promise<void> {
  const cut = await within.evaluate((root) => {
    const { getComputedStyle } = globalThis as unknown as Window;
    return [...(root.querySelectorAll('*') as unknown as Iterable<Shown>)]
      .filter((element) => getComputedStyle(element).textOverflow === 'ellipsis')
      .filter(({ scrollWidth, clientWidth }) => clientWidth > 0 && scrollWidth > clientWidth)
      .map(({ value, textContent }) => value || textContent);
  });
  if (cut.length > 0) throw new Error(`Cut off: ${cut.join(' | ')}`);
}

async function signedIn(browser: Browser, url: string): Promise<Page> {
  selectors.setTestIdAttribute('data-test-id');
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 } });
  const owner = { email: 'owner@example.com', firstName: 'Ada', lastName: 'Owner', password: 'A-passw0rd-of-nobody' };
  const set = await context.request.post(`${url}/rest/owner/setup`, { data: owner });
  if (!set.ok()) throw new Error(`n8n takes no owner: ${set.status()}`);
  const page = await context.newPage();
  page.setDefaultTimeout(120_000);
  return page;
}

/** Installs the packages as n8n itself does: packed, into its folder for community nodes. */
function installPackages(home: string): void {
  const folder = join(home, '.n8n', 'nodes');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  const packed = packages.map((name) =>
    execFileSync('npm', ['pack', '--silent', '--pack-destination', folder, `./packages/${name}`], {
      encoding: 'utf8',
    }).trim(),
  );
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error'];
  execFileSync('npm', ['install', ...quiet, ...packed.map((file) => `./${file}`)], { cwd: folder });
}
