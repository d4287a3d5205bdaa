import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { protocolVersion } from 'curfew-client/protocol';
import { oldSecret } from '../support/alias-tests.ts';
import { rawVerifier } from '../support/raw-verifier.ts';
import { TestServer } from '../support/server.ts';

/*
 * R22, of aliases: which session a question is about is known only from its answer. The server is real; the verifier says
 * what the test says, and the test decides when the store's answer arrives.
 */
async function attached(t: TestContext, lease = 20_000) {
  const server = await TestServer.start({ CURFEW_LEASE_MS: String(lease) });
  const verifier = await rawVerifier(server.url);
  t.after(async () => {
    verifier.say({ type: 'bye' });
    await server.close();
  });
  verifier.say({ type: 'hello', version: protocolVersion, key: server.key, holder: crypto.randomUUID() });
  assert.equal((await verifier.hear('welcome')).aliases, true);
  verifier.say({ type: 'renew', ask: 1, seen: [] });
  await verifier.hear('grant');
  const old = oldSecret();
  const { session } = await server.createSession('ada', { aliases: [old.hashed] });
  /** Ends the session; whether the verifier is told before the end returns. */
  const end = async () => {
    const ended = server.call('DELETE', `/v1/sessions/${session.id}`);
    const told = verifier.hear('changes').then(({ changes }) => changes.at(-1) as { sequence: number });
    const first = await Promise.race([told, ended.then(() => undefined)]);
    if (first) verifier.say({ type: 'ack', sequence: first.sequence });
    return { told: first !== undefined, receipt: (await ended).body.receipt };
  };
  return { server, verifier, old, session, end };
}

test('R22: a change of any session concerns a verifier with an open question about an alias', async (t) => {
  const { server, verifier, old, end } = await attached(t);
  const { store } = server.context;
  const read = store.readSessionByAlias;
  let release = () => {};
  const isRead = new Promise<void>((resolve) => {
    store.readSessionByAlias = async (alias) => {
      const found = await read(alias);
      resolve();
      await new Promise<void>((done) => {
        release = done;
      });
      return found;
    };
  });
  verifier.say({ type: 'ask', question: 2, alias: old.alias });
  await isRead;
  // The store has answered that it is active, and nobody knows that yet.
  const { told, receipt } = await end();
  assert.ok(told, 'the end returned although the answer was on its way');
  assert.deepEqual(receipt.verifiers, { acknowledged: 1, expired: 0 });
  release();
  await verifier.hear('answer');
});

test('R22: a verifier that was told of a session by its alias alone is concerned by its changes, and by those of its user', async (t) => {
  for (const path of ['', '/v1/users/ada/sessions']) {
    const { server, verifier, old, session, end } = await attached(t);
    verifier.say({ type: 'ask', question: 2, alias: old.alias });
    const { answer } = await verifier.hear('answer');
    assert.equal(answer.session.id, session.id);
    assert.doesNotMatch(JSON.stringify(answer), /alias|express/);
    if (path === '') assert.ok((await end()).told);
    else {
      const ended = server.call('DELETE', path);
      const { changes } = await verifier.hear('changes');
      verifier.say({ type: 'ack', sequence: changes.at(-1)!.sequence });
      assert.equal((await ended).body.receipt.verifiers.acknowledged, 1);
    }
  }
});

test('a question about an alias that nothing could be is answered, and one without either ends the stream', async (t) => {
  const { verifier } = await attached(t, 500);
  verifier.say({ type: 'ask', question: 2, alias: { kind: 'No kind', secret: '' } });
  assert.deepEqual((await verifier.hear('answer')).answer, { active: false, reason: 'malformed' });
  verifier.say({ type: 'ask', question: 3, alias: { kind: 'express' } } as never);
  assert.equal((await verifier.hear('refused')).trouble.code, 'fence_protocol');
});
