import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { userAgents } from '../support/people.ts';
import { accessible, fits, visit } from '../support/visit.ts';
import { skip, theWorld, type World } from '../support/world.ts';

describe('a user', { skip }, () => {
  let world: World;
  before(async () => {
    world = await theWorld();
  });
  const open = async (userId: string, more: object = {}) =>
    (await world.server.createSession(userId, { userAgent: userAgents.curl, ...more })).session.id as string;
  const statusOf = async (id: string) => (await world.server.call('GET', `/v1/sessions/${id}`)).body.session.status;

  test('has all sessions, whatever is in the id, and all of them end together', async (t) => {
    const userId = 'lin/../us ☕';
    const ids = [await open(userId), await open(userId)];
    const other = await open('linus');
    const { page } = await visit(t, { as: 'support', to: `#/users/${encodeURIComponent(userId)}` });
    await page.getByRole('heading', { name: '2 active sessions' }).waitFor();
    await accessible(page);
    await page.getByRole('button', { name: 'End all …' }).click();
    await page.getByLabel('Type 2 to confirm').fill('2');
    await page.keyboard.press('Enter');
    await page.getByText('2 sessions have ended.').waitFor();
    await page.getByRole('button', { name: 'Done' }).click();
    assert.deepEqual(await Promise.all([...ids, other].map(statusOf)), ['ended', 'ended', 'active']);
    await page.goto(`${world.server.url}/console/#/users/nobody`);
    await page.getByRole('heading', { name: 'No active session' }).waitFor();
    await accessible(page);
  });

  test('what has ended is counted no more, here and in what is ended next', async (t) => {
    const userId = 'counted down';
    const ids = [await open(userId), await open(userId), await open(userId)];
    const { page } = await visit(t, { as: 'support', to: `#/users/${encodeURIComponent(userId)}` });
    await page.getByRole('heading', { name: '3 active sessions' }).waitFor();
    await page.getByRole('row').nth(1).getByRole('button', { name: /^End/ }).click();
    await page.getByRole('button', { name: 'End it' }).click();
    await page.getByRole('button', { name: 'Done' }).click();
    await page.getByRole('heading', { name: '2 active sessions' }).waitFor();
    // Meanwhile another one ends elsewhere: what is confirmed is counted when it is asked for.
    const left = (await Promise.all(ids.map(statusOf))).indexOf('active');
    await world.server.call('DELETE', `/v1/sessions/${ids[left]}`);
    await page.getByRole('button', { name: 'End all …' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'End it' }).click();
    await page.getByText('1 session has ended.').waitFor();
    await page.getByRole('button', { name: 'Done' }).click();
    await page.getByRole('button', { name: 'Refresh' }).click();
    await page.getByRole('heading', { name: 'No active session' }).waitFor();
  });

  test('groups are changed on all sessions', async (t) => {
    const ids = [await open('grace', { accessGroups: ['staff'] }), await open('grace', { accessGroups: ['night'] })];
    const { page } = await visit(t, { as: 'admin', to: '#/users/grace' });
    await page.getByLabel('Add a group').fill('both');
    await page.keyboard.press('Enter');
    await page.getByText('Changed on 2 sessions.').waitFor();
    await page.getByRole('button', { name: /Remove .*staff/ }).click();
    await page.getByText('Changed on 1 session.').waitFor();
    const groups = ids.map(
      async (id) => (await world.server.call('GET', `/v1/sessions/${id}`)).body.session.accessGroups,
    );
    const sorted = (await Promise.all(groups)).map((list: string[]) => list.toSorted());
    assert.deepEqual(sorted, [['both'], ['both', 'night']]);
  });

  test('an account is shown to who may manage accounts, by its name', async (t) => {
    const { id } = world.people.support;
    const { page } = await visit(t, { as: 'admin', to: `#/users/${id}` });
    await page.getByRole('heading', { name: 'support', level: 1 }).waitFor();
    await page.getByRole('region', { name: 'Account' }).getByText('Set up').waitFor();
    await accessible(page);
  });

  test('fits 320 px in German and from right to left', async (t) => {
    await open('a'.repeat(255));
    for (const language of ['de', 'ar-XB'] as const) {
      const { page } = await visit(t, {
        as: 'admin',
        to: `#/users/${'a'.repeat(255)}`,
        language,
        width: 320,
        height: 700,
      });
      await page.getByRole('row').nth(1).waitFor();
      await fits(page);
      await accessible(page);
    }
  });
});
