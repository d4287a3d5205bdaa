import assert from 'node:assert/strict';
import { chmodSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createSecrets } from '../../src/authority/secrets.ts';
import type { UserId } from '../../src/domain/brand.ts';
import { encodeRecord } from '../../src/stores/records.ts';
import { temporaryFolder } from '../stores/harness.ts';
import { random } from '../support/ports.ts';
import { redisInstalled } from '../support/redis.ts';
import { adminPassword, TestServer } from '../support/server.ts';

for (const kind of ['lmdb', ...(redisInstalled ? ['redis'] : [])]) {
  test(`Secrets: an export from ${kind} contains no token, key, password, code or authenticator secret`, async (t) => {
    const server = await TestServer.start({}, undefined, kind);
    t.after(() => server.close());
    const { token, refreshToken } = await server.createSession('ada');
    const login = (await server.login()).body;
    const authenticator = await server.enrol(login.account.id);
    const [used, ...codes] = authenticator.backupCodes;
    const signedIn = (await server.login('admin', adminPassword, used)).body;
    const next = (await server.call('POST', '/v1/sessions/refresh', { refreshToken })).body;
    const tokens = [token, refreshToken, login.token, signedIn.token, next.token, next.refreshToken, server.key];
    const secrets = [...tokens, adminPassword, authenticator.secret, used!, ...codes];
    let lines = '';
    // An export while the server runs.
    for await (const record of server.context.store.exportRecords({ oneMoment: false })) {
      lines += encodeRecord(record);
    }
    assert.ok(
      lines.includes('"kind":"account"') && lines.includes('"kind":"session"') && lines.includes('"kind":"key"'),
    );
    for (const secret of secrets) {
      // The secret part of a token matters; its id is not secret.
      const part = /^cf[srk]_/.test(secret) ? secret.slice(26, 69) : secret;
      for (const form of [part, Buffer.from(part).toString('base64').replace(/=+$/, '')]) {
        assert.ok(!lines.includes(form), 'a secret is in the export');
      }
    }
  });
}

test('Factors at rest: an authenticator’s secret is sealed with AES-256-GCM, for its account and under the servers’ key', async (t) => {
  const server = await TestServer.start();
  t.after(() => server.close());
  const { id } = await server.createAccount('ada');
  const authenticator = await server.enrol(id);
  const { account } = await server.context.store.readUser(id as UserId);
  const sealed = account!.factor!.sealedSecret;
  const { seal, unseal } = server.context.secrets;
  assert.equal(sealed.length, 12 + 20 + 16, 'a nonce, the secret and a tag');
  const plain = Buffer.from(unseal(sealed, id));
  assert.equal(plain.length, 20);
  assert.ok(!Buffer.from(sealed).includes(plain));
  assert.ok(authenticator.secret.length > 0);
  assert.notDeepEqual(seal(plain, id), seal(plain, id), 'no nonce is used twice');
  assert.throws(() => unseal(sealed, 'another account'), { code: 'internal' });
  assert.throws(() => createSecrets(random(32), random).unseal(sealed, id), { code: 'internal' });
  for (let i = 0; i < sealed.length; i++) {
    const changed = Uint8Array.from(sealed);
    changed[i]! ^= 1;
    assert.throws(() => unseal(changed, id), { code: 'internal' }, `byte ${i}`);
  }
});

test('Factors at rest: the file of the servers’ key is readable only by its owner, even if it was not before', async (t) => {
  const folder = temporaryFolder();
  t.after(async () => folder.remove());
  const file = join(folder.path, 'secret.key');
  const first = await TestServer.start({ CURFEW_STORE: `lmdb:${folder.path}` });
  assert.equal(statSync(file).mode & 0o777, 0o600);
  await first.leave();
  chmodSync(file, 0o644);
  const again = await first.another({ CURFEW_STORE: `lmdb:${folder.path}` });
  assert.equal(statSync(file).mode & 0o777, 0o600);
  await again.close();
});
