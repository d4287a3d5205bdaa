import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { type Browser, chromium, type Page, selectors } from 'playwright-core';
import { createClient } from '../packages/client/src/index.ts';
import { type Service, services } from '../packages/nodes/src/index.ts';
import { run } from './exec.ts';

/*
 * The nodes in the editors that people use: whole n8n, installed once into a cache folder, with the packed packages
 * installed as a user does it. A browser clicks: adds the node, picks the service, makes the credential and sees it
 * tested, wires an error output, runs, and sees what comes out. A table and pictures come of it.
 *
 *   npm run editors            every version
 *   npm run editors -- 1.123   those whose name has it
 */

const cache = resolve(process.env['CURFEW_EDITORS'] ?? join(homedir(), '.cache', 'curfew-editors'));

type Editor = { readonly version: string; readonly node: number; readonly env: Record<string, string> };
const editors: readonly Editor[] = [{ version: '1.123.81', node: 20, env: { N8N_EXPRESSION_ENGINE: 'legacy' } }];

selectors.setTestIdAttribute('data-test-id');
run('node', ['tools/build.ts']);
const asked = process.argv[2] ?? '';
const rows: string[][] = [];
let failed = 0;
const server = await startServer();
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: [
    ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
    ...['--disable-background-networking', '--disable-component-update'],
  ],
});
try {
  for (const editor of editors.filter(({ version }) => version.includes(asked))) await tryEditor(editor);
} finally {
  await browser.close();
  server.child.kill('SIGTERM');
  rmSync(server.store, { recursive: true, force: true });
}
const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
for (const row of rows) console.log(row.map((text, i) => text.padEnd(widths[i]!)).join('  '));
process.exit(failed > 0 ? 1 : 0);

async function tryEditor(editor: Editor): Promise<void> {
  const folder = installed(editor);
  const home = mkdtempSync(join(tmpdir(), 'curfew-editor-'));
  const pictures = join(cache, 'pictures', editor.version);
  rmSync(pictures, { recursive: true, force: true });
  mkdirSync(pictures, { recursive: true });
  installPackages(home);
  const n8n = await startN8n(editor, folder, home);
  try {
    const page = await signedIn(browser, n8n.url);
    for (const service of services) {
      const given = await example(service);
      const steps: string[] = [];
      const step = async (name: string, act: () => Promise<unknown>) => {
        await act();
        steps.push(name);
        await page.screenshot({
          path: join(pictures, `${service.name}-${steps.length}-${name.replaceAll(' ', '-')}.png`),
        });
      };
      try {
        await clickThrough(page, n8n.url, service, given, step);
        rows.push([`n8n ${editor.version}`, service.label, 'pass', steps.join(', ')]);
      } catch (error) {
        failed += 1;
        await page.screenshot({ path: join(pictures, `${service.name}-failed.png`) });
        const why = String(error).split('\n').slice(0, 4).join(' ');
        rows.push([`n8n ${editor.version}`, service.label, 'FAIL', `after: ${steps.join(', ')}. ${why}`]);
      }
    }
  } finally {
    n8n.child.kill('SIGTERM');
    rmSync(home, { recursive: true, force: true });
    console.log(`Pictures: ${pictures}`);
  }
}

// ---- What a person does

/** How to reach a session of a service, how to name it, how to name one that is not there, and what is said of both. */
type Given = {
  credential: Record<string, string>;
  parameter: string;
  session: string;
  says: RegExp;
  unknown: string;
  errorSays: RegExp;
};
type Step = (name: string, act: () => Promise<unknown>) => Promise<void>;

async function clickThrough(
  page: Page,
  url: string,
  service: Service,
  given: Given | undefined,
  step: Step,
): Promise<void> {
  await step('adds the node', async () => {
    await page.goto(`${url}/workflow/new`);
    await page.getByTestId('canvas-add-button').click();
    await page.getByText('Trigger manually').first().click();
    await page.getByTestId('canvas-handle-plus').first().click();
    await page.getByTestId('node-creator-search-bar').fill('log out');
    // Curfew's Log Out is a node of another package, where there is no service to choose.
    const isCurfew = service.name === 'curfew';
    const label = isCurfew ? 'Log Out of Curfew' : 'Log Out';
    await page.getByTestId('node-creator-item-name').getByText(label, { exact: true }).first().click();
    await page.getByText('Add to workflow').click();
    await page.getByTestId(`parameter-input-${isCurfew ? 'curfewBy' : 'service'}`).waitFor();
  });
  if (service.name !== 'curfew') await step('picks the service', async () => choose(page, 'service', service.label));
  await step('is offered its credential', async () => {
    await page.getByText(`Credential for ${service.credentials[0]!.label}`).first().waitFor();
  });
  if (!given) return;
  await step('makes the credential', async () => {
    await page.getByTestId('node-credentials-select').click();
    await page.getByTestId('node-credentials-select-item-new').click();
    const dialog = page.getByTestId('credential-edit-dialog');
    await dialog.waitFor();
    for (const { name } of service.credentials[0]!.fields) {
      const value = given.credential[name];
      if (value === undefined) continue;
      const field = dialog.getByTestId(`parameter-input-${name}`);
      await field.locator('input, textarea').first().fill(value);
    }
    await page.getByRole('button', { name: 'Save', exact: true }).last().click();
  });
  await step('sees it tested', async () => {
    await page.getByTestId('credentials-config-container-test-success').waitFor();
  });
  await step('fills the parameters', async () => {
    await page.keyboard.press('Escape');
    await page.getByTestId('credentials-config-container-test-success').waitFor({ state: 'hidden' });
    await fill(page, given.parameter, given.session);
  });
  await step('asks for an error output', async () => {
    await page.getByTestId('tab-settings').click();
    await choose(page, 'onError', 'Continue (using error output)');
  });
  await step('runs and sees the output', async () => {
    await page.getByTestId('node-execute-button').click();
    await page.getByText(given.says).locator('visible=true').first().waitFor();
    await page.getByText('Success Branch (1 item)').waitFor();
  });
  await step('sees an error at the error output', async () => {
    await page.getByText('Parameters', { exact: true }).first().click();
    await fill(page, given.parameter, given.unknown);
    await page.getByTestId('node-execute-button').click();
    await page.getByText('Error Branch (1 item)').click();
    await page.getByText(given.errorSays).locator('visible=true').first().waitFor();
  });
}

async function fill(page: Page, parameter: string, value: string): Promise<void> {
  const input = page.getByTestId(`parameter-input-${parameter}`);
  await input.locator('input, textarea, [contenteditable=true]').locator('visible=true').first().fill(value);
}

async function choose(page: Page, parameter: string, label: string): Promise<void> {
  await page.getByTestId(`parameter-input-${parameter}`).first().click();
  await page.locator('.el-select-dropdown__item:visible').filter({ hasText: label }).first().click();
}

/** A session to end in a service that this server is too; the others show their panel and their credential. */
async function example({ name }: Service): Promise<Given | undefined> {
  const client = createClient({ url: server.url, token: server.key });
  if (name === 'curfew') {
    const { session } = await client.createSession({ userId: 'ada' });
    return {
      credential: { url: server.url, apiKey: server.key },
      ...{ parameter: 'curfewSessionId', session: session.id, says: /has ended everywhere/ },
      ...{ unknown: '0'.repeat(22), errorSays: /There is no such session/ },
    };
  }
  if (name === 'waha') {
    await client.createNamedSession({ name: 'front-desk', start: true });
    return {
      credential: { url: `${server.url}/waha`, apiKey: server.key },
      ...{ parameter: 'wahaSession', session: 'front-desk', says: /is logged out/ },
      ...{ unknown: 'nobody', errorSays: /could not be found/ },
    };
  }
  return undefined;
}

async function signedIn(browser: Browser, url: string): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 } });
  const owner = { email: 'owner@example.com', firstName: 'Ada', lastName: 'Owner', password: 'A-passw0rd-of-nobody' };
  const set = await context.request.post(`${url}/rest/owner/setup`, { data: owner });
  if (!set.ok()) throw new Error(`n8n takes no owner: ${set.status()}`);
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  return page;
}

// ---- What runs

async function startN8n(
  { version, env, node }: Editor,
  folder: string,
  home: string,
): Promise<{ child: ChildProcess; url: string }> {
  const port = await freePort();
  const child = spawn(nodeOf(node), [join(folder, 'node_modules', 'n8n', 'bin', 'n8n'), 'start'], {
    env: {
      PATH: process.env['PATH'],
      ...{ HOME: home, N8N_USER_FOLDER: home, N8N_PORT: String(port), N8N_LISTEN_ADDRESS: '127.0.0.1' },
      ...{
        N8N_DIAGNOSTICS_ENABLED: 'false',
        N8N_VERSION_NOTIFICATIONS_ENABLED: 'false',
        N8N_TEMPLATES_ENABLED: 'false',
      },
      ...{ N8N_PERSONALIZATION_ENABLED: 'false', N8N_SECURE_COOKIE: 'false', N8N_RUNNERS_ENABLED: 'false' },
      ...env,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface(child.stdout!)) {
    if (line.includes('Editor is now accessible')) {
      child.stdout!.resume();
      return { child, url: `http://127.0.0.1:${port}` };
    }
  }
  throw new Error(`n8n ${version} did not start.`);
}

async function startServer(): Promise<{ child: ChildProcess; url: string; key: string; store: string }> {
  const key = execFileSync('curfew', ['keys', 'make'], { encoding: 'utf8' }).trim();
  const store = mkdtempSync(join(tmpdir(), 'curfew-editors-'));
  const child = spawn('curfew', ['serve'], {
    env: { ...process.env, CURFEW_STORE: `lmdb:${join(store, 'data')}`, CURFEW_PORT: '0', CURFEW_API_KEY: key },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  for await (const line of createInterface(child.stdout!)) {
    if (line.includes('"listening"')) return { child, url: JSON.parse(line).url, key, store };
  }
  throw new Error('The server did not start.');
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await new Promise((done) => probe.once('listening', done));
  const { port } = probe.address() as AddressInfo;
  await new Promise((done) => probe.close(done));
  return port;
}

// ---- What is installed

/** n8n of a version, installed once. Its scripts are left out but for the database's: some need compilers of their own. */
function installed({ version, node }: Editor): string {
  const folder = join(cache, `n8n-${version}`);
  const stamp = join(folder, '.installed');
  if (existsSync(stamp)) return folder;
  console.error(`Installing n8n ${version} into ${folder} (once; about 6 minutes) …`);
  mkdirSync(folder, { recursive: true });
  const manifest = { private: true, dependencies: { n8n: version }, overrides: { xlsx: '0.18.5' } };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  const env = { ...process.env, PATH: [resolve(nodeOf(node), '..'), process.env['PATH']].join(delimiter) };
  const npm = (...args: string[]) => {
    const done = spawnSync('npm', [...args, '--no-audit', '--no-fund', '--loglevel=error'], {
      cwd: folder,
      env,
      stdio: 'inherit',
    });
    if (done.status !== 0) process.exit(done.status ?? 1);
  };
  const begun = performance.now();
  npm('install', '--ignore-scripts');
  npm('rebuild', 'sqlite3');
  console.error(`It took ${Math.round((performance.now() - begun) / 1000)} s.`);
  writeFileSync(stamp, '');
  return folder;
}

/** The packages as n8n itself installs them: packed, from its folder for nodes of the community. */
function installPackages(home: string): void {
  const folder = join(home, '.n8n', 'nodes');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  const sources = ['./packages/n8n-nodes-curfew', './packages/n8n-nodes-log-out'];
  const packed = execFileSync('npm', ['pack', '--silent', '--pack-destination', folder, ...sources], {
    encoding: 'utf8',
  });
  const files = packed
    .trim()
    .split('\n')
    .map((file) => `./${file}`);
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', ...files], { cwd: folder });
}

/** A Node.js of this machine, by its major version: n8n 1 is for 20. */
function nodeOf(major: number): string {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const found = folders
    .map((folder) => join(folder, 'node'))
    .find(
      (path) =>
        existsSync(path) && spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout.startsWith(`v${major}.`),
    );
  if (found === undefined) throw new Error(`There is no Node.js ${major} on the PATH.`);
  return found;
}
