import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createVerifier } from 'curfew-client/verifier';
import { openForAda } from '../support/people.ts';
import { visit } from '../support/visit.ts';
import { newWorld, skip } from '../support/world.ts';

describe('the receipt', { skip }, () => {
  test('names on how many applications it is over, and the overview which ones there are', async (t) => {
    const world = await newWorld();
    const { server } = world;
    const ada = await openForAda(world);
    const { token } = await server.createSession('grace');
    const verifier = createVerifier({ url: server.url, key: server.key, name: 'billing' });
    t.after(() => verifier.close());
    assert.equal((await verifier.verify(token)).active, true);
    const { page } = await visit(t, { world, as: 'admin', to: '#/overview' });
    await page.getByRole('region', { name: 'Applications' }).getByText('billing').waitFor();
    await page.goto(`${server.url}/console/#/users/grace`);
    await page.getByRole('button', { name: 'End all …' }).click();
    await page.getByRole('button', { name: 'End it' }).click();
    await page.getByText(/^In force in 1 application, \d+ ms$/).waitFor();
    assert.equal((await verifier.verify(token)).active, false);
    assert.equal((await server.call('GET', `/v1/sessions/${ada.desk}`)).body.session.status, 'active');
  });

  test('two administrators who end the same both see that it is over, with the first reason', async (t) => {
    const world = await newWorld();
    const ada = await openForAda(world);
    const [one, two] = [
      await visit(t, { world, as: 'admin', to: `#/sessions/${ada.laptop}` }),
      await visit(t, { world, as: 'support', to: `#/sessions/${ada.laptop}` }),
    ];
    for (const { page } of [one, two]) await page.getByRole('button', { name: 'End …' }).click();
    for (const { page } of [one, two]) {
      await page.getByRole('button', { name: 'End it' }).click();
      await page.getByText(/^In force everywhere/).waitFor();
      await page.getByRole('button', { name: 'Done' }).click();
    }
    await two.page.getByText('Ended by', { exact: true }).waitFor();
    const { endedBy } = (await world.server.call('GET', `/v1/sessions/${ada.laptop}`)).body.session;
    assert.equal(endedBy, `user:${world.people.admin.id}`);
  });
});
