import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { accessible, fits, visit } from '../support/visit.ts';
import { newWorld, skip } from '../support/world.ts';

describe('the overview', { skip }, () => {
  test('shows how many are signed in, what the last hours were like, and follows both', async (t) => {
    const world = await newWorld();
    const { server } = world;
    const { page } = await visit(t, { world, as: 'auditor' });
    await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
    const now = page.getByRole('region', { name: 'Signed in now' });
    await now.getByText(/^1\s*session$/).waitFor();
    await server.login('nobody', 'a wrong password');
    for (const userId of ['ada', 'grace']) await server.createSession(userId);
    await now.getByText(/^3\s*sessions$/).waitFor();
    await page.getByRole('img', { name: /^3 sign-ins, 0 sessions ended and 1 refused sign-ins/ }).waitFor();
    await page.getByText('As a table').click();
    const latest = page.getByRole('row').nth(1).getByRole('cell');
    assert.deepEqual(await latest.allTextContents(), ['3', '0', '1']);
    await page.getByText('this server', { exact: true }).waitFor();
    await page.getByText('No application checks sessions in its own memory.').waitFor();
    await accessible(page);
  });

  test('fits 320 px in German and from right to left', async (t) => {
    for (const language of ['de', 'ar-XB'] as const) {
      const { page } = await visit(t, { as: 'admin', to: '#/overview', language, width: 320, height: 700 });
      await page.getByRole('img').waitFor();
      await fits(page);
      await accessible(page);
    }
  });
});
