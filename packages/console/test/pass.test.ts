import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import type { TestServer } from '../../curfew/test/support/server.ts';
import { nameOf, populate } from './support/people.ts';
import { accessible, fits, scrollToRow, visit } from './support/visit.ts';
import { newWorld, skip } from './support/world.ts';

/*
 * One pass of the main screens over 10,000 sessions of 500 people. CURFEW_TEST_STORE names the store; without it, it is
 * the embedded one. engines/servers/test/console.test.ts runs this on PostgreSQL and on Redis.
 */

const [people, many] = [500, 10_000];

const numberIn = async (page: Page, pattern: RegExp) =>
  Number(/[\d,]+/.exec((await page.getByText(pattern).first().textContent()) ?? '')![0].replaceAll(',', ''));

const found = (n: number) => `${n.toLocaleString('en')} ${n === 1 ? 'session' : 'sessions'} found`;

/** How many active sessions match, page by page. */
async function countOf(server: TestServer, filter: string): Promise<number> {
  let [count, cursor] = [0, ''];
  do {
    const path = `/v1/sessions?status=active&limit=100&${encodeURI(decodeURI(filter))}${cursor && `&cursor=${cursor}`}`;
    const { body } = await server.call('GET', path);
    count += body.sessions.length;
    cursor = body.nextCursor ?? '';
  } while (cursor !== '');
  return count;
}

/** Whether the rows in the window have been read, and the first of them is the one that belongs there. */
const isRight = `(() => {
  const seen = [...document.querySelectorAll('tr[data-index]')].filter((row) => {
    const { top, bottom } = row.getBoundingClientRect();
    return bottom > 0 && top < innerHeight;
  });
  if (seen.length < 5 || !seen.every((row) => row.querySelector('th a'))) return false;
  const before = Math.max(0, -document.querySelector('tbody').getBoundingClientRect().top);
  // Rows are from 49 to 54 pixels high, and those that were never drawn are assumed to be.
  const first = Number(seen[0].dataset.index);
  return first * 49 <= before && (first + 1) * 54 >= before;
})()`;

describe('10,000 sessions of 500 people', { skip }, () => {
  test('are counted, found, shown and ended, on every main screen', async (t) => {
    const world = await newWorld({}, 26 * 3_600_000);
    await populate(world, people, many);
    const { server } = world;
    const { page } = await visit(t, { world, as: 'admin', to: '#/overview' });
    const go = (place: string) => page.goto(`${server.url}/console/#/${place}`);

    const now = page.getByRole('region', { name: 'Signed in now' });
    await now.getByText(/^10,\d\d\d\s*sessions$/).waitFor();
    await page.getByRole('img', { name: /^[\d,]+ sign-ins, 0 sessions ended/ }).waitFor();
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
    // Far down, and back again: the rows in the window are those that belong there.
    await scrollToRow(page, 6000);
    for (const place of [100_000, 0]) {
      await page.evaluate(`window.scrollTo(0, ${place})`);
      for (let turn = 0; !(await page.evaluate(isRight)); turn++) {
        assert.ok(turn < 500, `the rows at ${place} pixels do not appear`);
        await page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))');
      }
    }
    assert.equal(await page.locator('tr[data-index="0"] th a').getAttribute('href'), [...seen][0]);
    // Of a filter, the number is known once its end was reached.
    for (const filter of [`user=${encodeURIComponent(nameOf(13))}`, 'filter=иван', 'ip=192.0.2.11']) {
      await go(`sessions?${filter}`);
      await page.locator('tbody tr[data-index]').first().waitFor();
      const expected = await countOf(server, filter);
      await scrollToRow(page, expected - 1);
      await page.getByText(found(expected)).waitFor();
    }

    await go(`sessions?user=${encodeURIComponent(nameOf(21))}`);
    await page.getByText(/^\d+ sessions found$/).waitFor();
    await page.locator('tr[data-index="0"] th a').click();
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
    await page.getByText(/^In force everywhere, \d+ ms$/).waitFor();
    await page.getByRole('button', { name: 'Done' }).click();

    // Exactly what was counted, with progress while it goes on.
    await go('sessions?ip=192.0.2.12');
    const counted = await countOf(server, 'ip=192.0.2.12');
    assert.ok(counted > 100);
    await page.getByRole('button', { name: 'End all that match …' }).click();
    await page.getByLabel(/to confirm$/).fill(String(counted));
    await page.keyboard.press('Enter');
    await page.getByText(`${counted.toLocaleString('en')} sessions have ended.`).waitFor();
    await page.getByRole('button', { name: 'Done' }).click();
    assert.equal(await countOf(server, 'ip=192.0.2.12'), 0);
    assert.equal((await server.call('GET', '/v1/sessions?status=active')).body.total, total - active - counted);

    await page.getByRole('link', { name: 'Ended', exact: true }).click();
    await page.getByText('Ended by an administrator').first().waitFor();
    await go('audit?types=user.sessions_ended');
    await page.getByRole('row').filter({ hasText: 'All sessions of a user ended' }).waitFor();
    await accessible(page);
    await go('server');
    await page.getByRole('heading', { name: 'This server' }).waitFor();
    await accessible(page);
  });
});
