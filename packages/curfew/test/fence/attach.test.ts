import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { CurfewApiError } from 'curfew-client';
import { createVerifier, type Verifier } from 'curfew-client/verifier';
import { type Json, TestServer } from '../support/server.ts';

let server: TestServer;
before(async () => {
  // Longer than anything here is delayed on a busy machine.
  server = await TestServer.start({ CURFEW_LEASE_MS: '20000' });
});
after(() => server.close());

function attach(key = server.key): Verifier {
  return createVerifier({ url: server.url, key });
}

test('a verifier answers from memory after one question, and hears of an end before that returns', async () => {
  const verifier = attach();
  const { token, session } = await server.createSession('ada', { accessGroups: ['staff'], metadata: { plan: 'pro' } });
  const verdict = await verifier.verify(token);
  assert.ok(verdict.active);
  assert.deepEqual([verdict.session.id, verdict.session.userId], [session.id, 'ada']);
  assert.deepEqual(verdict.session.accessGroups, ['staff']);
  assert.deepEqual(verdict.session.metadata, { plan: 'pro' });
  assert.equal(verifier.check(token), verdict, 'memory returns the same object');
  const { body } = await server.call('DELETE', `/v1/sessions/${session.id}`);
  assert.equal(verifier.check(token), undefined);
  assert.deepEqual(body.receipt.verifiers, { acknowledged: 1, expired: 0 });
  assert.deepEqual([body.receipt.by, body.receipt.everywhere], ['acks', true]);
  assert.deepEqual(await verifier.verify(token), { active: false, reason: 'ended_by_admin' });
  verifier.close();
});

test('nobody can change what a verifier remembers of a session', async () => {
  const verifier = attach();
  const { token } = await server.createSession('ada', {
    accessGroups: ['staff'],
    metadata: { plan: 'pro', limits: [{ seats: 5 }] },
  });
  const verdict = (await verifier.verify(token)) as Json;
  for (const shared of [verdict, verdict.session, verdict.session.accessGroups, verdict.session.metadata.limits[0]])
    assert.throws(() => Object.assign(shared, { 0: 'changed' }), TypeError);
  assert.throws(() => Object.assign(verdict.session.metadata, { plan: 'free' }), TypeError);
  assert.equal((verifier.check(token) as Json).session.metadata.plan, 'pro');
  verifier.close();
});

test('every kind of change reaches a verifier before its answer: groups, all sessions of a user, everyone’s, new tokens', async () => {
  const verifier = attach();
  const { token, refreshToken } = await server.createSession('grace', { accessGroups: ['a'] });
  assert.ok((await verifier.verify(token)).active);
  await server.call('POST', '/v1/users/grace/access-groups', { add: ['b'] });
  assert.equal(verifier.check(token), undefined);
  const changed = await verifier.verify(token);
  assert.deepEqual(changed.active && changed.session.accessGroups, ['a', 'b']);
  const refreshed = await server.call('POST', '/v1/sessions/refresh', { refreshToken }, { as: '' });
  assert.equal(verifier.check(token), undefined);
  assert.deepEqual(await verifier.verify(token), { active: false, reason: 'unknown' });
  const next = refreshed.body.token;
  assert.ok((await verifier.verify(next)).active);
  await server.call('DELETE', '/v1/users/grace/sessions');
  assert.equal(verifier.check(next), undefined);
  assert.deepEqual(await verifier.verify(next), { active: false, reason: 'all_of_user' });
  const other = await server.createSession('alan');
  assert.ok((await verifier.verify(other.token)).active);
  await server.call('POST', '/v1/sessions/end-everyone', { confirm: 'everyone' });
  assert.equal(verifier.check(other.token), undefined);
  verifier.close();
});

test('a verifier says goodbye when it closes, so the next end does not wait for it', async () => {
  const verifier = attach();
  const { token, session } = await server.createSession();
  assert.ok((await verifier.verify(token)).active);
  verifier.close();
  const { body } = await server.call('DELETE', `/v1/sessions/${session.id}`);
  assert.equal(body.receipt.by, 'acks');
  assert.ok(body.receipt.waitedMs < 400, `it waited ${body.receipt.waitedMs} ms`);
  await assert.rejects(verifier.verify(token), { code: 'verifier_closed' });
});

test('a token that is mistyped, unknown or has another secret is refused, with the reason', async () => {
  const verifier = attach();
  const { token } = await server.createSession();
  assert.ok((await verifier.verify(token)).active);
  assert.deepEqual(await verifier.verify('nonsense'), { active: false, reason: 'malformed' });
  const cut = `${token.slice(0, -1)}${token.endsWith('0') ? '1' : '0'}`;
  assert.deepEqual(await verifier.verify(cut), { active: false, reason: 'malformed' });
  const asked = verifier.statistics().asked;
  for (let i = 0; i < 50; i++) assert.equal((await verifier.verify(cut)).active, false);
  assert.equal(verifier.statistics().asked, asked, 'guesses at a known session cost a question each');
  assert.ok(verifier.check(token), 'a guess made it forget the session');
  verifier.close();
});

test('a wrong key, and one without the scope, are refused at once, each with its own error', async () => {
  const wrong = attach(`${server.key.slice(0, -1)}${server.key.endsWith('0') ? '1' : '0'}`);
  await assert.rejects(wrong.ready(), ({ code }: CurfewApiError) => code === 'token_malformed');
  wrong.close();
  const keyWith = async (scope: string): Promise<string> =>
    (await server.call('POST', '/v1/keys', { name: 'app', scopes: [scope] })).body.token;
  const narrow = attach(await keyWith('sessions.verify'));
  await assert.rejects(narrow.ready(), ({ code, message }: CurfewApiError) => {
    assert.equal(code, 'permission_missing');
    assert.match(message, /the scope fence\.attach; the key named app/);
    return true;
  });
  narrow.close();
  const enough = attach(await keyWith('fence.attach'));
  await enough.ready();
  enough.close();
});

test('the metrics report leases, verifiers, waits and lag', async () => {
  const verifier = attach();
  await verifier.ready();
  const text = (await server.call('GET', '/metrics')).body as string;
  for (const line of [
    'curfew_fence_leased 1',
    'curfew_fence_verifiers 1',
    'curfew_fence_lag 0',
    'curfew_fence_nodes 1',
  ]) {
    assert.ok(text.includes(`\n${line}\n`), line);
  }
  assert.match(text, /curfew_fence_settled_acks_total [1-9]/);
  verifier.close();
});
