import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CurfewApiError } from 'curfew-client';
import { makeKey } from '../../src/authority/keys.ts';
import { totpCode } from '../../src/domain/second-factor.ts';
import { parseToken } from '../../src/domain/tokens.ts';
import { temporaryFolder } from '../stores/harness.ts';
import { random } from '../support/ports.ts';
import { clientFor, startProcess } from '../support/process.ts';

test('Secrets, Factors at rest: no log, file or error contains secrets: tokens, keys, passwords, codes, authenticator secrets', async (t) => {
  const folder = temporaryFolder();
  t.after(folder.remove);
  const key = makeKey(Date.now(), random);
  const password = 'a password that nobody may read';
  const server = await startProcess({
    CURFEW_STORE: `lmdb:${join(folder.path, 'data')}`,
    CURFEW_API_KEY: key,
    CURFEW_ADMIN_PASSWORD: password,
    CURFEW_LOG_LEVEL: 'debug',
  });
  t.after(() => server.child.kill('SIGKILL'));
  const client = clientFor(server, key);
  const login = await client.login({ username: 'admin', password });
  const opened = await client.createSession({ userId: 'ada' });
  const refreshed = await client.refreshSession({ refreshToken: opened.refreshToken });
  const { secret } = await client.startTotp({ id: login.account.id });
  const code = totpCode(secret, Date.now());
  const { backupCodes } = await client.confirmTotp({ id: login.account.id, code });
  const shown: string[] = [];
  const fail = async (call: () => Promise<unknown>) => {
    await assert.rejects(call, (error) => {
      assert.ok(error instanceof CurfewApiError);
      shown.push(JSON.stringify(error.problem));
      return true;
    });
  };
  await fail(() => client.login({ username: 'admin', password: `${password}!` }));
  await fail(() => client.refreshSession({ refreshToken: opened.token }));
  await fail(() => client.logoutSession({ token: `${opened.token}x` }));
  await fail(() => clientFor(server, opened.token).me());
  await fetch(`${server.url}/v1/me?token=${refreshed.token}`, {
    headers: { authorization: `Bearer ${refreshed.token}` },
  });
  shown.push(JSON.stringify(await client.listSessions({})), JSON.stringify(await client.listEvents({ limit: 100 })));
  shown.push(JSON.stringify(await client.listKeys({})), JSON.stringify(await client.listAccounts({})));
  await server.stop('SIGTERM');

  const tokens = [
    key,
    login.token!,
    login.refreshToken!,
    opened.token,
    opened.refreshToken,
    refreshed.token,
    refreshed.refreshToken,
  ];
  const parsed = tokens.map(
    (token) => (parseToken('key', token) ?? parseToken('session', token) ?? parseToken('refresh', token))!.secret,
  );
  const secrets = [...parsed, password, secret, code, ...backupCodes];
  const logged = [...server.log, ...server.told].join('\n');
  assert.ok(logged.includes('"path":"/v1/login"'), 'the requests were not logged');
  for (const text of secrets) {
    // Six digits may be a part of a longer number, such as a time.
    const isLogged = text === code ? new RegExp(`(?<!\\d)${code}(?!\\d)`).test(logged) : logged.includes(text);
    assert.ok(!isLogged, 'a secret is in the log');
    for (const answer of shown) assert.ok(!answer.includes(text), 'a secret is in an answer');
  }
  const data = join(folder.path, 'data');
  const rawSecret = Buffer.from(secret);
  for (const name of readdirSync(data)) {
    const bytes = readFileSync(join(data, name));
    for (const text of secrets.filter((one) => one !== code))
      assert.ok(!bytes.includes(text), `a secret is in ${name}`);
    assert.ok(!bytes.includes(rawSecret), `the authenticator's secret is in ${name}`);
  }
  assert.equal(statSync(join(data, 'secret.key')).mode & 0o777, 0o600);
  assert.equal(statSync(data).mode & 0o777, 0o700);
});
