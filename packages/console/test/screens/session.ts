import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { openForAda } from '../support/people.ts';
import { accessible, fits, tabTo, visit } from '../support/visit.ts';
import { skip, theWorld, type World } from '../support/world.ts';

describe('a session', { skip }, () => {
  let world: World;
  before(async () => {
    world = await theWorld();
  });

  test('shows device, address, deadlines as time left, metadata and what happened to it', async (t) => {
    const ada = await openForAda(world);
    const { page } = await visit(t, { as: 'admin', to: `#/sessions/${ada.laptop}` });
    await page.getByRole('heading', { name: 'Chrome on Windows', level: 1 }).waitFor();
    assert.match(await page.title(), /^Chrome on Windows · Curfew$/);
    for (const text of [
      '198.51.100.23',
      'Windows 10',
      /^6 days, \d+ hours left$/,
      /^29 days, \d+ hours left$/,
      'Lagos',
    ]) {
      await page.getByText(text, { exact: true }).first().waitFor();
    }
    await page.getByRole('region', { name: 'What happened' }).getByText('Signed in').waitFor();
    await page.getByText('As JSON').click();
    await page.getByText('"endedAt"').waitFor({ state: 'detached' });
    await page.getByText(`"id": "${ada.laptop}"`).waitFor();
    await accessible(page);
  });

  test('access groups are changed in place, by keyboard', async (t) => {
    const ada = await openForAda(world);
    const { page } = await visit(t, { as: 'admin', to: `#/sessions/${ada.phone}` });
    await page.getByRole('heading', { name: /Safari/, level: 1 }).waitFor();
    await tabTo(page, 'textbox', 'Add a group');
    await page.keyboard.press('Enter');
    await page.getByText('Enter the name of a group.').waitFor();
    await page.keyboard.type('night-shift');
    await page.keyboard.press('Enter');
    await page.getByText('Changed everywhere.').waitFor();
    await page.getByRole('listitem').getByText('night-shift', { exact: true }).waitFor();
    await page.getByRole('button', { name: /Remove .*billing/ }).click();
    await page.getByRole('listitem').getByText('billing', { exact: true }).waitFor({ state: 'detached' });
    const { body } = await world.server.call('GET', `/v1/sessions/${ada.phone}`);
    assert.deepEqual(body.session.accessGroups.sort(), ['night-shift', 'staff']);
  });

  test('that of this browser is marked, and its end is confirmed separately', async (t) => {
    const { page, expect } = await visit(t, { as: 'support' });
    expect(401);
    await page.getByRole('heading', { level: 1 }).waitFor();
    const token = (await page.context().cookies())[0]!.value;
    const { id } = (await world.server.verify(token)).session;
    await page.goto(`${world.server.url}/console/#/sessions/${id}`);
    await page.getByText('This is the session of this browser.').waitFor();
    await page.getByRole('button', { name: 'End …' }).click();
    await page.getByRole('button', { name: 'End it' }).click();
    const also = page.getByRole('checkbox', { name: 'Yes, sign me out here as well' });
    assert.equal(await also.getAttribute('aria-invalid'), 'true');
    assert.equal((await world.server.verify(token)).active, true);
    await accessible(page);
    await also.check();
    await page.getByRole('button', { name: 'End it' }).click();
    await page.getByText(/^In force everywhere/).waitFor();
    await page.getByRole('button', { name: 'Done' }).click();
    await page.getByText('You are signed out.').waitFor();
    assert.equal((await world.server.verify(token)).active, false);
  });

  test('a link to a session that is gone says so; one’s own can be seen by anybody, another’s cannot', async (t) => {
    const ada = await openForAda(world);
    const { page, expect } = await visit(t, { as: 'support', to: '#/sessions/0V7oZk3H8e9Jb2Yw4tQxLm' });
    expect(404);
    await page.getByRole('alert').getByText('There is no such session.').waitFor();
    await accessible(page);
    const other = await visit(t, { as: 'member', to: `#/sessions/${ada.desk}` });
    other.expect(403);
    await other.page.getByRole('heading', { name: 'Your account may not see this' }).waitFor();
    const token = (await other.context.cookies())[0]!.value;
    const { id } = (await world.server.verify(token)).session;
    await other.page.goto(`${world.server.url}/console/#/sessions/${id}`);
    await other.page.getByText('This is the session of this browser.').waitFor();
    // A member reads no events and changes no groups.
    assert.equal(await other.page.getByRole('region', { name: 'What happened' }).count(), 0);
    assert.equal(await other.page.getByLabel('Add a group').count(), 0);
    await accessible(other.page);
  });

  test('a named session is suspended and resumed', async (t) => {
    await world.server.call('POST', '/v1/named-sessions', { name: 'front-desk' });
    const { session } = await world.server.createSession('desk', { name: 'front-desk' });
    const { page } = await visit(t, { as: 'admin', to: `#/sessions/${session.id}` });
    await page.getByRole('button', { name: 'Suspend' }).click();
    await page.getByText('Suspended').first().waitFor();
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByText('Active').first().waitFor();
    assert.equal((await world.server.call('GET', `/v1/sessions/${session.id}`)).body.session.status, 'active');
  });

  test('fits 320 px in German and from right to left', async (t) => {
    const ada = await openForAda(world);
    for (const language of ['de', 'ar-XB'] as const) {
      const { page } = await visit(t, { as: 'admin', to: `#/sessions/${ada.desk}`, language, width: 320, height: 700 });
      await page.getByRole('heading', { level: 1 }).waitFor();
      await fits(page);
      await accessible(page);
    }
  });
});
