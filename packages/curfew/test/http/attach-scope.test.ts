import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openTables } from '../../src/stores/lmdb/tables.ts';
import { folderOf } from '../../src/stores/open.ts';
import { adminPassword, TestServer } from '../support/server.ts';

test('N2.4: keys that could attach a verifier before that required a scope still can; accounts get it from an administrator, not from an upgrade', async (t) => {
  const former = await TestServer.start({}, undefined, 'lmdb');
  const may = ['keys.manage', 'sessions.verify'];
  const account = await former.createAccount('keeper', { permissions: may });
  const { body: made } = await former.call('POST', '/v1/keys', { name: 'application', scopes: ['sessions.verify'] });
  await former.leave();
  const tables = openTables(folderOf(former.env['CURFEW_STORE']!)!);
  tables.meta.putSync('format', 3);
  await tables.root.close();

  const server = await former.another({ CURFEW_ADMIN_PASSWORD: adminPassword });
  t.after(() => server.close());
  const path = `/v1/keys/${made.key.id}`;
  const authenticator = await server.enrol(account.id);
  const { body: signedIn } = await server.login('keeper', 'keeper password', authenticator.next());
  const as = { as: signedIn.token as string };
  const key = (await server.call('GET', '/v1/me', undefined, { as: made.token })).body;
  assert.deepEqual(key.permissions, ['sessions.verify', 'fence.attach']);
  assert.deepEqual((await server.call('GET', '/v1/me', undefined, as)).body.permissions.sort(), may);

  const attaching = { name: 'another', scopes: ['sessions.verify', 'fence.attach'] };
  for (const call of [
    ['DELETE', path],
    ['POST', '/v1/keys', attaching],
  ] as const) {
    const { status, body } = await server.call(call[0], call[1], call[2], as);
    assert.deepEqual([status, body.code, body.detail], [403, 'permission_missing', 'You lack: fence.attach.']);
  }
  // It can still do everything unrelated to attaching.
  const verifying = await server.call('POST', '/v1/keys', { name: 'verifies', scopes: ['sessions.verify'] }, as);
  assert.equal(verifying.status, 201);

  await server.call('PATCH', `/v1/accounts/${account.id}`, { permissions: [...may, 'fence.attach'] });
  assert.equal((await server.call('POST', '/v1/keys', attaching, as)).status, 201);
  assert.equal((await server.call('DELETE', path, undefined, as)).status, 200);
});
