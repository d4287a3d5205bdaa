import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { operations, serverTypeOf, services, typeOf } from 'curfew-nodes';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { TestServer } from '../../../packages/curfew/test/support/server.ts';
import { curfewNode, curfewServer } from './support/curfew-node.ts';
import { type FlowNode, NodeRed, packageFolder } from './support/node-red.ts';

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** The folder for the screenshots of the panels; without the variable they are discarded. */
const pictures = process.env['CURFEW_PICTURES'];

/** Each node's panel in the real editor, in a real browser. */
describe('the editor of Node-RED', () => {
  let red: NodeRed;
  let server: TestServer;
  let browser: BrowserContext;
  let page: Page;
  const profile = mkdtempSync(join(tmpdir(), 'curfew-chromium-'));
  const faults: string[] = [];

  before(async () => {
    red = await NodeRed.start();
    server = await TestServer.start();
    const place = (node: FlowNode, i: number) => ({
      z: 'tab',
      x: 160 + (i % 3) * 240,
      y: 60 + Math.floor(i / 3) * 70,
      wires: [[], []],
      ...node,
    });
    const nodes = operations.map(({ name }) => ({ ...curfewNode(name, {}), id: typeOf(name) }));
    const logOut = { id: typeOf('logOut'), type: typeOf('logOut'), service: 'directus' };
    const configurations = services
      .filter(({ name }) => name !== 'curfew')
      .map(({ name }) => ({
        id: `${name}-config`,
        type: serverTypeOf(name),
        name: '',
        url: 'http://127.0.0.1:8055',
        way: 'token',
      }));
    await red.deploy([
      curfewServer(server.url, server.key),
      ...configurations,
      ...[...nodes, logOut].map(place),
    ] as FlowNode[]);
    browser = await chromium.launchPersistentContext(profile, {
      executablePath: '/usr/bin/chromium',
      headless: true,
      args: flags,
      viewport: { width: 1280, height: 860 },
    });
    page = await browser.newPage();
    page.on('pageerror', (error) => faults.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') faults.push(message.text());
    });
    await page.goto(red.url);
    await page.waitForFunction("typeof RED !== 'undefined' && RED.nodes && RED.nodes.node('curfew-log-out')");
    await page.waitForSelector('#red-ui-palette-curfew .red-ui-palette-node');
    await page.waitForSelector('#red-ui-loading-progress', { state: 'hidden' });
    // The state after dragging a new node out of the palette.
    await page.evaluate(`RED.nodes.eachNode((node) => {
      for (const [name, { value }] of Object.entries(node._def.defaults)) node[name] ??= value;
      RED.editor.validateNode(node);
      node.dirty = true;
    });
    RED.view.redraw()`);
  });
  after(async () => {
    await browser?.close();
    await red.close();
    await server.close();
    rmSync(profile, { recursive: true, force: true });
  });

  async function picture(name: string, selector?: string): Promise<void> {
    if (pictures === undefined) return;
    mkdirSync(pictures, { recursive: true });
    const path = join(pictures, `${name}.png`);
    await (selector === undefined ? page.screenshot({ path }) : page.locator(selector).first().screenshot({ path }));
  }

  /** The part of the work area with the nodes. */
  async function pictureOfFlow(): Promise<void> {
    if (pictures === undefined) return;
    mkdirSync(pictures, { recursive: true });
    const { x = 0, y = 0 } = (await page.locator('#red-ui-workspace-chart').boundingBox()) ?? {};
    await page.screenshot({ path: join(pictures, 'flow.png'), clip: { x, y, width: 745, height: 375 } });
  }

  test('the palette has every node, and the flow shows them', async () => {
    const types = await page.evaluate(
      "[...document.querySelectorAll('#red-ui-palette .red-ui-palette-node')].map((node) => node.getAttribute('data-palette-type'))",
    );
    const wanted = [...operations.map(({ name }) => typeOf(name)), typeOf('logOut')];
    assert.deepEqual((types as string[]).filter((type) => type.startsWith('curfew-')).toSorted(), wanted.toSorted());
    const invalid = await page.evaluate(
      'RED.nodes.filterNodes({}).filter((node) => !node.valid).map(({ type }) => type)',
    );
    // A new node has nothing to correct, except that Log Out has no server yet.
    assert.deepEqual(invalid, [typeOf('logOut')]);
    await pictureOfFlow();
  });

  for (const name of [...operations.map((operation) => operation.name), 'logOut']) {
    test(`the panel of ${name} opens, is labelled, and keeps what is typed`, async () => {
      const type = typeOf(name);
      await open(type);
      const labels = await page.locator('.red-ui-tray .form-row:visible label').allTextContents();
      // A key without a translation would appear literally.
      assert.deepEqual(
        labels.filter((label) => label.includes('curfew.')),
        [],
      );
      assert.ok(labels.length >= 4, labels.join());
      const bare = await page.evaluate(`[...document.querySelectorAll('.red-ui-tray .curfew-form label[for]')]
        .filter((label) => !label.title || label.title.startsWith('curfew.') || !label.querySelector('i.fa, input'))
        .map((label) => label.htmlFor)`);
      assert.deepEqual(bare, [], 'each has a title, and an icon or a checkbox');
      await picture(type, '.red-ui-tray');
      await page.fill('#node-input-name', `my ${name}`);
      await page.click('#node-dialog-ok');
      await page.waitForSelector('.red-ui-tray', { state: 'detached' });
      assert.equal(await page.evaluate(`RED.nodes.node('${type}').name`), `my ${name}`);
    });
  }

  test('manual error management adds an output, automatic removes it', async () => {
    const type = typeOf('getUserSession');
    for (const [way, outputs] of [
      ['manual', 3],
      ['automatic', 2],
    ] as const) {
      await open(type);
      await page.selectOption('#node-input-errorManagement', way);
      await page.click('#node-dialog-ok');
      await page.waitForSelector('.red-ui-tray', { state: 'detached' });
      assert.equal(await page.evaluate(`RED.nodes.node('${type}').outputs`), outputs);
    }
  });

  test('Log Out shows only the fields of the chosen service', async () => {
    await open(typeOf('logOut'));
    const shown = async () => {
      const names = services.flatMap(({ parameters }) => parameters.map(({ name }) => name));
      const visible = [];
      for (const name of names) if (await page.locator(`.curfew-row-${name}`).isVisible()) visible.push(name);
      return visible;
    };
    for (const [service, wanted] of [
      ['waha', ['wahaSession']],
      ['directus', ['directusRefreshToken', 'directusCheck']],
      ['curfew', ['curfewBy', 'curfewSessionId']],
    ] as const) {
      await page.selectOption('#node-input-service', service);
      assert.deepEqual(await shown(), wanted);
    }
    await page.click('#node-dialog-cancel');
    await page.waitForSelector('.red-ui-tray', { state: 'detached' });
  });

  test('a server’s panel tests what is typed, and shows the result', async () => {
    await open(typeOf('verifySession'));
    await page.click('#node-input-btn-server-edit');
    await page.waitForSelector('#node-config-input-url');
    await page.click('.curfew-test');
    await page.waitForSelector('.curfew-good');
    assert.match(await page.locator('.curfew-test-result').innerText(), /Curfew answers and accepts the credentials/);
    await picture('curfew-server', '.red-ui-tray >> nth=-1');
    await page.fill('#node-config-input-apiKey', 'cfk_wrong');
    // The result of another key is gone.
    assert.equal(await page.locator('.curfew-test-result').innerText(), '');
    await page.click('.curfew-test');
    await page.waitForSelector('.curfew-bad');
    await page.selectOption('#node-config-input-way', 'signIn');
    assert.equal(await page.locator('.curfew-test-result').innerText(), '');
    await page.selectOption('#node-config-input-way', 'token');
    // Nor does a late answer appear once the fields have changed.
    await page.route('**/curfew/test', async (route) => {
      await page.fill('#node-config-input-apiKey', 'cfk_other');
      await route.continue();
    });
    const answered = page.waitForResponse('**/curfew/test');
    await page.click('.curfew-test');
    await (await answered).finished();
    await page.evaluate('new Promise((resolve) => setTimeout(resolve))');
    assert.equal(await page.locator('.curfew-test-result').innerText(), '');
    await page.unroute('**/curfew/test');
    assert.match(await page.locator('.red-ui-tray-titlebar >> nth=-1').innerText(), /Curfew server/);
    await page.click('#node-config-dialog-cancel');
    await page.click('#node-dialog-cancel');
  });

  test('a change of the service sets the defaults of the new one, whatever the flow contains', async () => {
    const id = typeOf('logOut');
    const defaults = async () =>
      page.evaluate(`Object.fromEntries(Object.entries(RED.nodes.getType('${id}').defaults)
        .filter(([name]) => /^(altogic|curfew|directus|oauth|rocketchat|waha)/.test(name) && !/Server$/.test(name))
        .map(([name, { value }]) => [name, value]))`) as Promise<Record<string, unknown>>;
    const saved = async () =>
      page.evaluate(`(({ ...all }) => Object.fromEntries(${JSON.stringify(Object.keys(await defaults()))}
        .map((name) => [name, all[name]])))(RED.nodes.node('${id}'))`);
    // Like a flow that was made for only one service, and one that was made by hand.
    await page.evaluate(`for (const name of ${JSON.stringify(Object.keys(await defaults()))}) {
      if (!name.startsWith('curfew')) delete RED.nodes.node('${id}')[name];
    }
    Object.assign(RED.nodes.node('${id}'), { service: 'curfew', oauthHint: 'msg' })`);
    for (const { name, parameters } of services.filter((one) => one.name !== 'curfew')) {
      await open(id);
      await page.selectOption('#node-input-service', name);
      for (const parameter of parameters) {
        const shown = await page.locator(`.curfew-row-${parameter.name}`).isVisible();
        assert.equal(shown, true, `${parameter.name} is not visible`);
      }
      await page.click('#node-dialog-ok');
      await page.waitForSelector('.red-ui-tray', { state: 'detached' });
      assert.deepEqual(await saved(), await defaults(), name);
    }
  });

  test('a typed secret is stored with the credentials; that of an earlier flow is moved there', async () => {
    const id = typeOf('verifySession');
    const node = () =>
      page.evaluate(`(({ sessionToken, sessionTokenType, proxy, credentials }) =>
        ({ sessionToken, sessionTokenType, proxy, credentials }))(RED.nodes.node('${id}'))`) as Promise<{
        sessionToken: string;
        sessionTokenType: string;
        proxy: string;
        credentials: Record<string, string>;
      }>;
    const done = async () => {
      await page.click('#node-dialog-ok');
      await page.waitForSelector('.red-ui-tray', { state: 'detached' });
    };
    await page.evaluate(`Object.assign(RED.nodes.node('${id}'), {
      sessionToken: 'cfs_old', sessionTokenType: 'str', proxy: 'http://flow:p%40ss@127.0.0.1:3128'
    })`);
    await open(id);
    await done();
    const moved = await node();
    assert.deepEqual([moved.sessionToken, moved.sessionTokenType, moved.proxy], ['', 'cred', 'http://127.0.0.1:3128']);
    const { sessionTokenSecret, proxyUser, proxyPassword } = moved.credentials;
    assert.deepEqual([sessionTokenSecret, proxyUser, proxyPassword], ['cfs_old', 'flow', 'p@ss']);
    assert.equal(await page.evaluate(`RED.nodes.node('${id}').valid`), true);

    const exported = (await page.evaluate(
      `JSON.stringify(RED.nodes.createExportableNodeSet([RED.nodes.node('${id}')]))`,
    )) as string;
    assert.doesNotMatch(exported, /cfs_old|p@ss/);
    // After deploying, the browser no longer has it; another Done leaves it unchanged.
    await page.click('#red-ui-header-button-deploy');
    await page.waitForFunction('!RED.nodes.dirty()');
    await open(id);
    await done();
    assert.equal((await node()).credentials['has_sessionTokenSecret'], true);
    // With another source it is gone.
    await open(id);
    await page.evaluate("$('#node-input-sessionToken').typedInput('type', 'msg').typedInput('value', 'payload.token')");
    await done();
    assert.deepEqual((await node()).sessionToken, 'payload.token');
    assert.equal((await node()).credentials['has_sessionTokenSecret'], false);
  });

  test('the examples have the fields of their nodes, and only those of the chosen service', async () => {
    for (const file of readdirSync(join(packageFolder, 'examples'))) {
      const flow = JSON.parse(readFileSync(join(packageFolder, 'examples', file), 'utf8')) as FlowNode[];
      for (const node of flow.filter(({ type }) => type.startsWith('curfew-'))) {
        const known = (await page.evaluate(`Object.keys(RED.nodes.getType('${node.type}').defaults)`)) as string[];
        const others = services.filter(({ name }) => 'service' in node && name !== node['service']);
        const stray = others.flatMap(({ name, parameters }) => [
          `${name}Server`,
          ...parameters.flatMap((one) => [one.name, `${one.name}Type`]),
        ]);
        const place = ['id', 'type', 'z', 'x', 'y', 'wires'];
        const wrong = Object.keys(node).filter((key) => ![...known, ...place].includes(key) || stray.includes(key));
        assert.deepEqual(wrong, [], `${file}: ${node.id}`);
      }
    }
  });

  test('nothing went wrong in the browser', () => {
    assert.deepEqual(
      faults.filter((fault) => !/Failed to load resource|net::ERR/.test(fault)),
      [],
    );
  });

  async function open(id: string): Promise<void> {
    await page.evaluate(`RED.editor.edit(RED.nodes.node('${id}'))`);
    await page.waitForSelector('#node-dialog-ok');
    // Until then its fields are not there yet, or move.
    await page.waitForFunction("[...document.querySelectorAll('.red-ui-tray')].at(-1)?.style.right === '0px'");
  }
});
