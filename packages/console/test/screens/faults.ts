import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { describe, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startChild } from '../../../curfew/test/support/child.ts';
import { freePort } from '../../../curfew/test/support/free-port.ts';
import { handOf } from '../support/hands.ts';
import { openForAda, populate } from '../support/people.ts';
import { accessible, everyStop, fits, scrollToRow, visit } from '../support/visit.ts';
import { newWorld, roles, skip, theWorld, type World } from '../support/world.ts';

/** An application that has been told that a session is valid, and may then be frozen and woken. */
async function application(t: TestContext, { server }: World, token: string) {
  const program = fileURLToPath(new URL('../support/application.ts', import.meta.url));
  const command = [process.execPath, '--conditions=curfew-source', program, server.url, server.key, 'billing', token];
  const child = startChild(command, { stdin: 'pipe' });
  t.after(() => child.kill('SIGKILL'));
  const lines = createInterface(child.stdout);
  const says = async () => (await once(lines, 'line'))[0] as string;
  assert.equal(await says(), 'active');
  return {
    // Only just before the end: a lease that has run out by then is not waited for.
    freeze: () => child.kill('SIGSTOP'),
    async wake(): Promise<string> {
      child.kill('SIGCONT');
      const said = says();
      child.stdin!.write('\n');
      return said;
    },
  };
}

describe('faults', { skip }, () => {
  test('an end that waits for a frozen application says so, and for whom, and then that it is over there too', async (t) => {
    // Longer than it takes until the page says what it waits for.
    const world = await newWorld({ CURFEW_LEASE_MS: '12000' });
    const { session, token } = await world.server.createSession('ada');
    const billing = await application(t, world, token);
    const { page } = await visit(t, { world, as: 'admin', to: `#/sessions/${session.id}` });
    const reader = handOf(page, 'with a screen reader');
    await reader.press('button', 'End …');
    await reader.isAsked('End this session?');
    billing.freeze();
    await reader.press('button', 'End it');
    await reader.hears('Ending …');
    await reader.hears(/Still waiting for .*billing.* to confirm/);
    await page.getByRole('button', { name: 'End it', disabled: true }).waitFor();
    // It cannot be closed by accident.
    for (let times = 0; times < 3; times++) await page.keyboard.press('Escape');
    await page.getByRole('dialog', { name: 'End this session?' }).waitFor();
    await accessible(page);
    await reader.hears(/In force in 1 application, \d/);
    await reader.hears(/Did not answer, and may no longer use what they had cached: .*billing/);
    await accessible(page);
    await reader.has('button', 'Done');
    assert.equal(await billing.wake(), 'over');
  });

  test('who may not see which applications there are is told that one has not confirmed', async (t) => {
    const world = await newWorld({ CURFEW_LEASE_MS: '6000' });
    const { session, token } = await world.server.createSession('ada');
    const billing = await application(t, world, token);
    const { page } = await visit(t, { world, as: 'support', to: `#/sessions/${session.id}` });
    await page.getByRole('button', { name: 'End …' }).click();
    billing.freeze();
    await page.getByRole('button', { name: 'End it' }).click();
    await page.getByText('Still waiting for an application to confirm.').waitFor();
    await page.getByText(/^In force in 1 application/).waitFor();
  });

  test('two windows: what ends in one is shown in the other, in its list and on its page', async (t) => {
    const world = await newWorld();
    const ada = await openForAda(world);
    const { page, context } = await visit(t, { world, as: 'admin', to: '#/sessions' });
    const row = page.getByRole('row', { name: /Chrome on Windows, ada/ });
    await row.waitFor();
    const [second, third] = [await context.newPage(), await context.newPage()];
    await second.goto(`${world.server.url}/console/#/sessions/${ada.laptop}`);
    await third.goto(`${world.server.url}/console/#/sessions/${ada.laptop}`);
    await third.getByRole('button', { name: 'End …' }).waitFor();
    await second.getByRole('button', { name: 'End …' }).click();
    await second.getByRole('button', { name: 'End it' }).click();
    await second.getByText(/^In force everywhere/).waitFor();
    await third.getByText('Ended by an administrator').first().waitFor();
    assert.equal(await third.getByRole('button', { name: 'End …' }).count(), 0);
    await row.getByText('Ended').waitFor();
    assert.equal(await row.getByRole('button').count(), 0, 'it has nothing left to end');
    // A change of which the list cannot know what it means for it.
    await second.goto(`${world.server.url}/console/#/sessions?ip=203.0.113.7`);
    await second.getByRole('button', { name: 'End all that match …' }).click();
    await second.getByRole('dialog').getByRole('button', { name: 'End it' }).click();
    await page.getByText('Something has changed in another window since then.').waitFor();
    await accessible(page);
    await page.getByRole('button', { name: 'Refresh' }).click();
    await page.getByText('Something has changed in another window since then.').waitFor({ state: 'detached' });
  });

  test('two windows: who signs out in one is signed out in the other, and signed in again in both', async (t) => {
    const world = await newWorld();
    const { page, context, expect } = await visit(t, { world, as: 'member', to: '#/devices' });
    expect(401, 403);
    await page.getByText('You are using it now.').waitFor();
    const second = await context.newPage();
    await second.goto(`${world.server.url}/console/#/devices`);
    await second.getByText('You are using it now.').waitFor();
    await second.getByRole('button', { name: 'Sign out' }).click();
    await page.getByText('You are signed out.').waitFor();
    await accessible(page);
    for (let times = 0; times < 3; times++) await page.keyboard.press('Escape');
    await page.getByText('You are signed out.').waitFor();
    const signIn = async (username: string, password: string) => {
      await second.getByLabel('User name or e-mail address').fill(username);
      await second.getByLabel('Password').fill(password);
      await second.getByRole('button', { name: 'Sign in' }).click();
    };
    await world.server.createAccount('plain', { password: 'a plain password' });
    await signIn('plain', 'a plain password');
    await second.getByText('You are using it now.').waitFor();
    // Somebody else: the page of the first person is gone.
    await page.getByText(/^Signed in as .plain/).waitFor({ state: 'attached' });
    await page.getByRole('heading', { name: 'My devices', level: 1 }).waitFor();
    assert.equal(await page.locator('dialog').count(), 0);
  });

  test('a cursor that is too old: the list can be read again from its beginning', async (t) => {
    const world = await newWorld();
    await populate(world, 30, 150);
    const { page, expect } = await visit(t, { world, as: 'support', to: '#/sessions', height: 500 });
    expect(400);
    await page.getByRole('row').nth(1).waitFor();
    await page.route(/cursor=/, (route) =>
      route.continue({
        url: route
          .request()
          .url()
          .replace(/cursor=[^&]+/, 'cursor=of-another-time'),
      }),
    );
    await page.mouse.wheel(0, 100_000);
    await page.getByRole('alert').getByText('This list has changed too much to continue.').waitFor();
    await accessible(page);
    await page.unrouteAll();
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('alert').waitFor({ state: 'detached' });
    await scrollToRow(page, 140);
  });

  test('a server that goes away while a list is open: nothing is lost, and the list goes on once it is back', async (t) => {
    const port = String(await freePort());
    const world = await newWorld({ CURFEW_PORT: port });
    await populate(world, 30, 250);
    const { page, expect } = await visit(t, { world, as: 'support', to: '#/sessions', height: 500 });
    expect('away');
    await page.locator('tr[data-index="5"]').waitFor();
    const first = await page.locator('tr[data-index="0"]').textContent();
    await world.server.leave();
    await page.mouse.wheel(0, 100_000);
    await page.getByText('The server is not answering. What you see may be out of date.').waitFor();
    await page.getByRole('alert').getByText('The server cannot be reached.').waitFor();
    await accessible(page);
    await fits(page);
    world.server = await world.server.another({ CURFEW_PORT: port }, world.clock);
    await page.getByText('The server is answering again.').waitFor();
    await page.getByRole('alert').waitFor({ state: 'detached' });
    await scrollToRow(page, 150);
    await page.mouse.wheel(0, -100_000);
    await page.locator('tr[data-index="0"]').waitFor();
    assert.equal(await page.locator('tr[data-index="0"]').textContent(), first);
  });

  test('a store that answers slowly: the page says that it is still waiting', async (t) => {
    const { page } = await visit(t, { as: 'support', to: '#/sessions' });
    await page.getByRole('row').nth(1).waitFor();
    await page.clock.install();
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    await page.route(/status=ended/, async (route) => {
      await held;
      await route.continue();
    });
    await page.getByRole('link', { name: 'Ended', exact: true }).click();
    await page.getByRole('status').getByText('Loading …').first().waitFor({ state: 'attached' });
    await page.clock.fastForward(5000);
    await page.getByText('The server is taking longer than usual. Still waiting …').waitFor();
    await accessible(page);
    release();
    await page.getByText('The server is taking longer than usual.').waitFor({ state: 'detached' });
  });
});

describe('what each role can do', { skip }, () => {
  for (const role of roles) {
    test(`${role}: no button on any screen leads to "you may not"`, async (t) => {
      const world = await newWorld();
      const ada = await openForAda(world);
      const { page, context } = await visit(t, { world, as: role });
      const refused: string[] = [];
      page.on('response', async (response) => {
        if (response.status() !== 403) return;
        const { code } = (await response.json()) as { code: string };
        if (code === 'permission_missing') refused.push(response.url());
      });
      await page.getByRole('heading', { level: 1 }).waitFor();
      const own = (await world.server.verify((await context.cookies())[0]!.value)).session.id as string;
      const places = await page
        .getByRole('navigation', { name: 'Main' })
        .getByRole('link')
        .evaluateAll((links) => links.map((link) => link.getAttribute('href')!));
      const user = world.people[role].id;
      const all = [...places, `#/sessions/${own}`, `#/users/${user}`];
      if (role !== 'member') all.push(`#/sessions/${ada.desk}`, '#/users/ada', '#/sessions?status=ended');
      for (const place of all) {
        await page.goto(`${world.server.url}/console/${place}`);
        await page.getByRole('heading', { level: 1 }).waitFor();
        await page.locator('[aria-busy=true]').first().waitFor({ state: 'detached' });
        const buttons = page.getByRole('main').getByRole('button');
        for (let i = 0; i < (await buttons.count()); i++) {
          await buttons.nth(i).click();
          await page.keyboard.press('Escape');
          await page.getByRole('dialog').waitFor({ state: 'detached' });
        }
        assert.deepEqual(refused, [], place);
      }
    });
  }
});

describe('by keyboard', { skip }, () => {
  test('Tab reaches everything that can be used, on every screen, and comes out again', async (t) => {
    const world = await theWorld();
    const ada = await openForAda(world);
    const { page } = await visit(t, { as: 'admin' });
    const places = ['overview', 'sessions', `sessions/${ada.desk}`, 'users/ada', 'audit', 'server', 'named', 'keys'];
    for (const place of [...places, 'accounts', `accounts/${world.people.support.id}`, 'devices']) {
      await page.goto(`${world.server.url}/console/#/${place}`);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await page.locator('[aria-busy=true]').first().waitFor({ state: 'detached' });
      await everyStop(page);
    }
  });
});
