import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { deleteAccount, updateAccount } from '../../src/authority/accounts.ts';
import { authenticate } from '../../src/authority/authenticate.ts';
import { type Caller, library } from '../../src/authority/caller.ts';
import type { AuthorityContext } from '../../src/authority/context.ts';
import { removeTotp, startTotp } from '../../src/authority/factors.ts';
import { KeyedQueue } from '../../src/authority/keyed-queue.ts';
import { createKey, revokeKey } from '../../src/authority/keys.ts';
import { createNamedSession, getNamedSession, updateNamedSession } from '../../src/authority/named-sessions.ts';
import { keepSessionData } from '../../src/authority/session-data.ts';
import { aliasOf } from '../../src/domain/alias.ts';
import type { AccountId } from '../../src/domain/brand.ts';
import type { Permission } from '../../src/domain/permissions.ts';
import type { Store } from '../../src/stores/contract.ts';
import { TestServer } from '../support/server.ts';

/** A server, and the same context with a store in which something happens right before the first call of an operation. */
async function fixture(t: TestContext) {
  const server = await TestServer.start();
  t.after(() => server.close());
  const { context } = server;
  return {
    server,
    context,
    before(operation: keyof Store, happens: () => Promise<unknown>): AuthorityContext {
      const store = Object.create(context.store) as Store;
      let first = true;
      const call = context.store[operation] as (...given: unknown[]) => Promise<unknown>;
      Object.assign(store, {
        async [operation](...given: unknown[]) {
          if (first) {
            first = false;
            await happens();
          }
          return call.apply(context.store, given);
        },
      });
      // As if on another server, so nothing waits for its turn behind the call.
      return { ...context, store, queue: new KeyedQueue() };
    },
    async member(username: string): Promise<{ id: AccountId; caller: Caller }> {
      const { id } = await server.createAccount(username, { roles: ['member'] });
      const { body } = await server.login(username, `${username} password`);
      return { id, caller: await authenticate(context, body.token) };
    },
    async key(...scopes: Permission[]): Promise<{ id: string; caller: Caller }> {
      const { key, token } = await createKey(context, library, { name: 'test', scopes });
      return { id: key.id, caller: await authenticate(context, token) };
    },
  };
}

test('N1.7: an account that is disabled while its owner changes it stays disabled', async (t) => {
  const { server, context, before, member } = await fixture(t);
  const { id, caller } = await member('mallory');
  const meanwhile = before('changeAccount', () => updateAccount(context, library, id, { disabled: true }));
  await assert.rejects(updateAccount(meanwhile, caller, id, { disabled: false }), { code: 'session_ended' });
  assert.equal((await server.login('mallory', 'mallory password')).status, 401);
});

test('N1.7: an account that was disabled is not changed by its owner, although the ends of the sessions are not visible yet', async (t) => {
  const { context, member } = await fixture(t);
  const { id, caller } = await member('mallory');
  const { account } = await context.store.readUser(id);
  const store = Object.create(context.store) as Store;
  store.readUser = async (userId) => ({
    ...(await context.store.readUser(userId)),
    account: { ...account!, disabled: true },
  });
  await assert.rejects(updateAccount({ ...context, store }, caller, id, { disabled: false }), {
    code: 'session_ended',
  });
});

test('N1.7: roles that were taken away while a change is under way cannot be taken back by it', async (t) => {
  const { context, before, member } = await fixture(t);
  const { id, caller } = await member('mallory');
  await updateAccount(context, library, id, { roles: ['admin'] });
  const admin = { ...caller, ...(await context.store.readUser(id)) } as Caller;
  const meanwhile = before('changeAccount', () => updateAccount(context, library, id, { roles: ['member'] }));
  await assert.rejects(updateAccount(meanwhile, admin, id, { roles: ['admin'] }), { code: 'permission_missing' });
  assert.deepEqual((await context.store.readUser(id)).account!.roles, ['member']);
});

test('N1.7: a key that is revoked while a change conflicts does not make it', async (t) => {
  const { context, before, member, key } = await fixture(t);
  const { id } = await member('bob');
  const { id: keyId, caller } = await key('accounts.manage', 'sessions.create', 'sessions.read', 'sessions.end');
  const meanwhile = before('changeAccount', async () => {
    await revokeKey(context, library, keyId);
    await updateAccount(context, library, id, { name: 'Bob' });
  });
  await assert.rejects(updateAccount(meanwhile, caller, id, { name: 'Robert' }), { code: 'key_revoked' });
  assert.equal((await context.store.readUser(id)).account!.name, 'Bob');

  const second = await key('sessions.create');
  const alias = aliasOf({ alias: { kind: 'express', secret: 'the secret of a cookie' } });
  await keepSessionData(context, library, { alias, userId: 'carol', data: '{"a":1}' });
  const then = before('changeSession', async () => {
    await revokeKey(context, library, second.id);
    await keepSessionData(context, library, { alias, userId: 'carol', data: '{"a":2}' });
  });
  await assert.rejects(keepSessionData(then, second.caller, { alias, userId: 'carol', data: '{"a":3}' }), {
    code: 'key_revoked',
  });
  const { sessions } = await context.store.listSessions({ filter: {}, limit: 10, now: 0, budget: 1000 });
  assert.deepEqual(
    sessions.filter(({ stored }) => stored.userId === 'carol').map(({ stored }) => stored.data),
    ['{"a":2}'],
  );
});

test('N1.7: a password that was proven proves nothing once it is another one', async (t) => {
  const { server, context, before, member } = await fixture(t);
  const { id, caller } = await member('mallory');
  const meanwhile = before('changeAccount', () =>
    updateAccount(
      context,
      library,
      id,
      { password: 'the password of the owner', roles: ['member'] },
      { keepSession: sessionOf(caller) },
    ),
  );
  const stolen = { password: 'the password of a thief' };
  const proof = { currentPassword: 'mallory password' };
  await assert.rejects(updateAccount(meanwhile, caller, id, stolen, proof), { code: 'changed_meanwhile' });
  assert.equal((await server.login('mallory', 'the password of the owner')).status, 200);
});

test('N5.6: a factor that is removed meanwhile opens no way to enrol another without the password', async (t) => {
  const { server, context, before, member } = await fixture(t);
  const { id, caller } = await member('owner');
  await server.enrol(id);
  const meanwhile = before('changeAccount', () => removeTotp(context, library, id));
  await assert.rejects(startTotp(meanwhile, caller, id), { code: 'factor_already_enrolled' });
  const read = before('readUser', () => removeTotp(context, library, id));
  await assert.rejects(startTotp(read, caller, id), { code: 'missing_field' });
});

test('N2.8: a call that waits for its turn on a name is refused if its key is revoked meanwhile', async (t) => {
  const { context, key } = await fixture(t);
  const { id, caller } = await key('sessions.create', 'sessions.read');
  await createNamedSession(context, library, { name: 'desk', config: { a: 1 } });
  let open = () => {};
  void context.queue.run('desk', () => new Promise<void>((resolve) => (open = resolve)));
  const waiting = updateNamedSession(context, caller, 'desk', { config: { a: 2 } });
  await revokeKey(context, library, id);
  open();
  await assert.rejects(waiting, { code: 'key_revoked' });
  assert.deepEqual((await getNamedSession(context, 'desk')).config, { a: 1 });
});

function sessionOf(caller: Caller): string | undefined {
  return caller.kind === 'person' ? caller.session.id : undefined;
}

test('N2.8: a change of an account that waits for its turn is refused if its key is revoked meanwhile', async (t) => {
  const { context, member, key } = await fixture(t);
  const { id } = await member('bob');
  const { id: keyId, caller } = await key('accounts.manage', 'sessions.create', 'sessions.read', 'sessions.end');
  let open = () => {};
  void context.queue.run(`account ${id}`, () => new Promise<void>((resolve) => (open = resolve)));
  const waiting = deleteAccount(context, caller, id);
  await revokeKey(context, library, keyId);
  open();
  await assert.rejects(waiting, { code: 'key_revoked' });
  assert.ok((await context.store.readUser(id)).account);
});
