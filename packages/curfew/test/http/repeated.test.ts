import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { CurfewError } from '../../src/errors.ts';
import type { Store } from '../../src/stores/contract.ts';
import { type Answer, TestServer } from '../support/server.ts';

const page = readFileSync(new URL('../../../../docs/errors.md', import.meta.url), 'utf8');

/** What the page says of requests whose row begins with this, without the formatting. */
function documented(row: string): string {
  const found = page.split('\n').find((line) => line.startsWith(`| ${row}`));
  assert.ok(found, `no row of the page begins with ${row}`);
  return found;
}

describe('a request that is repeated after outcome_unknown does what docs/errors.md says', () => {
  let server: TestServer;
  before(async () => {
    server = await TestServer.start();
  });
  after(() => server.close());

  /** A request that is carried out, but whose answer is lost between the store and the server; then the same again. */
  async function twice(operation: keyof Store, send: () => Promise<Answer>): Promise<Answer> {
    const { store } = server.context;
    const real = store[operation] as (...rest: unknown[]) => Promise<unknown>;
    const losing = async (...rest: unknown[]) => {
      await real.apply(store, rest);
      throw new CurfewError('outcome_unknown');
    };
    Object.assign(store, { [operation]: losing });
    const first = await send().finally(() => Object.assign(store, { [operation]: real }));
    assert.deepEqual([first.status, first.body.code], [503, 'outcome_unknown']);
    return send();
  }

  test('an end happens once', async () => {
    const { session } = await server.createSession('ada');
    const { body } = await twice('endSession', () => server.call('DELETE', `/v1/sessions/${session.id}`));
    assert.equal(body.receipt.everywhere, true);
    const { events } = (await server.call('GET', `/v1/events?session=${session.id}&type=session.ended`)).body;
    assert.equal(events.length, 1);
    assert.match(documented('ending sessions'), /nothing more/);
  });

  test('a session and a key are made again', async () => {
    assert.equal(
      (await twice('createSession', () => server.call('POST', '/v1/sessions', { userId: 'bob' }))).status,
      201,
    );
    assert.equal((await server.call('GET', '/v1/sessions?user=bob')).body.sessions.length, 2);
    assert.match(documented('signing in, `POST /v1/sessions`'), /opens another session/);
    const key = { name: 'twice', scopes: ['sessions.read'] };
    assert.equal((await twice('createKey', () => server.call('POST', '/v1/keys', key))).status, 201);
    const { keys } = (await server.call('GET', '/v1/keys')).body as { keys: { name: string }[] };
    assert.equal(keys.filter(({ name }) => name === 'twice').length, 2);
    assert.match(documented('`POST /v1/keys`'), /makes another key/);
  });

  test('what has a name is there already', async () => {
    const account = { username: 'carol', password: 'long enough' };
    const slot = { name: 'desk' };
    const named = { userId: 'carol', name: 'door' };
    const codes = [
      await twice('createAccount', () => server.call('POST', '/v1/accounts', account)),
      await twice('createNamed', () => server.call('POST', '/v1/named-sessions', slot)),
      await twice('createSession', () => server.call('POST', '/v1/sessions', named)),
    ].map(({ body }) => body.code);
    assert.deepEqual(codes, ['username_taken', 'named_session_exists', 'name_taken']);
    for (const code of codes) assert.ok(page.slice(page.indexOf('## Repeating')).includes(`\`${code}\``), code);
  });

  test('a removal finds nothing', async () => {
    const { id } = await server.createAccount('dan');
    const gone = await twice('deleteAccount', () => server.call('DELETE', `/v1/accounts/${id}`));
    assert.equal(gone.body.code, 'account_not_found');
    assert.match(documented('removing an account'), /account_not_found/);
  });
});
