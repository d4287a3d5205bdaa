import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCurfew } from 'curfew';
import { oldSecret } from '../support/alias-tests.ts';
import { temporaryStore } from '../support/store.ts';

test('the library verifies by an alias, exchanges it, and shows it nowhere', async (t) => {
  const store = await temporaryStore();
  const curfew = await createCurfew(store.settings);
  t.after(async () => {
    await curfew.close();
    await store.remove();
  });
  const { alias, hashed } = oldSecret();
  const { session } = await curfew.createSession({ userId: 'ada', aliases: [hashed] });
  const verdict = await curfew.verify({ alias });
  assert.equal(verdict.active && verdict.session.id, session.id);
  assert.equal(curfew.check({ alias })?.session.id, session.id);
  const shown = [session, verdict, await curfew.listSessions({}), await curfew.listEvents({ limit: 100 })];
  const { token, ...exchanged } = await curfew.exchangeAlias({ alias });
  assert.doesNotMatch(
    JSON.stringify([...shown, exchanged.session]),
    new RegExp(`alias|${hashed.hash}|${alias.secret}`),
  );
  assert.equal((await curfew.verify(token)).active, true);
  await curfew.endSession({ alias });
  assert.equal(curfew.check({ alias }), undefined);
  assert.deepEqual(await curfew.verify({ alias }), { active: false, reason: 'logout' });
});

test('a creation with aliases that no session can have is refused, and nothing is written', async (t) => {
  const store = await temporaryStore();
  const curfew = await createCurfew(store.settings);
  t.after(async () => {
    await curfew.close();
    await store.remove();
  });
  const good = oldSecret().hashed;
  const five = Array.from({ length: 5 }, () => oldSecret().hashed);
  // The last character of a hash has four bits: this one is another spelling of the same bytes.
  const other = good.hash.slice(0, -1) + String.fromCharCode(good.hash.charCodeAt(42) + 1);
  const wrong = [
    five,
    [good, good],
    [{ ...good, kind: 'Express' }],
    [{ ...good, kind: '1st' }],
    [{ ...good, kind: 'a'.repeat(33) }],
    [{ ...good, hash: good.hash.slice(1) }],
    [{ ...good, hash: `${good.hash}=` }],
    [{ ...good, hash: other }],
  ];
  for (const aliases of wrong) {
    await assert.rejects(curfew.createSession({ userId: 'ada', aliases }), { code: 'invalid_value' });
  }
  assert.equal((await curfew.listSessions({})).sessions.length, 0);
  await curfew.createSession({ userId: 'ada', aliases: five.slice(1) });
});
