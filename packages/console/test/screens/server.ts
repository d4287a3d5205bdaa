import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { accessible, fits, visit } from '../support/visit.ts';
import { newWorld, skip } from '../support/world.ts';

describe('the state of the server', { skip }, () => {
  test('store, servers, applications, settings and findings', async (t) => {
    const world = await newWorld({ CURFEW_IDLE: '3d' });
    const { page } = await visit(t, { world, as: 'auditor', to: '#/server' });
    await page.getByRole('heading', { name: 'Findings' }).waitFor();
    await page.getByRole('heading', { name: 'This server' }).waitFor();
    await page.getByText('this server', { exact: true }).waitFor();
    await page.getByText('No application is attached to this server.').waitFor();
    await accessible(page);
    const settings = page.getByRole('table', { name: 'Settings in force' });
    await settings.getByText('CURFEW_IDLE').waitFor();
    const rows = await settings.getByRole('row').count();
    await page.getByLabel('Show defaults too').check();
    assert.ok((await settings.getByRole('row').count()) > rows);
    await accessible(page);
  });

  test('an application that attaches appears by itself, under the name that it gave', async (t) => {
    const world = await newWorld();
    const { page } = await visit(t, { world, as: 'auditor', to: '#/server' });
    await page.getByText('No application is attached to this server.').waitFor();
    const { createVerifier } = await import('curfew-client/verifier');
    const { body } = await world.server.call('POST', '/v1/keys', { name: 'shop key', scopes: ['fence.attach'] });
    const verifier = createVerifier({ url: world.server.url, key: body.token, name: 'shop' });
    t.after(() => verifier.close());
    const { body: opened } = await world.server.call('POST', '/v1/sessions', { userId: 'ada' });
    await verifier.verify(opened.token);
    const row = page.getByRole('row').filter({ hasText: 'shop key' });
    await row.getByText('Attached').waitFor();
    await accessible(page);
  });

  test('320 px, German and right to left fit', async (t) => {
    for (const language of ['de', 'ar-XB'] as const) {
      const { page } = await visit(t, { as: 'auditor', to: '#/server', language, width: 320 });
      await page.getByRole('definition').first().waitFor();
      await fits(page);
      await accessible(page);
    }
  });
});
