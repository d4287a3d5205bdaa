import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { library } from '../../src/authority/caller.ts';
import { createAuthority } from '../../src/authority/index.ts';
import { callers, rows } from '../../src/dialects/permission-table.ts';
import { permissions } from '../../src/domain/permissions.ts';
import { TestServer } from '../support/server.ts';
import { createSubjects } from '../support/subjects.ts';

/*
 * A client can delay a request by sending its body as slowly as it wants. A key or session that ends before the last
 * byte arrives is refused for that request too.
 */
describe('a request whose caller loses access before its body has arrived', () => {
  let server: TestServer;
  before(async () => {
    server = await TestServer.start({ CURFEW_ADDRESS_ATTEMPTS: '1000000/1s' });
    server.running.app.server.setMaxListeners(0);
  });
  after(() => server.close());

  /** Longer than it takes to begin with a request that arrives whole. */
  const longer = 150;

  type Held = { finish(): Promise<number> };

  /** Sends a request without the last byte of its body; resolves when the server has begun with it. */
  async function hold(call: string, headers: Record<string, string>): Promise<Held> {
    const [method, path] = call.split(' ') as [string, string];
    const began = new Promise<void>((resolve) => {
      server.running.app.server.on('request', function seen({ url }) {
        if (url !== path) return;
        server.running.app.server.off('request', seen);
        resolve();
      });
    });
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
    let answer = '';
    socket.setEncoding('utf8').on('data', (text) => {
      answer += text;
    });
    const given = Object.entries({ 'content-type': 'application/json', ...headers });
    const lines = [`${method} ${path} HTTP/1.1`, 'host: x', 'connection: close', 'content-length: 2'];
    socket.write(`${[...lines, ...given.map(([name, value]) => `${name}: ${value}`)].join('\r\n')}\r\n\r\n{`);
    await began;
    return {
      async finish() {
        socket.write('}');
        if (!socket.closed) await once(socket, 'close');
        return Number(answer.split(' ', 2)[1]);
      },
    };
  }

  /** The paths of different calls differ, so that each knows when its own has begun. */
  const concrete = (call: string, i: number) => `${call.replace(/:\w+/g, 'x')}?held=${i}`;
  const withBody = rows.filter(({ call, operation, dialect }) =>
    operation
      ? operation.access !== 'open' && !operation.deadCookie
      : dialect!.credential !== 'none' && /^(POST|PUT|PATCH) /.test(call),
  );
  const surfaces = (...wanted: string[]) => withBody.filter(({ surface }) => wanted.includes(surface));

  async function refusedOnceEnded(
    held: Promise<Held>[],
    end: () => Promise<{ body: { receipt?: { everywhere: boolean } } }>,
  ) {
    const all = await Promise.all(held);
    assert.ok(all.length > 3);
    await setTimeout(longer);
    const { body } = await end();
    assert.equal(body.receipt?.everywhere, true);
    return Promise.all(all.map(({ finish }) => finish()));
  }

  test('N2.8, 7.4.1: with a key, when the key is revoked', async () => {
    const made = await server.call('POST', '/v1/keys', { name: 'held', scopes: permissions });
    const { token, key } = made.body;
    const calls = surfaces('native', 'waha').filter(({ call }) => !call.startsWith('WebSocket'));
    const held = calls.map(({ call, surface }, i) =>
      hold(
        concrete(call, i),
        surface === 'waha' ? { 'x-api-key': token } : { authorization: `Bearer ${token}`, accept: 'application/json' },
      ),
    );
    const statuses = await refusedOnceEnded(held, () => server.call('DELETE', `/v1/keys/${key.id}`));
    assert.deepEqual(
      calls.flatMap(({ call }, i) =>
        statuses[i] === 401 || call.startsWith('GET') ? [] : [`${call}: ${statuses[i]}`],
      ),
      [],
    );
  });

  test('N2.8, 7.4.1: with a session, when the session ends, on each system', async () => {
    const admin = callers.find(({ name }) => name === 'admin')!;
    const { token, own } = await createSubjects(server).callerOf(admin);
    const calls = surfaces('native', 'rocketchat', 'directus', 'altogic').filter(
      ({ call }) => !call.startsWith('WebSocket'),
    );
    const headers: Record<string, Record<string, string>> = {
      native: { authorization: `Bearer ${token}`, accept: 'application/json' },
      rocketchat: { 'x-user-id': own!, 'x-auth-token': token },
      directus: { authorization: `Bearer ${token}` },
      altogic: { 'x-client-key': server.key, session: token },
    };
    const held = calls
      .map(({ call, surface, dialect }, i) => ({ call: concrete(call, i), with: headers[surface]!, dialect }))
      .map((one) => hold(one.call, one.with));
    const end = () => server.call('DELETE', `/v1/users/${own}/sessions`);
    const statuses = await refusedOnceEnded(held, end);
    assert.deepEqual(
      calls.flatMap(({ call, dialect }, i) =>
        statuses[i] === 401 || call.startsWith('GET') || dialect?.credential === 'key'
          ? []
          : [`${call}: ${statuses[i]}`],
      ),
      [],
    );
  });

  test('N2.8: an operation that waits for a password hash is refused if its caller loses access meanwhile', async () => {
    const authority = createAuthority(server.context);
    const { token, key } = await authority.createKey(library, { name: 'queued', scopes: permissions });
    const { passwords } = server.context;
    let hashed = () => {};
    const waits = new Promise<void>((resolve) => {
      hashed = resolve;
    });
    let asked = () => {};
    const isAsked = new Promise<void>((resolve) => {
      asked = resolve;
    });
    server.context.passwords = Object.assign(Object.create(passwords), {
      async hash(password: string) {
        asked();
        await waits;
        return passwords.hash(password);
      },
    });
    const making = authority.createAccount(await authority.authenticate(token), {
      username: 'late',
      password: 'a long enough password',
      roles: ['admin'],
    });
    await isAsked;
    await authority.revokeKey(library, key.id);
    hashed();
    await assert.rejects(making, { code: 'key_revoked' });
    assert.equal(await server.context.store.findAccount({ username: 'late' }), undefined);
    server.context.passwords = passwords;
  });
});
