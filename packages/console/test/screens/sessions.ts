import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { hostileNames, openForAda, populate, userAgents } from '../support/people.ts';
import { accessible, fits, hasFocus, tabTo, visit } from '../support/visit.ts';
import { codeOf, newWorld, skip, type World } from '../support/world.ts';

const dialog = (page: Page) => page.getByRole('dialog').last();
const rows = (page: Page) => page.getByRole('row');

/** What the server answers instead. */
const problem = (code: string, status = 503) => ({
  status,
  contentType: 'application/problem+json',
  body: JSON.stringify({ type: `urn:curfew:error:${code}`, title: code, status, code, remedy: 'x', instance: 'r-1' }),
});

describe('sessions', { skip }, () => {
  let world: World;
  before(async () => {
    world = await newWorld({}, 27 * 3_600_000);
    await populate(world, 120, 700);
  });
  const statusOf = async (id: string) => (await world.server.call('GET', `/v1/sessions/${id}`)).body.session;

  test('a wrong code, a used one and a closed dialog end nothing, and lose nothing', async (t) => {
    const ada = await openForAda(world);
    const { page, expect } = await visit(t, { world, as: 'support', to: `#/sessions/${ada.laptop}` });
    expect(403);
    await page.getByRole('heading', { level: 1 }).waitFor();
    world.clock.advance(6 * 60_000);
    await page.getByRole('button', { name: 'End …' }).click();
    await dialog(page).getByRole('button', { name: 'End it' }).click();
    const code = page.getByLabel('Code');
    await code.waitFor();
    await page.keyboard.press('Escape');
    await code.waitFor({ state: 'detached' });
    await page.getByRole('dialog', { name: 'End this session?' }).waitFor();
    await dialog(page).getByRole('button', { name: 'End it' }).click();
    await code.fill(world.people.support.authenticator.wrong());
    await page.keyboard.press('Enter');
    await dialog(page).getByText('That code is wrong, or has already been used.').waitFor();
    assert.equal((await statusOf(ada.laptop)).status, 'active');
    await code.fill(codeOf(world, 'support'));
    await page.keyboard.press('Enter');
    await dialog(page)
      .getByText(/^In force everywhere/)
      .waitFor();
  });

  test('exactly what was counted ends, and its number must be typed', async (t) => {
    const { page } = await visit(t, { world, as: 'admin', to: '#/sessions?ip=198.51.100.77' });
    await page.getByRole('heading', { name: 'No session matches' }).waitFor();
    await accessible(page);
    const ids = await Promise.all(
      ['eve', 'mallory', 'trudy'].map(async (userId) => {
        const more = { ip: '198.51.100.77', userAgent: userAgents.curl };
        return (await world.server.createSession(userId, more)).session.id;
      }),
    );
    await page.getByRole('button', { name: 'Refresh' }).click();
    await page.getByText('3 sessions found').waitFor();
    await tabTo(page, 'button', 'End all that match …');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: 'End 3 sessions?' }).waitFor();
    await dialog(page).getByText('3 sessions of 3 people').waitFor();
    await hasFocus(page, 'textbox', 'Type 3 to confirm');
    await accessible(page);
    const late = (await world.server.createSession('late', { ip: '198.51.100.77' })).session.id;
    await page.keyboard.type('2');
    await page.keyboard.press('Enter');
    await dialog(page).getByText('That is not 3.').waitFor();
    await page.keyboard.press('Backspace');
    await page.keyboard.type('3');
    await page.keyboard.press('Enter');
    await dialog(page).getByText('3 sessions have ended.').waitFor();
    await dialog(page)
      .getByText(/^In force everywhere/)
      .waitFor();
    await hasFocus(page, 'button', 'Done');
    for (const id of ids) assert.equal((await statusOf(id)).status, 'ended');
    assert.equal((await statusOf(late)).status, 'active', 'opened after the count');
  });

  test('some are chosen and ended; the rest stays', async (t) => {
    const ids = await Promise.all(
      Array.from({ length: 4 }, async (_, i) => {
        const { session } = await world.server.createSession(`chosen ${i}`, { ip: '198.51.100.99' });
        return session.id as string;
      }),
    );
    const { page } = await visit(t, { world, as: 'admin', to: '#/sessions?ip=198.51.100.99' });
    await page.getByText('4 sessions found').waitFor();
    for (const i of [0, 2]) await page.getByRole('checkbox', { name: new RegExp(`chosen ${i}`) }).check();
    await page.getByText('2 sessions selected').waitFor();
    await accessible(page);
    await page.getByRole('button', { name: 'End them …' }).click();
    await page.getByLabel('Type 2 to confirm').fill('2');
    await page.keyboard.press('Enter');
    await dialog(page).getByText('2 sessions have ended.').waitFor();
    await page.keyboard.press('Escape');
    await page
      .getByRole('row', { name: /chosen 2/ })
      .getByText('Ended')
      .waitFor();
    const statuses = await Promise.all(ids.map(async (id) => (await statusOf(id)).status));
    assert.deepEqual(statuses, ['ended', 'active', 'ended', 'active']);
    // All that match except one.
    await page.getByRole('button', { name: 'Refresh' }).click();
    await page.getByText('2 sessions found').waitFor();
    await page.getByRole('checkbox', { name: 'Select all that match' }).check();
    await page.getByRole('checkbox', { name: /chosen 1/ }).uncheck();
    await page.getByText('All that match are selected, except 1').waitFor();
    // What was chosen when the dialog was opened the last time no longer counts.
    await page.getByRole('button', { name: 'End them …' }).click();
    await page.getByRole('dialog', { name: 'End 1 session?' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('checkbox', { name: /chosen 1/ }).check();
    await page.getByRole('button', { name: 'End them …' }).click();
    await page.getByRole('dialog', { name: 'End 2 sessions?' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('checkbox', { name: /chosen 1/ }).uncheck();
    await page.getByRole('button', { name: 'End them …' }).click();
    await page.getByRole('dialog', { name: 'End 1 session?' }).waitFor();
    await dialog(page).getByRole('button', { name: 'End it' }).click();
    await dialog(page).getByText('1 session has ended.').waitFor();
    assert.equal((await statusOf(ids[1]!)).status, 'active');
    assert.equal((await statusOf(ids[3]!)).status, 'ended');
    await page.keyboard.press('Escape');
    await page.getByText('1 session found').waitFor();
    await page
      .getByRole('row', { name: /chosen 1/ })
      .getByRole('button', { name: /^End/ })
      .waitFor();
  });

  test('some are ended by somebody with a session among them, who is asked once, and is signed out', async (t) => {
    const others = await Promise.all(
      ['first', 'second'].map(async (userId) => (await world.server.createSession(userId, {})).session.id as string),
    );
    const { page, context, expect } = await visit(t, { world, as: 'support', to: '#/sessions' });
    expect(403);
    const token = (await context.cookies())[0]!.value;
    await rows(page).nth(1).waitFor();
    world.clock.advance(6 * 60_000);
    await page
      .getByRole('checkbox', { name: /support/ })
      .first()
      .check();
    for (const user of ['first', 'second'])
      await page
        .getByRole('checkbox', { name: new RegExp(user) })
        .first()
        .check();
    await page.getByRole('button', { name: 'End them …' }).click();
    await page.getByRole('checkbox', { name: 'Yes, sign me out here as well' }).check();
    await page.getByLabel('Type 3 to confirm').fill('3');
    await page.keyboard.press('Enter');
    await page.getByLabel('Code').fill(codeOf(world, 'support'));
    await page.keyboard.press('Enter');
    await dialog(page).getByText('3 sessions have ended.').waitFor();
    for (const id of others) assert.equal((await statusOf(id)).status, 'ended');
    assert.equal((await world.server.verify(token)).active, false);
    await page.getByRole('button', { name: 'Done' }).click();
    await page.getByText('You are signed out.').waitFor();
  });

  test('ended ones have a reason and an actor; the tab and the filters survive a reload, back and forward', async (t) => {
    const { session } = await world.server.createSession('gone', { ip: '198.51.100.55' });
    await world.server.call('DELETE', `/v1/sessions/${session.id}`);
    const { page } = await visit(t, { world, as: 'auditor', to: '#/sessions' });
    await rows(page).nth(1).waitFor();
    await page.getByRole('link', { name: 'Ended', exact: true }).click();
    await page.getByLabel('Search').fill('198.51.100.55');
    await page.getByText('1 session found').waitFor();
    await page.getByText('Ended by an administrator').waitFor();
    await page.getByText(/^API key/).waitFor();
    await accessible(page);
    assert.match(page.url(), /#\/sessions\?status=ended&filter=198\.51\.100\.55$/);
    await page.reload();
    await page.getByText('Ended by an administrator').waitFor();
    await page.goBack();
    await page.getByRole('link', { name: 'Active', exact: true, includeHidden: false }).waitFor();
    assert.equal(await page.getByRole('link', { name: 'Active', exact: true }).getAttribute('aria-current'), 'page');
    assert.equal(await page.getByLabel('Search').inputValue(), '');
    // An auditor only reads.
    assert.equal(await page.getByRole('button', { name: /^End/ }).count(), 0);
    assert.equal(await page.getByRole('checkbox').count(), 0);
  });

  test('an answer that comes too late is not shown', async (t) => {
    const { page } = await visit(t, { world, as: 'support', to: '#/sessions' });
    await rows(page).nth(1).waitFor();
    let release: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    await page.route(/filter=slow/, async (route) => {
      await held;
      await route.continue().catch(() => {});
    });
    const search = page.getByLabel('Search');
    const asked = page.waitForRequest(/filter=slow/);
    await search.fill('slow');
    await asked;
    const answered = page.waitForResponse(/filter=ada/);
    await search.fill('ada');
    await answered;
    // Until it is drawn, the list before is shown, which has such rows too.
    await page.locator('.table:not(.old)').waitFor();
    await page.getByRole('row', { name: /ada/ }).first().waitFor();
    const before = await page.getByRole('status').first().textContent();
    release();
    await page.unrouteAll({ behavior: 'wait' });
    await page.getByRole('row', { name: /ada/ }).first().waitFor();
    assert.equal(await page.getByRole('status').first().textContent(), before);
    assert.equal(await page.getByRole('heading', { name: 'No session matches' }).count(), 0);
  });

  test('a long list is read as far as one scrolls, shows each session once, and draws only what is near', async (t) => {
    const { page } = await visit(t, { world, as: 'support', to: '#/sessions', height: 900 });
    await rows(page).nth(1).waitFor();
    const total = Number(/\d+/.exec((await page.getByText(/^\d+ sessions$/).textContent()) ?? '')![0]);
    assert.ok(total > 500);
    const seen = new Map<string, string>();
    const look = async () => {
      const rows = (await page.evaluate(`[...document.querySelectorAll('tbody tr[data-index]')].flatMap((row) => {
        const link = row.querySelector('th a');
        return link ? [[row.dataset.index, link.getAttribute('href')]] : [];
      })`)) as [string, string][];
      for (const [index, href] of rows) seen.set(index, href);
      assert.ok(rows.length < 100, 'only what is near is drawn');
    };
    for (let turn = 0; seen.size < total && turn < 200; turn++) {
      await look();
      await page.mouse.wheel(0, 1100);
      await page.waitForFunction(
        'new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))',
      );
    }
    assert.equal(seen.size, total);
    assert.equal(new Set(seen.values()).size, total, 'each session once');
  });

  test('what is listed is exported, as CSV that no spreadsheet runs, and as JSON', async (t) => {
    for (const userId of ['=1+1', 'with "quotes", commas'])
      await world.server.createSession(userId, { ip: '198.51.100.44' });
    const { page } = await visit(t, { world, as: 'auditor', to: '#/sessions?ip=198.51.100.44' });
    await page.getByText('2 sessions found').waitFor();
    const files: string[] = [];
    for (const form of ['As CSV', 'As JSON']) {
      await page.getByRole('button', { name: 'Export' }).click();
      await accessible(page);
      const [file] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('button', { name: form }).click(),
      ]);
      files.push(readFileSync(await file.path(), 'utf8'));
      await page.getByText('2 sessions exported.').waitFor();
      await page.keyboard.press('Escape');
    }
    const [csv, json] = files as [string, string];
    assert.match(csv, /,'=1\+1,active,/);
    assert.match(csv, /,"with ""quotes"", commas",active,/);
    const users = (JSON.parse(json) as { userId: string }[]).map(({ userId }) => userId);
    assert.deepEqual(users.sort(), ['=1+1', 'with "quotes", commas']);
  });

  test('names made of markup, of direction marks, of emoji and 255 bytes long are shown as they are', async (t) => {
    for (const userId of hostileNames)
      await world.server.createSession(userId, { ip: '198.51.100.66', userAgent: userId });
    const { page } = await visit(t, {
      world,
      as: 'support',
      to: '#/sessions?ip=198.51.100.66',
      width: 320,
      height: 700,
    });
    await page.getByText(`${hostileNames.length} sessions found`).waitFor();
    await fits(page);
    await accessible(page);
    assert.equal(await page.locator('td img, td script').count(), 0);
    await page.getByText('<img src=x onerror=alert(1)>', { exact: true }).first().waitFor();
    await page.getByText('‹U+202E›gnp.exe', { exact: true }).first().waitFor();
    for (const userId of hostileNames) {
      await page.goto(`${world.server.url}/console/#/users/${encodeURIComponent(userId)}`);
      await page.getByText('1 active session').waitFor();
      assert.equal(
        await page.getByRole('heading', { level: 1 }).locator('bdi').getAttribute('title'),
        userId.replace('\u202e', '‹U+202E›'),
      );
    }
    await fits(page);
  });

  test('a store that does not answer, and an answer that is in doubt, are told, and one can look again', async (t) => {
    const ada = await openForAda(world);
    const { page, expect } = await visit(t, { world, as: 'support', to: '#/sessions' });
    expect(503);
    await rows(page).nth(1).waitFor();
    await page.route(/\/v1\/sessions\?/, (route) => route.fulfill(problem('store_unavailable')));
    await page.getByRole('link', { name: 'Ended', exact: true }).click();
    await page.getByRole('alert').getByText('The store is not answering.').waitFor();
    await accessible(page);
    await page.unroute(/\/v1\/sessions\?/);
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('alert').waitFor({ state: 'detached' });
    await page.goto(`${world.server.url}/console/#/sessions/${ada.phone}`);
    await page.getByRole('button', { name: 'End …' }).click();
    await page.route(/\/v1\/sessions\//, (route) =>
      route.request().method() === 'DELETE' ? route.fulfill(problem('outcome_unknown')) : route.continue(),
    );
    await dialog(page).getByRole('button', { name: 'End it' }).click();
    await dialog(page).getByText('The server does not know whether this took effect.').waitFor();
    await accessible(page);
    await page.unrouteAll();
    await dialog(page).getByRole('button', { name: 'End it' }).click();
    await dialog(page)
      .getByText(/^In force everywhere/)
      .waitFor();
    await page.keyboard.press('Escape');
    // The connection breaks after the server has done it: nobody knows, so nobody is told that it failed.
    await page.goto(`${world.server.url}/console/#/sessions/${ada.laptop}`);
    await page.getByRole('button', { name: 'End …' }).click();
    expect('away');
    await page.route(/\/v1\/sessions\//, async (route) => {
      if (route.request().method() !== 'DELETE') return route.continue();
      await route.fetch();
      await route.abort('connectionreset');
    });
    await dialog(page).getByRole('button', { name: 'End it' }).click();
    await dialog(page).getByText('The change may have taken effect.').waitFor();
    await accessible(page);
    await page.unrouteAll();
    await dialog(page).getByRole('button', { name: 'Refresh' }).click();
    await page.getByText('Ended by an administrator').first().waitFor();
    assert.equal(await page.getByRole('dialog').count(), 0);
  });

  test('an answer that is lost while many end: the next try goes on from there', async (t) => {
    for (let i = 0; i < 3; i++) await world.server.createSession(`lost ${i}`, { ip: '198.51.100.33' });
    const { page, expect } = await visit(t, { world, as: 'admin', to: '#/sessions?ip=198.51.100.33' });
    expect('away', 400);
    await page.getByText('3 sessions found').waitFor();
    await page.getByRole('button', { name: 'End all that match …' }).click();
    await page.getByLabel('Type 3 to confirm').fill('3');
    const given: string[] = [];
    // The server ends as many as it likes in one step: here, its first answer says that there are more.
    await page.route(/end-previewed/, async (route) => {
      given.push((route.request().postDataJSON() as { preview: string }).preview);
      if (given.length === 2) return route.abort('connectionreset');
      if (given.length > 2) return route.continue();
      const response = await route.fetch();
      return route.fulfill({ response, json: { ...(await response.json()), preview: 'the rest' } });
    });
    await page.keyboard.press('Enter');
    await dialog(page).getByText('The change may have taken effect.').waitFor();
    await page.getByRole('button', { name: 'End all 3' }).click();
    await dialog(page).getByText('This count is no longer valid.').waitFor();
    assert.deepEqual(given.slice(1), ['the rest', 'the rest']);
  });

  test('a code that is asked for in between and not given: what has ended is told, here and in another window', async (t) => {
    for (let i = 0; i < 4; i++) await world.server.createSession(`refused ${i}`, { ip: '198.51.100.35' });
    const to = '#/sessions?ip=198.51.100.35';
    const { page, context, expect } = await visit(t, { world, as: 'admin', to });
    expect(403);
    const second = await context.newPage();
    await second.goto(`${world.server.url}/console/${to}`);
    for (const each of [page, second]) await each.getByText('4 sessions found').waitFor();
    for (let i = 0; i < 4; i++) await page.getByRole('checkbox', { name: new RegExp(`refused ${i}`) }).check();
    const asked: string[] = [];
    await page.route(/\/v1\/sessions\//, (route) => {
      if (route.request().method() !== 'DELETE') return route.continue();
      asked.push(/[^/?]+(?=\?|$)/.exec(route.request().url())![0]);
      return asked.length > 2 ? route.fulfill(problem('second_factor_required', 403)) : route.continue();
    });
    await page.getByRole('button', { name: 'End them …' }).click();
    await page.getByLabel('Type 4 to confirm').fill('4');
    await page.keyboard.press('Enter');
    await page.getByLabel('Code', { exact: true }).waitFor();
    await page.keyboard.press('Escape');
    await dialog(page).getByText('2 sessions have ended.').waitFor();
    await dialog(page).getByText('2 were not ended, because they were not confirmed.').waitFor();
    await accessible(page);
    await page.getByRole('button', { name: 'Done' }).click();
    const rowOf = (on: Page, id: string) => on.locator('tr', { has: on.locator(`a[href="#/sessions/${id}"]`) });
    for (const on of [page, second]) {
      for (const id of asked.slice(0, 2)) await rowOf(on, id).getByText('Ended').waitFor();
      for (const id of asked.slice(2, 4)) assert.equal(await rowOf(on, id).getByText('Ended').count(), 0);
    }
  });

  test('a code that is asked for while all that match end: the list is read again, and one can go on', async (t) => {
    for (let i = 0; i < 3; i++) await world.server.createSession(`stopped ${i}`, { ip: '198.51.100.36' });
    const to = '#/sessions?ip=198.51.100.36';
    const { page, context, expect } = await visit(t, { world, as: 'admin', to });
    expect(403, 400);
    const second = await context.newPage();
    await second.goto(`${world.server.url}/console/${to}`);
    for (const each of [page, second]) await each.getByText('3 sessions found').waitFor();
    await page.getByRole('button', { name: 'End all that match …' }).click();
    await page.getByLabel('Type 3 to confirm').fill('3');
    const given: string[] = [];
    await page.route(/end-previewed/, async (route) => {
      given.push((route.request().postDataJSON() as { preview: string }).preview);
      if (given.length === 2) return route.fulfill(problem('second_factor_required', 403));
      if (given.length > 2) return route.continue();
      const response = await route.fetch();
      return route.fulfill({ response, json: { ...(await response.json()), ended: 2, preview: 'the rest' } });
    });
    await page.keyboard.press('Enter');
    await page.getByLabel('Code', { exact: true }).waitFor();
    await page.keyboard.press('Escape');
    await dialog(page).getByText('2 of 3 have ended').waitFor();
    await accessible(page);
    await page.getByText('No session matches').waitFor();
    await second.getByText('Something has changed in another window since then.').waitFor();
    await page.getByRole('button', { name: 'End all 3' }).click();
    await dialog(page).getByText('This count is no longer valid.').waitFor();
    assert.deepEqual(given.slice(1), ['the rest', 'the rest']);
  });

  test('in German, from right to left, on 320 px, and in the pseudo-language, everything fits and is accessible', async (t) => {
    for (const language of ['de', 'ar-XB', 'en-XA'] as const) {
      const { page } = await visit(t, { world, as: 'admin', to: '#/sessions', language, width: 320, height: 700 });
      await rows(page).nth(1).waitFor();
      await fits(page);
      if (language !== 'en-XA') await accessible(page);
    }
  });
});
