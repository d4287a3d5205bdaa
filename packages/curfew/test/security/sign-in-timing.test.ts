import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Answer, adminPassword, TestServer } from '../support/server.ts';
import { type Case, compare } from './timing.ts';

/*
 * Whoever signs in in vain learns nothing by a watch: not whether an account is there, nor whether it is disabled, nor
 * that only its second factor is missing. `CURFEW_TIMING_ROUNDS` tries each case so many times at least.
 */
const least = Number(process.env['CURFEW_TIMING_ROUNDS'] ?? 60);
const bound = 0.1;

type Credentials = { username: string; password: string };

/** A way to sign in: what is sent, and what a refusal for wrong credentials is. One line for each surface. */
const signIns: { name: string; path: string; body(credentials: Credentials): object }[] = [
  { name: 'the native API', path: '/v1/login', body: (credentials) => credentials },
  { name: 'Rocket.Chat', path: '/api/v1/login', body: ({ username: user, password }) => ({ user, password }) },
];

describe('no user enumeration by time', () => {
  for (const { name, path, body } of signIns) {
    test(`${name}: unknown user, wrong password, disabled account and missing factor take equally long`, async (t) => {
      const server = await TestServer.start({
        CURFEW_LOGIN_ATTEMPTS: '1000000/1s',
        CURFEW_ADDRESS_ATTEMPTS: '1000000/1s',
      });
      t.after(() => server.close());
      await server.enrol((await server.login()).body.account.id);
      await server.createAccount('plain');
      const { id } = await server.createAccount('disabled');
      await server.call('PATCH', `/v1/accounts/${id}`, { disabled: true });
      const send = (username: string, password: string): Promise<Answer> =>
        server.call('POST', path, body({ username, password }), { as: '' });
      const wrong = await send('plain', 'a wrong password');
      const refused = (username: string, password: string) => async () => {
        const answer = await send(username, password);
        assert.deepEqual(
          [answer.status, answer.body.error, answer.body.code],
          [wrong.status, wrong.body.error, wrong.body.code],
        );
      };
      const cases: Case[] = [
        { name: 'unknown user', attempt: refused('nobody', 'a wrong password') },
        { name: 'wrong password', attempt: refused('plain', 'a wrong password') },
        { name: 'disabled account', attempt: refused('disabled', 'disabled password') },
        {
          name: 'missing factor',
          async attempt() {
            const answer = await send('admin', adminPassword);
            assert.ok([401, 403].includes(answer.status) && answer.body !== undefined);
            assert.match(JSON.stringify(answer.body), /second_factor_required|totp-required/);
          },
        },
      ];
      const result = await compare(cases, { least, most: 4 * least, bound });
      t.diagnostic(`${path}: ${result.rounds} tries each`);
      for (const { name: what, median, difference } of result.cases) {
        t.diagnostic(`  ${what}: ${median.toFixed(2)} ms, ${(100 * difference).toFixed(1)} % from what is usual`);
      }
      for (const { name: what, difference } of result.cases) {
        assert.ok(Math.abs(difference) <= bound, `${what} can be told by its time: ${(100 * difference).toFixed(1)} %`);
      }
    });
  }
});
