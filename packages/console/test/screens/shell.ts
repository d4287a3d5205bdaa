import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { accessible, fits, visit } from '../support/visit.ts';
import { codeOf, newWorld, roles, skip } from '../support/world.ts';

describe('the frame of every screen', { skip }, () => {
  test('each role sees links to what it may see, and no others', async (t) => {
    const links: Record<string, string[]> = {};
    for (const role of roles) {
      const { page } = await visit(t, { as: role });
      await page.getByRole('heading', { level: 1 }).waitFor();
      links[role] = await page.getByRole('navigation', { name: 'Main' }).getByRole('listitem').allTextContents();
    }
    assert.ok(links['admin']?.includes('Sessions') && links['support']?.includes('Sessions'));
    assert.deepEqual(links['member'], ['My devices']);
  });

  test('a screen that one may not see says which permission it needs', async (t) => {
    const { page } = await visit(t, { as: 'member', to: '#/sessions' });
    await page.getByRole('heading', { name: 'Your account may not see this' }).waitFor();
    await page.getByText('sessions.read').waitFor();
    await accessible(page);
  });

  test('an address of no screen says so', async (t) => {
    const { page } = await visit(t, { as: 'member', to: '#/nothing/here' });
    await page.getByRole('heading', { name: 'There is no such page' }).waitFor();
    await accessible(page);
  });

  test('who goes elsewhere while the console loads gets there, also when the browser tells of it late', async (t) => {
    const { page, world } = await visit(t, { as: 'admin', to: '#/devices' });
    await page.addInitScript(`addEventListener('hashchange', (event) => {
      if (!event.isTrusted) return;
      event.stopImmediatePropagation();
      setTimeout(() => dispatchEvent(new HashChangeEvent('hashchange')), 300);
    })`);
    const loaded = Promise.withResolvers<void>();
    await page.route('**/v1/me', async (route) => {
      await loaded.promise;
      await route.continue();
    });
    await page.goto(`${world.server.url}/console/`);
    await page.evaluate("location.hash = '#/audit'");
    loaded.resolve();
    await page.getByRole('heading', { name: 'Audit', level: 1 }).waitFor();
    assert.match(page.url(), /#\/audit$/);
  });

  test('7.4.4: one signs out from any screen; the session is over and the cookie gone', async (t) => {
    const { page, world, expect } = await visit(t, { as: 'support', to: '#/sessions' });
    expect(401);
    const token = (await page.context().cookies())[0]!.value;
    assert.equal((await world.server.verify(token)).active, true);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByText('You are signed out.').waitFor();
    assert.equal((await world.server.verify(token)).active, false);
    assert.deepEqual(await page.context().cookies(), []);
  });

  test('whoever is signed out meanwhile signs in again, and is where they were', async (t) => {
    const world = await newWorld();
    const { page, expect } = await visit(t, { world, as: 'support', to: '#/sessions?status=ended' });
    expect(401, 403);
    await page.getByRole('heading', { name: 'Sessions', level: 1 }).waitFor();
    const { id } = (await world.server.call('GET', `/v1/users/${world.people.support.id}/sessions`)).body.sessions[0];
    await world.server.call('DELETE', `/v1/sessions/${id}`);
    await page.getByRole('link', { name: 'Active', exact: true }).click();
    await page.getByText('Your session has ended: Ended by an administrator').waitFor();
    await accessible(page);
    await page.getByLabel('Password').fill(world.people.support.password);
    await page.keyboard.press('Enter');
    await page.getByLabel('Code').fill(codeOf(world, 'support'));
    await page.keyboard.press('Enter');
    await page.getByRole('row').nth(1).waitFor();
    assert.equal(await page.locator('dialog').count(), 0);
  });

  test('the theme is that of the system, or the one that was chosen, also after a reload', async (t) => {
    const { page } = await visit(t, { as: 'member' });
    const darkness = (wanted: boolean) =>
      page.waitForFunction(
        `(Number(/\\d+/.exec(getComputedStyle(document.documentElement).backgroundColor)[0]) < 128) === ${wanted}`,
      );
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page.emulateMedia({ colorScheme: 'light' });
    await darkness(false);
    await page.emulateMedia({ colorScheme: 'dark' });
    await darkness(true);
    await page.getByLabel('Appearance').selectOption('Light');
    await darkness(false);
    await page.reload();
    await page.getByRole('heading', { level: 1 }).waitFor();
    await darkness(false);
  });

  test('German is whole: nothing on the screen is English', async (t) => {
    const { page } = await visit(t, { as: 'admin' });
    await page.getByLabel('Language').selectOption('Deutsch');
    await page.getByRole('link', { name: 'Sitzungen', exact: true }).waitFor();
    assert.equal(await page.evaluate('document.documentElement.lang'), 'de');
  });

  test('by keyboard: the first stop skips the navigation', async (t) => {
    const { page } = await visit(t, { as: 'admin', to: '#/sessions' });
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate('document.activeElement.textContent'), 'Skip to the content');
    await page.keyboard.press('Enter');
    assert.equal(await page.evaluate('document.activeElement.localName'), 'main');
    assert.match(page.url(), /#\/sessions$/);
  });

  test('on 320 px the navigation is behind a button, and goes away once a place is chosen', async (t) => {
    const { page } = await visit(t, { as: 'admin', to: '#/sessions', width: 320, height: 560 });
    await page.getByRole('heading', { name: 'Sessions', level: 1 }).waitFor();
    await fits(page);
    await accessible(page);
    await page.getByRole('button', { name: 'Menu' }).click();
    await accessible(page);
    await page.getByRole('link', { name: 'My devices' }).click();
    await page.getByRole('heading', { name: 'My devices', level: 1 }).waitFor();
    await page.getByRole('link', { name: 'Sessions', exact: true }).waitFor({ state: 'hidden' });
  });

  test('a server that is away for a while is told, and what it says afterwards is shown', async (t) => {
    const { page } = await visit(t, { as: 'support', to: '#/sessions' });
    await page.getByRole('row').nth(1).waitFor();
    await page.route('**/v1/**', (route) => route.abort());
    page.removeAllListeners('console');
    await page.getByRole('link', { name: 'Ended', exact: true }).click();
    await page.getByText('The server is not answering.').waitFor();
    await page.unroute('**/v1/**');
    await page.getByText('The server is answering again.').waitFor();
    await page.getByText('The server is not answering.').waitFor({ state: 'hidden' });
  });
});
