import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { newId } from '../../src/domain/ids.ts';
import { formatToken, newSecret } from '../../src/domain/tokens.ts';
import { attachRaw } from '../support/raw-verifier.ts';
import { TestServer } from '../support/server.ts';

/*
 * R22, once a question was answered: which of its answers make later changes wait for a verifier. This verifier holds a
 * lease, and acknowledges a change only when the test says so.
 */
async function leased(t: TestContext) {
  const server = await TestServer.start({ CURFEW_LEASE_MS: '20000' });
  const verifier = await attachRaw(server.url, server.key, { holder: randomUUID() });
  t.after(async () => {
    verifier.say({ type: 'bye' });
    await server.close();
  });
  verifier.say({ type: 'renew', ask: 1, seen: [] });
  await verifier.hear('grant');
  const ask = async (token: string) => {
    verifier.say({ type: 'ask', question: 2, token });
    return (await verifier.hear('answer')).answer;
  };
  return { server, verifier, ask };
}

test('R22: made-up tokens make nobody wait: a verifier that asks about them is concerned by no later end', async (t) => {
  const { server, ask } = await leased(t);
  const { session, token, refreshToken } = await server.createSession();
  await server.call('POST', '/v1/sessions/refresh', { refreshToken }, { as: '' });
  // The session's former token, one of it with another secret, and one of no session.
  const secret = newSecret(randomBytes);
  const madeUp = [token, ...[session.id, newId('x', 0, randomBytes)].map((id) => formatToken('session', id, secret))];
  for (const one of madeUp) assert.deepEqual(await ask(one), { active: false, reason: 'unknown' });
  const { receipt } = (await server.call('DELETE', `/v1/sessions/${session.id}`)).body;
  assert.deepEqual([receipt.by, receipt.verifiers], ['acks', { acknowledged: 0, expired: 0 }]);
});

test('R22: a verifier that was told that a session is suspended hears that it is active again, before that returns', async (t) => {
  const { server, verifier, ask } = await leased(t);
  const { token } = await server.createSession('ada', { name: 'phone' });
  await server.call('POST', '/v1/named-sessions/phone/stop');
  assert.deepEqual(await ask(token), { active: false, reason: 'suspended' });
  const started = server.call('POST', '/v1/named-sessions/phone/start');
  const told = verifier.hear('changes').then(({ changes }) => changes.at(-1) as { sequence: number });
  const change = await Promise.race([told, started.then(() => undefined)]);
  assert.ok(change, 'it returned although the verifier did not know');
  verifier.say({ type: 'ack', sequence: change.sequence });
  assert.deepEqual((await started).body.receipt.verifiers, { acknowledged: 1, expired: 0 });
});
