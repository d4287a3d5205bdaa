import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { makeKey } from '../../../../packages/curfew/src/authority/keys.ts';
import { random } from '../../../../packages/curfew/test/support/ports.ts';
import { clientFor, type ServerProcess, startProcess } from '../../../../packages/curfew/test/support/process.ts';
import { PostgresServer } from './server.ts';

describe('several servers on one PostgreSQL', () => {
  const key = makeKey(Date.now(), random);
  const password = 'correct horse battery';
  let server: PostgresServer;
  let nodes: ServerProcess[];
  before(async () => {
    server = await PostgresServer.start();
    const env = {
      CURFEW_STORE: await server.createDatabase(),
      CURFEW_SECRET_KEY: randomBytes(32).toString('hex'),
      CURFEW_API_KEY: key,
      CURFEW_ADMIN_PASSWORD: password,
      CURFEW_LOGIN_ATTEMPTS: '6/15m',
    };
    // At the same moment, on an empty database: one creates the schema and the first account.
    nodes = await Promise.all([startProcess(env), startProcess(env), startProcess(env)]);
  });
  after(async () => {
    for (const { child } of nodes) child.kill('SIGKILL');
    await server.dispose();
  });
  const clients = () => nodes.map((node) => clientFor(node, key));

  test('there is one first start; a session from one server is valid, and ends, at all', async () => {
    const [one, two, three] = clients();
    assert.equal((await two!.listAccounts({})).accounts.length, 1);
    const { token, refreshToken, session } = await one!.createSession({ userId: 'ada' });
    for (const client of clients()) assert.equal((await client.verifySession({ token })).active, true);
    const refreshed = await two!.refreshSession({ refreshToken });
    assert.equal((await three!.verifySession({ token: refreshed.token })).active, true);
    await three!.endSession({ id: session.id });
    for (const client of clients()) {
      assert.deepEqual(await client.verifySession({ token: refreshed.token }), {
        active: false,
        reason: 'ended_by_admin',
      });
    }
  });

  test('concurrent refreshes across servers get the same successor', async () => {
    const { refreshToken } = await clients()[0]!.createSession({ userId: 'ada' });
    const all = await Promise.all(
      [...clients(), ...clients()].map((client) => client.refreshSession({ refreshToken })),
    );
    assert.equal(new Set(all.map(({ token }) => token)).size, 1);
  });

  test('failed sign-ins count for all servers together', async () => {
    const codes: string[] = [];
    for (let i = 0; i < 8; i++) {
      const error = await clients()
        [i % 3]!.login({ username: 'nobody', password: 'wrong password' })
        .then(
          () => assert.fail(),
          (fault: { code: string }) => fault.code,
        );
      codes.push(error);
    }
    assert.deepEqual(codes, [...Array(6).fill('invalid_credentials'), ...Array(2).fill('too_many_attempts')]);
  });

  test('ending everyone’s sessions at one server ends them at all; the audit trail has it once', async () => {
    const opened = await Promise.all(
      Array.from({ length: 30 }, (_, i) => clients()[i % 3]!.createSession({ userId: `user ${i}` })),
    );
    const { ended } = await clients()[1]!.endEveryone({ confirm: 'everyone' });
    assert.ok(ended >= 30);
    for (const client of clients()) {
      for (const { token } of opened) assert.equal((await client.verifySession({ token })).active, false);
      const { events } = await client.listEvents({ type: 'everyone.ended' });
      assert.equal(events.length, 1);
    }
  });
});
