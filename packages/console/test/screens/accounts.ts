import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { accessible, fits, visit } from '../support/visit.ts';
import { skip } from '../support/world.ts';

describe('accounts', { skip }, () => {
  test('an account is created, found, changed, disabled and deleted', async (t) => {
    const { page, world, expect } = await visit(t, { as: 'admin', to: '#/accounts' });
    expect(409);
    await page.getByRole('link', { name: 'support' }).waitFor();
    await accessible(page);
    await page.getByRole('button', { name: 'Create an account' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Create an account' }).click();
    await dialog.getByText('Enter a user name.').waitFor();
    await accessible(page);
    await dialog.getByLabel('User name').fill('member');
    await dialog.getByLabel('Password').fill('a fine long password');
    await dialog.getByRole('button', { name: 'Create an account' }).click();
    await dialog.getByText('This user name is in use.').waitFor();
    await dialog.getByLabel('User name').fill('grace');
    await dialog.getByLabel('Name (optional)').fill('Grace 谷 👩‍💻');
    await dialog.getByRole('button', { name: 'Create an account' }).click();
    await page.getByRole('heading', { name: 'grace', level: 1 }).waitFor();
    await accessible(page);
    const signsIn = async () => (await world.server.login('grace', 'a fine long password')).status;
    const { body } = await world.server.login('grace', 'a fine long password');
    assert.equal((await world.server.verify(body.token)).active, true);

    await page.getByRole('button', { name: 'Change' }).click();
    await dialog.getByLabel('E-mail address (optional)').fill('grace@example.com');
    await dialog.getByLabel('auditor').check();
    await accessible(page);
    await dialog.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('definition').filter({ hasText: 'grace@example.com' }).waitFor();
    await page.getByRole('definition').filter({ hasText: 'auditor' }).waitFor();

    await page.getByRole('button', { name: 'Disable' }).click();
    await dialog.getByText('All sessions of the account end').waitFor();
    await dialog.getByRole('button', { name: 'Disable' }).click();
    await dialog.getByText('In force everywhere').waitFor();
    assert.equal((await world.server.verify(body.token)).active, false);
    await dialog.getByRole('button', { name: 'Close' }).last().click();
    assert.equal(await signsIn(), 401);
    await page.getByRole('button', { name: 'Enable' }).click();
    await dialog.getByRole('button', { name: 'Enable' }).click();
    await page.getByText('Enabled').waitFor();
    assert.equal(await signsIn(), 200);

    await page.getByRole('link', { name: 'All accounts' }).click();
    await page.getByLabel('Find by name or address').fill('grace@');
    await page.getByText('Grace 谷').waitFor();
    await page.getByRole('link', { name: 'support' }).waitFor({ state: 'detached' });
    assert.match(page.url(), /filter=grace/);
    await page.getByLabel('Find by name or address').fill('nobody at all');
    await page.getByRole('heading', { name: 'No account matches' }).waitFor();
    await accessible(page);
    await page.goBack();
    await page.getByRole('heading', { name: 'grace', level: 1 }).waitFor();
    await page.getByRole('button', { name: 'Delete' }).click();
    await dialog.getByRole('button', { name: 'Delete' }).click();
    await dialog.getByText('In force everywhere').waitFor();
    await dialog.getByRole('button', { name: 'Close' }).last().click();
    await page.getByRole('heading', { name: 'Accounts', level: 1 }).waitFor();
    assert.equal(await signsIn(), 401);
  });

  test('an account leads to the sessions of its person, and back', async (t) => {
    const { page, world } = await visit(t, { as: 'admin' });
    await page.goto(`${world.server.url}/console/#/accounts/${world.people.support.id}`);
    await page.getByRole('link', { name: 'Show this person’s sessions' }).click();
    await page.getByRole('region', { name: 'Account' }).getByText('support').first().waitFor();
    await page.goBack();
    await page.getByRole('definition').filter({ hasText: world.people.support.id }).waitFor();
    await page.goForward();
    await page.getByRole('region', { name: 'Account' }).getByText('support').first().waitFor();
  });

  test('the last administrator cannot be disabled, and the page says what to do', async (t) => {
    const { page, world, expect } = await visit(t, { as: 'admin' });
    expect(409);
    await page.goto(`${world.server.url}/console/#/accounts/${world.people.admin.id}`);
    await page.getByText('this is your own account').waitFor();
    await page.getByRole('button', { name: 'Disable' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Disable' }).click();
    await page.getByRole('alert').getByText('The last administrator cannot be changed like this.').waitFor();
    await accessible(page);
  });

  test('an account that is not there says so; 320 px, German and right to left fit', async (t) => {
    for (const language of ['de', 'ar-XB'] as const) {
      const { page, expect, world } = await visit(t, { as: 'admin', to: '#/accounts', language, width: 320 });
      expect(404);
      await page.getByRole('link', { name: 'support', exact: true }).waitFor();
      await fits(page);
      await accessible(page);
      await page.goto(`${world.server.url}/console/#/accounts/${world.people.support.id}`);
      await page.getByRole('definition').first().waitFor();
      await fits(page);
      await accessible(page);
      await page.goto(`${world.server.url}/console/#/accounts/nobody`);
      await page.getByRole('alert').waitFor();
      await fits(page);
    }
  });
});
