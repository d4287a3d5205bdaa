import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { accessible, fits, visit } from '../support/visit.ts';
import { codeOf, newWorld, skip } from '../support/world.ts';

describe('API keys', { skip }, () => {
  test('a key is made with what was chosen, its token is shown once, and it is dead once it is revoked', async (t) => {
    const { page, world } = await visit(t, { as: 'admin', to: '#/keys' });
    await page.getByRole('button', { name: 'Create a key' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Create a key' }).click();
    await dialog.getByText('Give it a name.').waitFor();
    await accessible(page);
    await dialog.getByLabel('Name', { exact: true }).fill('shop <b>');
    await dialog.getByLabel('sessions.verify').check();
    await dialog.getByRole('button', { name: 'Create a key' }).click();
    await page.getByRole('heading', { name: 'Copy the key now' }).waitFor();
    const token = (await page.locator('dialog .secret code').textContent())!;
    assert.match(token, /^cfk_/);
    // Escape does not lose what is shown only once.
    for (let times = 0; times < 3; times++) await page.keyboard.press('Escape');
    await accessible(page);
    await page.getByRole('button', { name: 'I have saved it' }).click();
    const row = page.getByRole('row').filter({ hasText: 'shop <b>' });
    await row.getByText('sessions.verify').waitFor();
    const asked = () => fetch(`${world.server.url}/v1/me`, { headers: { authorization: `Bearer ${token}` } });
    assert.equal((await asked()).status, 200);
    await row.getByRole('button', { name: /^Revoke/ }).click();
    await accessible(page);
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
    await page.getByRole('dialog').getByText('In force everywhere').waitFor();
    assert.equal((await asked()).status, 401);
    await page.getByRole('dialog').getByRole('button', { name: 'Close' }).last().click();
    await row.getByText('Revoked').waitFor();
    assert.equal(await row.getByRole('button').count(), 0, 'a revoked key has no button');
    await accessible(page);
  });

  test('making a key asks for a code, unless one was given in the last five minutes', async (t) => {
    const { page, world, expect } = await visit(t, { as: 'admin', to: '#/keys' });
    expect(403);
    world.clock.advance(6 * 60_000);
    await page.getByRole('button', { name: 'Create a key' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name', { exact: true }).fill('asked for');
    await dialog.getByRole('button', { name: 'Create a key' }).click();
    const proof = dialog.filter({ hasText: 'Confirm that it is you' });
    await proof.getByLabel('Code').fill(codeOf(world, 'admin'));
    await accessible(page);
    await proof.getByRole('button', { name: 'Confirm' }).click();
    await page.getByRole('heading', { name: 'Copy the key now' }).waitFor();
  });

  test('an answer that is lost after the key was made is told as a doubt, and one can look again', async (t) => {
    const { page, expect } = await visit(t, { world: await newWorld(), as: 'admin', to: '#/keys' });
    expect('away');
    await page.getByRole('button', { name: 'Create a key' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name', { exact: true }).fill('unheard');
    await page.route(/\/v1\/keys/, async (route) => {
      if (route.request().method() !== 'POST') return route.continue();
      await route.fetch();
      await route.abort('connectionreset');
    });
    await dialog.getByRole('button', { name: 'Create a key' }).click();
    await dialog.getByText('The change may have taken effect.').waitFor();
    assert.equal(await dialog.getByText('Nothing on this page is lost.').count(), 0);
    await accessible(page);
    await page.unrouteAll();
    await dialog.getByRole('button', { name: 'Refresh' }).click();
    await page.getByRole('row').filter({ hasText: 'unheard' }).waitFor();
    assert.equal(await dialog.count(), 0);
  });

  test('when a key was last used is told to the hour, which is all that is known', async (t) => {
    const world = await newWorld();
    const hour = 3_600_000;
    const uses = { now: 1000, lately: 1.5 * hour, 'this morning': 5.5 * hour, never: undefined };
    for (const name of Object.keys(uses)) await world.server.call('POST', '/v1/keys', { name, scopes: [] });
    const { page } = await visit(t, { world, as: 'admin', to: '#/overview' });
    await page.route(/\/v1\/keys/, async (route) => {
      const response = await route.fetch();
      const { keys, ...rest } = (await response.json()) as { keys: { name: string }[] };
      const used = keys.map((key) => {
        const ago = uses[key.name as keyof typeof uses];
        return ago === undefined ? key : { ...key, lastUsedAt: new Date(Date.now() - ago).toISOString() };
      });
      await route.fulfill({ response, json: { ...rest, keys: used } });
    });
    await page.goto(`${world.server.url}/console/#/keys`);
    const texts = { now: 'Within the last hour', lately: 'Within the last 2 hours', 'this morning': '5 hours ago' };
    for (const [name, text] of Object.entries({ ...texts, never: 'Not known' })) {
      await page.getByRole('row').filter({ hasText: name }).getByText(text, { exact: true }).waitFor();
    }
  });

  test('more keys than a page has are read on, and the focus stays where it is', async (t) => {
    const world = await newWorld();
    for (let i = 0; i < 55; i++) await world.server.call('POST', '/v1/keys', { name: `key ${i}`, scopes: [] });
    const { page } = await visit(t, { world, as: 'admin', to: '#/keys' });
    await page.getByText('key 54').waitFor();
    assert.equal(await page.getByText('key 0', { exact: true }).count(), 0);
    await page.getByRole('button', { name: 'Show more' }).press('Enter');
    await page.getByText('key 0', { exact: true }).waitFor();
    await page.waitForFunction("document.activeElement.className === 'list-end'");
    await page.setViewportSize({ width: 320, height: 640 });
    await fits(page);
  });
});
