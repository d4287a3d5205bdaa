import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { day, minute } from '../../src/domain/limits.ts';
import { manualClock } from '../support/ports.ts';
import { TestServer } from '../support/server.ts';

type After = { after(done: () => Promise<void>): void };

async function start(t: After, env: Record<string, string> = {}) {
  const clock = manualClock(Date.UTC(2026, 5, 1));
  const server = await TestServer.start({ CURFEW_TRUST_PROXY: '127.0.0.1', ...env }, clock);
  t.after(() => server.close());
  /** Signs in from an address and returns the status. */
  const from = async (ip: string, by: object, password: string) => {
    const headers = { 'x-forwarded-for': ip };
    return (await server.call('POST', '/v1/login', { ...by, password }, { as: '', headers })).status;
  };
  const times = async <Result>(count: number, act: () => Promise<Result>): Promise<Result[]> => {
    const results: Result[] = [];
    for (let i = 0; i < count; i++) results.push(await act());
    return results;
  };
  return { clock, server, from, times };
}

describe('limits of guessing', () => {
  test('N4.1: strangers who use up the attempts of an account do not lock its owner out where they have signed in before', async (t) => {
    const { server, from, times } = await start(t);
    await server.createAccount('ada');
    const ada = { username: 'ada' };
    const [home, elsewhere, stranger] = ['198.51.100.1', '198.51.100.2', '203.0.113.9'];
    assert.equal(await from(home, ada, 'ada password'), 200);
    assert.deepEqual(new Set(await times(10, () => from(stranger, ada, 'wrong'))), new Set([401]));
    assert.deepEqual([await from(stranger, ada, 'wrong'), await from(elsewhere, ada, 'ada password')], [429, 429]);
    assert.equal(await from(home, ada, 'ada password'), 200);
    // The owner's success gives strangers no more tries, and the limit on the owner's device is the same.
    assert.equal(await from(stranger, ada, 'wrong'), 429);
    assert.deepEqual(new Set(await times(10, () => from(home, ada, 'wrong'))), new Set([401]));
    assert.equal(await from(home, ada, 'ada password'), 429);
  });

  test('N4.2: the user name and the address of an account share one bucket, in whatever form', async (t) => {
    const { server, from, times } = await start(t);
    await server.createAccount('ada', { email: 'ada@example.com' });
    const forms = [
      { username: 'ada' },
      { email: 'ada@example.com' },
      { username: ' ADA ' },
      { email: 'Ada@Example.com' },
    ];
    let i = 0;
    await times(10, () => from('203.0.113.9', forms[i++ % 4]!, 'wrong'));
    for (const form of forms) assert.equal(await from('203.0.113.9', form, 'ada password'), 429, JSON.stringify(form));
  });

  test('N4.3: IPv6 addresses count by their 64-bit network', async (t) => {
    const { from } = await start(t, { CURFEW_ADDRESS_ATTEMPTS: '5/15m', CURFEW_ROCKETCHAT_CALLS: '3/1m' });
    for (let i = 0; i < 5; i++) assert.equal(await from(`2001:db8:1:2:${i}::1`, { username: `n${i}` }, 'wrong'), 401);
    assert.equal(await from('2001:db8:1:2:ffff::9', { username: 'n' }, 'wrong'), 429);
    assert.equal(await from('2001:db8:1:3::1', { username: 'n' }, 'wrong'), 401);
    for (let i = 0; i < 5; i++) assert.equal(await from(`10.0.0.${i}`, { username: 'n' }, 'wrong'), 401);
  });

  test('Rocket.Chat’s calls count in the same way', async (t) => {
    const { server } = await start(t, { CURFEW_ROCKETCHAT_CALLS: '3/1m' });
    const login = async (ip: string) => {
      const headers = { 'x-forwarded-for': ip };
      return (await server.call('POST', '/api/v1/login', { user: 'x', password: 'y' }, { as: '', headers })).status;
    };
    for (let i = 0; i < 3; i++) assert.equal(await login(`2001:db8:1:2:${i}::1`), 401);
    assert.deepEqual([await login('2001:db8:1:2:f::1'), await login('2001:db8:1:3::1')], [429, 401]);
  });

  test('N4.4: correct sign-ins in parallel do not count as failures, and wrong ones in parallel do', async (t) => {
    const { server, from } = await start(t);
    await server.createAccount('ada');
    const all = (password: string) =>
      Promise.all(Array.from({ length: 25 }, () => from('198.51.100.1', { username: 'ada' }, password)));
    assert.deepEqual(new Set(await all('ada password')), new Set([200]));
    const wrong = await all('wrong');
    // Twice ten: ten for the account, and ten for its known device.
    assert.equal(wrong.filter((status) => status === 401).length, 20);
    assert.equal(await from('198.51.100.1', { username: 'ada' }, 'ada password'), 429);
  });

  test('N4.4: a correct password never counts, without the code of the second factor or with a wrong one', async (t) => {
    const { server, times } = await start(t, { CURFEW_LOGIN_ATTEMPTS: '3/15m' });
    const { id } = await server.createAccount('ada');
    const authenticator = await server.enrol(id);
    const signIn = async (password: string, code?: string) => (await server.login('ada', password, code)).body.code;
    assert.deepEqual(new Set(await times(5, () => signIn('ada password'))), new Set(['second_factor_required']));
    const wrong = () => signIn('ada password', authenticator.wrong());
    assert.deepEqual(new Set(await times(4, wrong)), new Set(['second_factor_invalid']));
    assert.equal(await signIn('ada password', authenticator.next()), undefined);
    // Wrong passwords do: three for the account, and three for its known device.
    await times(6, () => signIn('wrong', authenticator.wrong()));
    assert.equal(await signIn('ada password', authenticator.next()), 'too_many_attempts');
  });

  test('NIST 3.2.2, N4.5: no more than 100 second factors in a row may be wrong, even over days', async (t) => {
    const { clock, server } = await start(t);
    const { id } = await server.createAccount('ada');
    const authenticator = await server.enrol(id);
    const attempt = async (code: () => string) => {
      clock.advance(6 * minute);
      return (await server.login('ada', 'ada password', code())).body.code as string | undefined;
    };
    for (let i = 0; i < 100; i++)
      assert.equal(await attempt(() => authenticator.wrong()), 'second_factor_invalid', `${i}`);
    assert.equal(await attempt(() => authenticator.next()), 'too_many_attempts');
    clock.advance(day);
    assert.equal(await attempt(() => authenticator.backupCodes[0]!), 'too_many_attempts');
    // An administrator lets the user enrol another.
    assert.equal((await server.call('DELETE', `/v1/accounts/${id}/totp`)).status, 200);
    const other = await server.enrol(id);
    assert.equal(await attempt(() => other.wrong()), 'second_factor_invalid');
    assert.equal(await attempt(() => other.next()), undefined);
  });

  test('a correct code resets that count', async (t) => {
    const { clock, server } = await start(t, { CURFEW_FACTOR_FAILURES: '3/30d' });
    const { id } = await server.createAccount('ada');
    const authenticator = await server.enrol(id);
    const attempt = async (code: () => string) => {
      clock.advance(6 * minute);
      return (await server.login('ada', 'ada password', code())).status;
    };
    const [wrong, right] = [() => authenticator.wrong(), () => authenticator.next()];
    for (let i = 0; i < 2; i++) {
      assert.deepEqual([await attempt(wrong), await attempt(wrong), await attempt(right)], [403, 403, 200]);
    }
  });
});
