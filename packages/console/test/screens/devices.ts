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
    await page.getByText('You are using it now.').waitFor();
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
    await page.getByText(/^In force everywhere/).waitFor();
    assert.equal((await server.verify(other)).active, false);
    assert.equal((await server.verify(first)).active, false, 'the sign-in has replaced it');
    assert.equal((await server.verify((await context.cookies())[0]!.value)).active, true);
  });

  test('a sign-in that succeeds although nothing is heard after it: to end the others leaves the new session', async (t) => {
    const world = await newWorld();
    const { server } = world;
    await server.createAccount('plain', { password: 'a plain password' });
    const login = async () => (await server.login('plain', 'a plain password')).body.token as string;
    const others = [await login(), await login()];
    const { page, expect, context } = await visit(t, { world });
    expect(403, 'away');
    await page.getByLabel('User name or e-mail address').fill('plain');
    await page.getByLabel('Password').fill('a plain password');
    await page.keyboard.press('Enter');
    await page.getByText('You are using it now.').waitFor();
    const second = await context.newPage();
    await second.goto(`${server.url}/console/#/devices`);
    await second.getByText('You are using it now.').waitFor();
    await second.route(/\/v1\/me$/, (route) => route.abort('connectionreset'), { times: 1 });
    const answered = second.waitForResponse(/\/v1\/me$/);
    world.clock.advance(16 * 60_000);
    await page.getByRole('button', { name: 'End all others …' }).click();
    await page.getByLabel('Type 2 to confirm').fill('2');
    await page.keyboard.press('Enter');
    let logins = 0;
    page.on('request', (request) => {
      if (request.url().endsWith('/v1/login')) logins++;
    });
    await page.route(/\/v1\/me$/, (route) => route.abort('connectionreset'));
    await page.getByRole('textbox', { name: 'Password' }).fill('a plain password');
    for (let times = 0; times < 2; times++) {
      const failed = page.waitForEvent('requestfailed');
      await page.keyboard.press('Enter');
      await failed;
      await page.getByRole('dialog').last().getByRole('button', { name: 'Confirm', disabled: false }).waitFor();
    }
    assert.equal(logins, 1, 'only what failed is tried again');
    await page.getByRole('dialog').last().getByText('The server cannot be reached.').waitFor();
    await page.unrouteAll();
    await page.keyboard.press('Escape');
    await page.getByRole('textbox', { name: 'Password' }).waitFor({ state: 'detached' });
    // The other window has been told of the sign-in, and asks who it was until it is answered.
    await answered;
    await page.getByRole('dialog').getByRole('button', { name: 'End all 2' }).click();
    await page.getByText(/^In force everywhere/).waitFor();
    for (const other of others) assert.equal((await server.verify(other)).active, false);
    assert.equal(
      (await server.verify((await context.cookies())[0]!.value)).active,
      true,
      'the session of this browser',
    );
  });

  test('somebody who ends their own session is signed out, also when the password was asked for in between', async (t) => {
    const world = await newWorld();
    const { server } = world;
    await server.createAccount('plain', { password: 'a plain password', roles: ['support'] });
    const { page, expect, context } = await visit(t, { world });
    expect(403);
    await page.getByLabel('User name or e-mail address').fill('plain');
    await page.getByLabel('Password').fill('a plain password');
    await page.keyboard.press('Enter');
    await page.getByRole('navigation', { name: 'Main' }).waitFor();
    const { session } = await server.verify((await context.cookies())[0]!.value);
    await page.goto(`${server.url}/console/#/sessions/${session.id}`);
    await page.getByRole('button', { name: 'End …' }).click();
    world.clock.advance(16 * 60_000);
    await page.getByRole('checkbox', { name: 'Yes, sign me out here as well' }).check();
    await page.getByRole('button', { name: 'End it' }).click();
    await page.getByRole('textbox', { name: 'Password' }).fill('a plain password');
    await page.keyboard.press('Enter');
    await page.getByText(/^In force everywhere/).waitFor();
    for (const { value } of await context.cookies()) assert.equal((await server.verify(value)).active, false);
    const left = await server.call('GET', `/v1/sessions?user=${session.userId}&status=active`);
    assert.deepEqual(left.body.sessions, []);
  });

  test('who has no second factor yet sets it up in place, also when the sign-in is no longer fresh', async (t) => {
    const world = await newWorld();
    const { server } = world;
    await server.createAccount('plain', { password: 'a plain password', roles: ['support'] });
    const other = await server.createSession('somebody');
    const { page, expect } = await visit(t, { world });
    expect(403);
    await page.getByLabel('User name or e-mail address').fill('plain');
    await page.getByLabel('Password').fill('a plain password');
    await page.keyboard.press('Enter');
    await page.getByRole('navigation', { name: 'Main' }).waitFor();
    await page.goto(`${server.url}/console/#/sessions/${other.session.id}`);
    await page.getByRole('button', { name: 'End …' }).click();
    world.clock.advance(16 * 60_000);
    await page.getByRole('button', { name: 'End it' }).click();
    const dialog = page.getByRole('dialog').last();
    for (const asked of ['Set up a second factor', 'Confirm that it is you']) {
      await page.getByRole('dialog', { name: asked }).waitFor();
      // The field has the focus, so that one can just type.
      await page.keyboard.type('a plain password');
      await page.keyboard.press('Enter');
    }
    await dialog.getByRole('img', { name: 'QR code for the authenticator app' }).waitFor();
    const secret = (await page.locator('.secret code').textContent())!.replaceAll(' ', '');
    const code = () => {
      world.clock.advance(30_000);
      return totpCode(secret, world.clock.now());
    };
    await dialog.getByLabel('Code', { exact: true }).fill(code());
    // Who is signed in cannot be asked just then: the codes are shown all the same.
    expect(503);
    await page.route(/\/v1\/me$/, (route) => route.fulfill({ status: 503 }), { times: 1 });
    await page.keyboard.press('Enter');
    await dialog.getByRole('heading', { name: 'Save your backup codes' }).waitFor();
    for (let times = 0; times < 3; times++) await page.keyboard.press('Escape');
    await dialog.getByRole('button', { name: 'I have saved them' }).click();
    await dialog.getByLabel('Code', { exact: true }).fill(code());
    await page.keyboard.press('Enter');
    await page.getByText(/^In force everywhere/).waitFor();
    assert.equal((await server.verify(other.token)).active, false);
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
    await page.getByRole('heading', { name: 'Save your backup codes' }).waitFor();
    await accessible(page);
    assert.equal(await page.locator('.codes li').count(), 12);
    await page.getByRole('button', { name: 'I have saved them' }).click();
    await page.getByText('Set up. 12 backup codes are left.').waitFor();
    await page.getByRole('button', { name: 'New backup codes …' }).click();
    await page.getByRole('button', { name: 'Create new ones' }).click();
    await page.getByRole('textbox', { name: 'Code' }).fill(code());
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'I have saved them' }).click();
    world.clock.advance(6 * 60_000);
    await page.getByRole('button', { name: 'Remove …' }).click();
    await page.getByRole('button', { name: 'Remove it' }).click();
    await page.getByRole('textbox', { name: 'Code' }).fill(code());
    await page.keyboard.press('Enter');
    await page.getByText('The second factor has been removed.').waitFor();
    assert.equal((await server.call('GET', `/v1/accounts/${id}`)).body.account.totp, false);
  });

  test('the password is changed; a wrong one and a common one are told at their field', async (t) => {
    const world = await newWorld();
    await world.server.createAccount('plain', { password: 'a plain password' });
    const other = (await world.server.login('plain', 'a plain password')).body.token as string;
    const { page, expect } = await visit(t, { world });
    await page.getByLabel('User name or e-mail address').fill('plain');
    await page.getByLabel('Password').fill('a plain password');
    await page.keyboard.press('Enter');
    expect(400);
    await page.getByRole('button', { name: 'Change the password …' }).click();
    await page.getByRole('button', { name: 'Change password' }).click();
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
    await page.getByText('The password has been changed.').waitFor();
    await page.getByText('You are not signed in anywhere else.').waitFor();
    assert.equal((await world.server.verify(other)).active, false);
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
