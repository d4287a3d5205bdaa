import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createCurfew } from '../../src/curfew.ts';
import { totpCode } from '../../src/domain/second-factor.ts';
import { keyFingerprint } from '../../src/start/secret-key.ts';
import { serve } from '../../src/start/serve.ts';
import { openStore } from '../../src/stores/open.ts';
import { temporaryFolder } from '../stores/harness.ts';
import { random } from '../support/ports.ts';
import { runCli } from '../support/process.ts';
import type { Json } from '../support/server.ts';
import { temporaryStore } from '../support/store.ts';

const hex = (key: Uint8Array) => Buffer.from(key).toString('hex');
const settings = { CURFEW_PORT: '0', CURFEW_LOG_LEVEL: 'silent', CURFEW_ADMIN_PASSWORD: 'correct horse battery' };

/** A store that was used with the given key, and the environment of a server on it. */
async function usedStore(t: { after(done: () => Promise<void>): void }) {
  const store = await temporaryStore();
  t.after(() => store.remove());
  const key = random(32);
  const env = { ...settings, ...store.env, CURFEW_SECRET_KEY: hex(key) };
  const first = await serve(env);
  return { env, key, first, settings: store.settings };
}

async function call(url: string, token: string, path: string, body: object): Promise<Json> {
  const answer = await fetch(url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return answer.json();
}

test('N10.6: a start with another secret key than the store’s is refused and changes nothing; the right key starts', async (t) => {
  const { env, key, first, ...opened } = await usedStore(t);
  const { store } = first.opened.context;
  assert.equal(await store.keyFingerprint(), keyFingerprint(key));
  await first.close();
  const other = random(32);
  for (let tries = 0; tries < 2; tries++) {
    await assert.rejects(serve({ ...env, CURFEW_SECRET_KEY: hex(other) }), (error: Error & { code: string }) => {
      assert.equal(error.code, 'secret_key_differs');
      assert.match(error.message, new RegExp(`${keyFingerprint(key)}.*${keyFingerprint(other)}`));
      for (const secret of [hex(key), hex(other)]) assert.ok(!error.message.includes(secret));
      return true;
    });
  }
  await assert.rejects(createCurfew({ ...opened.settings, secretKey: other }), { code: 'secret_key_differs' });
  await (await serve(env)).close();
});

test('a failed first start does not fix the key', async (t) => {
  const store = await temporaryStore();
  t.after(() => store.remove());
  const env = { ...settings, ...store.env };
  const wrong = { CURFEW_SECRET_KEY: hex(random(32)), CURFEW_ADMIN_PASSWORD: 'short' };
  await assert.rejects(serve({ ...env, ...wrong }), { code: 'config_invalid' });
  await (await serve({ ...env, CURFEW_SECRET_KEY: hex(random(32)) })).close();
});

test('of two servers that start on an empty store at once with two keys, one starts', async (t) => {
  const store = await temporaryStore();
  t.after(() => store.remove());
  const opened = await openStore(store.url);
  t.after(() => opened.close());
  const fingerprints = Array.from({ length: 8 }, () => keyFingerprint(random(32)));
  const kept = await Promise.all(fingerprints.map((one) => opened.keepKeyFingerprint(one)));
  assert.equal(new Set(kept).size, 1);
  assert.equal(await opened.keyFingerprint(), kept[0]);
});

test('curfew secret-key replace replaces the key deliberately: authenticators still work with the former key', async (t) => {
  const folder = temporaryFolder();
  t.after(folder.remove);
  const { env, key, first } = await usedStore(t);
  const root = first.first!.apiKey!;
  const login = { username: 'admin', password: settings.CURFEW_ADMIN_PASSWORD };
  const { account, token } = await call(first.url, root, '/v1/login', login);
  const { secret } = await call(first.url, token, `/v1/accounts/${account.id}/totp`, {
    currentPassword: login.password,
  });
  const code = totpCode(secret, Date.now());
  const { backupCodes } = await call(first.url, token, `/v1/accounts/${account.id}/totp/confirm`, { code });
  assert.equal(backupCodes.length > 0, true);
  await first.close();

  const next = random(32);
  const file = join(folder.path, 'former');
  const command = ['secret-key', 'replace', '--json'];
  const changed = { ...env, CURFEW_SECRET_KEY: hex(next) };
  assert.equal((await runCli(command, changed)).code, 2, 'it requires a statement that the key is lost');
  writeFileSync(file, hex(random(32)));
  const stranger = await runCli([...command, '--former', file], changed);
  assert.match(stranger.err, /secret_key_differs/);
  writeFileSync(file, hex(key));
  const done = await runCli([...command, '--former', file], changed);
  assert.equal(done.code, 0, done.err);
  assert.deepEqual(JSON.parse(done.out), { carried: ['admin'], lost: [] });
  // Interrupted and repeated.
  assert.equal((await runCli([...command, '--former', file], changed)).code, 1);
  assert.equal((await runCli([...command, '--lost'], changed)).code, 0);

  await assert.rejects(serve(env), { code: 'secret_key_differs' });
  const again = await serve(changed);
  const later = totpCode(secret, Date.now() + 30_000);
  const answer = await call(again.url, root, '/v1/login', { ...login, totp: later });
  assert.equal(answer.account?.totp, true, JSON.stringify(answer));
  assert.equal(answer.account.backupCodesLeft, 0);
  await again.close();

  const lost = await runCli([...command, '--lost'], { ...env, CURFEW_SECRET_KEY: hex(random(32)) });
  assert.deepEqual(JSON.parse(lost.out), { carried: [], lost: ['admin'] });
});
