import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Answer, adminPassword, TestServer } from '../support/server.ts';
import { type Case, compare } from './timing.ts';

/*
 * A failed sign-in reveals nothing by its duration: not whether an account exists, nor whether it is disabled, nor
 * whether only its second factor is missing. `CURFEW_TIMING_ROUNDS` is the minimum number of tries for each case.
 */
const least = Number(process.env['CURFEW_TIMING_ROUNDS'] ?? 60);
const bound = 0.1;

type Credentials = { username: string; email: string; password: string };

/** A way to sign in: the path, and the body that is sent. One line for each surface. */
const signIns: { name: string; path: string; body(credentials: Credentials): object; byKey?: true }[] = [
  { name: 'the native API', path: '/v1/login', body: ({ username, password }) => ({ username, password }) },
  { name: 'Rocket.Chat', path: '/api/v1/login', body: ({ username: user, password }) => ({ user, password }) },
  { name: 'Directus', path: '/auth/login', body: ({ email, password }) => ({ email, password }) },
  {
    name: 'Altogic',
    path: '/_api/rest/v1/auth/signin-email',
    body: ({ email, password }) => ({ email, password }),
    byKey: true,
  },
];

describe('no user enumeration by time', () => {
  for (const { name, path, body, byKey } of signIns) {
    test(`No enumeration: ${name}: unknown user, wrong password, disabled account and missing factor take the same time`, async (t) => {
      const server = await TestServer.start({
        CURFEW_LOGIN_ATTEMPTS: '1000000/1s',
        CURFEW_ADDRESS_ATTEMPTS: '1000000/1s',
      });
      t.after(() => server.close());
      await server.enrol((await server.login()).body.account.id);
      await server.createAccount('plain', { email: 'plain@example.com' });
      const { id } = await server.createAccount('disabled', { email: 'disabled@example.com' });
      await server.call('PATCH', `/v1/accounts/${id}`, { disabled: true });
      const headers = byKey ? { authorization: server.key, 'x-client-key': server.key } : {};
      const send = (username: string, password: string): Promise<Answer> => {
        const credentials = { username, email: `${username}@example.com`, password };
        return server.call('POST', path, body(credentials), { as: '', headers });
      };
      const told = ({ status, body: { instance: _id, ...body } }: Answer) => ({ status, body });
      const wrong = told(await send('plain', 'a wrong password'));
      assert.match(JSON.stringify(wrong.body), /invalid_credentials|unauthorized/i);
      const refused = (username: string, password: string) => async () => {
        assert.deepEqual(told(await send(username, password)), wrong);
      };
      const cases: Case[] = [
        { name: 'unknown user', attempt: refused('nobody', 'a wrong password') },
        { name: 'wrong password', attempt: refused('plain', 'a wrong password') },
        { name: 'disabled account', attempt: refused('disabled', 'disabled password') },
        {
          name: 'missing factor',
          async attempt() {
            const answer = await send('admin', adminPassword);
            assert.match(JSON.stringify(answer.body), /second_factor_required|totp-required|INVALID_OTP/);
          },
        },
      ];
      const result = await compare(cases, { least, most: 4 * least, bound });
      t.diagnostic(`${path}: ${result.rounds} tries each`);
      for (const { name: what, median, difference } of result.cases) {
        t.diagnostic(`  ${what}: ${median.toFixed(2)} ms, ${(100 * difference).toFixed(1)} % from what is usual`);
      }
      for (const { name: what, difference } of result.cases) {
        assert.ok(
          Math.abs(difference) <= bound,
          `${what} is recognizable by its time: ${(100 * difference).toFixed(1)} %`,
        );
      }
    });
  }
});
