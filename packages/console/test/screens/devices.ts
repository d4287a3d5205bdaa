import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { totpCode } from '../../../curfew/src/domain/second-factor.ts';
import { accessible, fits, visit } from '../support/visit.ts';
import { newWorld, skip, theWorld } from '../support/world.ts';

describe('my devices', { skip }, () => {
  test('who has no second factor confirms with the password, which signs in afresh', async (t) => {
    const world = await newWorld();
    const { server } = world;
    await server.createAccount('plain', { password: 'a plain password' });
    const login = async () => (await server.login('plain', 'a plain password')).body.token as string;
    const other = await login();
    const { page, expect, context } = await visit(t, { world });
    expect(403);
    await page.getByLabel('User name or e-mail address').fill('plain');
    await page.getByLabel('Password').fill('a plain password');
    await page.keyboard.press('Enter');
    await page.getByText('You use it now.').waitFor();
    const first = (await context.cookies())[0]!.value;
    world.clock.advance(16 * 60_000);
    await page.getByRole('button', { name: /^End: / }).click();
    await page.getByRole('button', { name: 'End it' }).click();
    await page.getByRole('textbox', { name: 'Password' }).fill('not it');
    expect(401);
    await page.keyboard.press('Enter');
    await page.getByText('The user name or the password is wrong.').waitFor();
    await accessible(page);
    await page.getByRole('textbox', { name: 'Password' }).fill('a plain password');
    await page.keyboard.press('Enter');
    await page.getByText(/^Over everywhere/).waitFor();
    assert.equal((await server.verify(other)).active, false);
    assert.equal((await server.verify(first)).active, false, 'the sign-in has replaced it');
    assert.equal((await server.verify((await context.cookies())[0]!.value)).active, true);
  });

  test('the second factor is set up, its codes renewed, and removed', async (t) => {
    const world = await newWorld();
    const { server } = world;
    const { id } = await server.createAccount('plain', { password: 'a plain password' });
    const { page, expect } = await visit(t, { world });
    expect(403);
    await page.getByLabel('User name or e-mail address').fill('plain');
    await page.getByLabel('Password').fill('a plain password');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Set it up …' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Continue' }).click();
    await dialog.getByText('Enter your password.').waitFor();
    await dialog.getByLabel('Password').fill('not it');
    expect(401);
    await page.keyboard.press('Enter');
    await dialog.getByText('The user name or the password is wrong.').waitFor();
    await accessible(page);
    await dialog.getByLabel('Password').fill('a plain password');
    await page.keyboard.press('Enter');
    await page.getByRole('img', { name: 'QR code for the authenticator app' }).waitFor();
    await accessible(page);
    const secret = (await page.locator('.secret code').textContent())!.replaceAll(' ', '');
    const code = () => {
      world.clock.advance(30_000);
      return totpCode(secret, world.clock.now());
    };
    await page.getByRole('button', { name: 'Set it up', exact: true }).click();
    await page.getByText('Enter the code.').waitFor();
    await page.getByLabel('Code', { exact: true }).fill(code());
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Keep your backup codes' }).waitFor();
    await accessible(page);
    assert.equal(await page.locator('.codes li').count(), 12);
    await page.getByRole('button', { name: 'I have kept them' }).click();
    await page.getByText('Set up. 12 backup codes are left.').waitFor();
    await page.getByRole('button', { name: 'New backup codes …' }).click();
    await page.getByRole('button', { name: 'Make new ones' }).click();
    await page.getByRole('textbox', { name: 'Code' }).fill(code());
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'I have kept them' }).click();
    world.clock.advance(6 * 60_000);
    await page.getByRole('button', { name: 'Remove …' }).click();
    await page.getByRole('button', { name: 'Remove it' }).click();
    await page.getByRole('textbox', { name: 'Code' }).fill(code());
    await page.keyboard.press('Enter');
    await page.getByText('The second factor is removed.').waitFor();
    assert.equal((await server.call('GET', `/v1/accounts/${id}`)).body.account.totp, false);
  });

  test('the password is changed; a wrong one and a common one are told at their field', async (t) => {
    const world = await newWorld();
    await world.server.createAccount('plain', { password: 'a plain password' });
    const { page, expect } = await visit(t, { world });
    await page.getByLabel('User name or e-mail address').fill('plain');
    await page.getByLabel('Password').fill('a plain password');
    await page.keyboard.press('Enter');
    expect(400);
    await page.getByRole('button', { name: 'Change the password …' }).click();
    await page.getByRole('button', { name: 'Change it' }).click();
    await page.getByText('Fill in this field.').first().waitFor();
    await page.getByLabel('Current password').fill('not it');
    await page.getByLabel('New password').fill('another fine password');
    await page.keyboard.press('Enter');
    await page.getByText('The current password is wrong.').waitFor();
    await accessible(page);
    await page.getByLabel('Current password').fill('a plain password');
    await page.getByLabel('New password').fill('password1');
    await page.keyboard.press('Enter');
    await page.locator('input[aria-invalid][autocomplete=new-password]').waitFor();
    await page.getByLabel('New password').fill('another fine password');
    await page.keyboard.press('Enter');
    await page.getByText('The password is changed.').waitFor();
    assert.equal((await world.server.login('plain', 'another fine password')).status, 200);
  });

  test('fits 320 px in German and from right to left', async (t) => {
    await theWorld();
    for (const language of ['de', 'ar-XB'] as const) {
      const { page } = await visit(t, { as: 'member', to: '#/devices', language, width: 320, height: 700 });
      await page.getByRole('heading', { level: 2 }).first().waitFor();
      await fits(page);
      await accessible(page);
    }
  });
});
