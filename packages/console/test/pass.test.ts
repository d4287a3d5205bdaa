import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { populate } from './support/people.ts';
import { accessible, fits, visit } from './support/visit.ts';
import { newWorld, skip } from './support/world.ts';

/*
 * One pass of the main screens over 10,000 sessions of 500 people. CURFEW_TEST_STORE names the store; without it, it is
 * the embedded one. engines/servers/test/console.test.ts runs this on PostgreSQL and on Redis.
 */

const [people, many] = [500, 10_000];

const numberIn = async (page: Page, pattern: RegExp) =>
  Number(/[\d,]+/.exec((await page.getByText(pattern).first().textContent()) ?? '')![0].replaceAll(',', ''));

describe('10,000 sessions of 500 people', { skip }, () => {
  test('are counted, found, shown and ended, on every main screen', async (t) => {
    const world = await newWorld({}, 26 * 3_600_000);
    await populate(world, people, many);
    const { server } = world;
    const { page } = await visit(t, { world, as: 'admin', to: '#/overview' });
    const go = (place: string) => page.goto(`${server.url}/console/#/${place}`);

    const now = page.getByRole('region', { name: 'Signed in now' });
    await now.getByText(/^10,\d\d\d\s*sessions$/).waitFor();
    await page.getByRole('img', { name: /^[\d,]+ sign-ins, 0 ends/ }).waitFor();
    await accessible(page);

    await go('sessions');
    await page.getByRole('row').nth(1).waitFor();
    const total = (await server.call('GET', '/v1/sessions?status=active')).body.total as number;
    assert.ok(total > many);
    assert.equal(await numberIn(page, /^[\d,]+ sessions$/), total);
    await fits(page);
    await accessible(page);
    // The end of the list is reached page by page, with every session once.
    const seen = new Set<string>();
    while (seen.size < 1000) {
      const links = await page.locator('tbody th a').evaluateAll((all) => all.map((one) => one.getAttribute('href')!));
      for (const link of links) seen.add(link);
      await page.mouse.wheel(0, 1000);
      await page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))');
    }
    const filters: [string, RegExp][] = [
      ['user=%D8%B9%D9%85%D8%B1%20%D8%AD%D8%AF%D8%A7%D8%AF', /^\d+ sessions? found$/],
      ['group=engineering', /^[\d,]+ sessions found$/],
      ['ip=192.0.2.11', /^[\d,]+ sessions found$/],
      ['filter=%D0%B8%D0%B2%D0%B0%D0%BD', /^[\d,]+ sessions found$/],
    ];
    for (const [filter, expected] of filters) {
      await go(`sessions?${filter}`);
      await page.getByText(expected).waitFor();
      const { body } = await server.call('GET', `/v1/sessions?status=active&${filter}`);
      assert.equal(await numberIn(page, /found$/), body.total, filter);
      assert.ok(body.total > 0, filter);
    }

    await page.locator('tbody th a').first().click();
    await page.getByRole('region', { name: 'What happened' }).getByText('Signed in').waitFor();
    await accessible(page);
    const user = page.getByRole('definition').locator('a.user');
    await user.click();
    await page.getByRole('heading', { name: /^\d+ active sessions$/ }).waitFor();
    const active = await numberIn(page, /active sessions$/);
    await accessible(page);
    await page.getByRole('button', { name: 'End all …' }).click();
    await page.getByLabel(/^Type \d+ to confirm$/).fill(String(active));
    await page.keyboard.press('Enter');
    await page.getByText(`${active} sessions have ended.`).waitFor();
    await page.getByText(/^Over everywhere, \d+ ms$/).waitFor();
    await page.getByRole('button', { name: 'Done' }).click();

    // Exactly what was counted, with progress while it goes on.
    await go('sessions?ip=192.0.2.12');
    const counted = await numberIn(page, /found$/);
    assert.ok(counted > 100);
    await page.getByRole('button', { name: 'End all that match …' }).click();
    await page.getByLabel(/to confirm$/).fill(String(counted));
    await page.keyboard.press('Enter');
    await page.getByText(`${counted.toLocaleString('en')} sessions have ended.`).waitFor();
    await page.getByRole('button', { name: 'Done' }).click();
    assert.equal((await server.call('GET', '/v1/sessions?status=active&ip=192.0.2.12')).body.total, 0);
    assert.equal((await server.call('GET', '/v1/sessions?status=active')).body.total, total - active - counted);

    await page.getByRole('link', { name: 'Ended', exact: true }).click();
    await page.getByText('Ended by an administrator').first().waitFor();
    await go('audit');
    await page.getByRole('row', { name: /All sessions of a user ended/ }).waitFor();
    await accessible(page);
    await go('server');
    await page.getByRole('heading', { name: 'This server' }).waitFor();
    await accessible(page);
  });
});
