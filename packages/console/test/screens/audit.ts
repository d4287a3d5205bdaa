import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { accessible, fits, visit } from '../support/visit.ts';
import { newWorld, skip } from '../support/world.ts';

describe('the audit trail', { skip }, () => {
  test('what happens is offered at once, and nothing moves until somebody asks for it', async (t) => {
    const world = await newWorld();
    const { page } = await visit(t, { world, as: 'auditor', to: '#/audit' });
    await page.getByText('Live', { exact: true }).waitFor();
    await page.getByRole('row').nth(1).waitFor();
    const rows = await page.getByRole('row').count();
    const { body } = await world.server.call('POST', '/v1/sessions', { userId: 'ada\u202e<i>' });
    await world.server.call('DELETE', `/v1/sessions/${body.session.id}`);
    await page.getByRole('button', { name: 'Show 2 new events' }).waitFor();
    assert.equal(await page.getByRole('row').count(), rows);
    await accessible(page);
    await page.getByRole('button', { name: 'Show 2 new events' }).click();
    const first = page.getByRole('row').nth(1);
    await first.getByText('Session ended').waitFor();
    await first.getByText('Ended by an administrator').waitFor();
    await first.getByText('‹U+202E›<i>').waitFor();
    assert.equal(await page.getByRole('row').count(), rows + 2);
    assert.equal(await page.getByRole('button', { name: /^Show \d/ }).count(), 0);
    await accessible(page);
  });

  test('who ended what, and why: filters are in the URL, and the list and the stream keep to them', async (t) => {
    const world = await newWorld();
    for (const userId of ['ada', 'ben']) {
      const { body } = await world.server.call('POST', '/v1/sessions', { userId });
      await world.server.call('DELETE', `/v1/sessions/${body.session.id}`);
    }
    const { page } = await visit(t, { world, as: 'auditor', to: '#/audit' });
    await page.getByLabel('What happened').selectOption('Session ended');
    await page.getByLabel('User').fill('ada');
    await page.getByRole('row').filter({ hasText: 'ben' }).waitFor({ state: 'detached' });
    assert.equal(await page.getByRole('row').filter({ hasText: 'ada' }).count(), 1);
    assert.match(page.url(), /types=session\.ended&user=ada/);
    await page.getByText('Live', { exact: true }).waitFor();
    for (const userId of ['ben', 'ada']) {
      const { body } = await world.server.call('POST', '/v1/sessions', { userId });
      await world.server.call('DELETE', `/v1/sessions/${body.session.id}`);
    }
    await page.getByRole('button', { name: 'Show 1 new event' }).click();
    assert.equal(await page.getByRole('row').filter({ hasText: 'ada' }).count(), 2);
    // What was shown for one filter does not stay for another.
    await page.getByLabel('User').fill('ben');
    await page.getByRole('row').filter({ hasText: 'ben' }).nth(1).waitFor();
    await page.locator('.table:not(.old)').waitFor();
    assert.equal(await page.getByRole('row').filter({ hasText: 'ada' }).count(), 0);
    await page.getByLabel('User').fill('ada');
    await page.getByRole('row').filter({ hasText: 'ada' }).nth(1).waitFor();
    await page.reload();
    await page.getByRole('row').nth(2).waitFor();
    assert.equal(await page.getByRole('row').count(), 3);
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'CSV' }).click(),
    ]);
    const lines = readFileSync(await file.path(), 'utf8')
      .trimEnd()
      .split('\r\n');
    assert.equal(lines.length, 3);
    assert.match(lines[1]!, /^\d+,.*,session\.ended,key:.*,ada,/);
    await page.getByLabel('Until').fill('2001-01-01T00:00');
    await page.getByRole('heading', { name: 'No events' }).waitFor();
    await page.getByText('Past events only').waitFor();
    await accessible(page);
    await page.getByRole('button', { name: 'Clear the filters' }).click();
    await page.getByRole('row').filter({ hasText: 'ben' }).first().waitFor();
  });

  test('older events are read on; 320 px, German and right to left fit', async (t) => {
    const world = await newWorld();
    for (let i = 0; i < 105; i++) await world.server.call('POST', '/v1/sessions', { userId: `user ${i}` });
    for (const language of ['de', 'ar-XB'] as const) {
      const { page } = await visit(t, { world, as: 'auditor', to: '#/audit', language, width: 320 });
      await page.getByText('user 104').waitFor();
      await fits(page);
      await accessible(page);
      assert.equal(await page.getByText('user 0', { exact: true }).count(), 0);
      await page.locator('.list-end').getByRole('button').click();
      await page.getByText('user 0', { exact: true }).waitFor();
    }
  });
});
