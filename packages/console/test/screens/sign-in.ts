import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { accessible, fits, hasFocus, visit } from '../support/visit.ts';
import { codeOf, newWorld, skip } from '../support/world.ts';

describe('sign in', { skip }, () => {
  test('with a password and a code, and then one is where one wanted to go', async (t) => {
    const { page, world, expect } = await visit(t, { to: '#/devices' });
    expect(403);
    const { username, password } = world.people.support;
    await accessible(page);
    await page.getByLabel('User name or e-mail address').fill(username);
    await page.getByLabel('Password').fill(password);
    await page.keyboard.press('Enter');
    const code = page.getByLabel('Code');
    await code.waitFor();
    await accessible(page);
    await hasFocus(page, 'textbox', 'Code');
    await page.keyboard.type(codeOf(world, 'support'));
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'My devices', level: 1 }).waitFor();
    const [cookie, ...others] = await page.context().cookies();
    assert.deepEqual([cookie?.name, cookie?.httpOnly, cookie?.secure], ['__Host-curfew', true, true]);
    assert.deepEqual(others, []);
  });

  test('with the e-mail address', async (t) => {
    const { page, world, expect } = await visit(t);
    expect(403);
    const { password } = world.people.admin;
    await page.getByLabel('User name or e-mail address').fill('admin@example.com');
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByLabel('Code').fill(codeOf(world, 'admin'));
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page.getByRole('link', { name: 'Sessions', exact: true }).waitFor();
  });

  test('says what is missing, what is wrong, and that a code was used already', async (t) => {
    const world = await newWorld();
    const { page, expect } = await visit(t, { world });
    expect(401, 403);
    const submit = page.getByRole('button', { name: 'Sign in' });
    await submit.click();
    await page.getByRole('alert').getByText('Fill in both fields.').waitFor();
    await page.getByLabel('User name or e-mail address').fill('member');
    await page.getByLabel('Password').fill('not this one');
    await submit.click();
    await page.getByRole('alert').getByText('The user name or the password is wrong.').waitFor();
    await accessible(page);
    await page.getByLabel('Password').fill(world.people.member.password);
    await submit.click();
    const used = codeOf(world, 'member');
    await world.server.login('member', world.people.member.password, used);
    await page.getByLabel('Code').fill(used);
    await submit.click();
    await page.getByRole('alert').getByText('That code is wrong, or has already been used.').waitFor();
    await hasFocus(page, 'textbox', 'Code');
    await page.getByLabel('Code').fill(codeOf(world, 'member'));
    await submit.click();
    await page.getByRole('heading', { name: 'My devices', level: 1 }).waitFor();
  });

  test('fits a window of 320 px, in German and from right to left', async (t) => {
    for (const language of ['de', 'ar-XB'] as const) {
      const { page } = await visit(t, { language, width: 320, height: 560 });
      await page.getByRole('heading', { level: 1 }).waitFor();
      await fits(page);
      await accessible(page);
    }
  });
});
