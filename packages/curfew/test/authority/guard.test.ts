import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Caller, library } from '../../src/authority/caller.ts';
import { type Authority, createAuthority } from '../../src/authority/index.ts';
import { permissions, type Role } from '../../src/domain/permissions.ts';
import { compose } from '../../src/start/compose.ts';
import { temporaryStore } from '../support/store.ts';

const password = 'correct horse battery';

/** The use cases with a separate store for each test, and with the accounts that the test names. */
async function open(t: { after(done: () => Promise<void>): void }) {
  const store = await temporaryStore();
  const { context, close } = await compose(store.settings);
  t.after(async () => {
    await close();
    await store.remove();
  });
  const authority = createAuthority(context);
  const made = (username: string, roles: Role[]) => authority.createAccount(library, { username, password, roles });
  const signedIn = async (username: string) =>
    authority.authenticateSession((await authority.signIn({ login: { username }, password })).token);
  return { context, authority, made, signedIn };
}

const keyWith = (...scopes: (typeof permissions)[number][]): Caller => ({
  kind: 'key',
  key: {} as Extract<Caller, { kind: 'key' }>['key'],
  granted: new Set(scopes),
});

/** One that the store knows: work that waits for its turn confirms its caller. */
async function storedKey(authority: Authority, ...scopes: (typeof permissions)[number][]): Promise<Caller> {
  return authority.authenticateKey((await authority.createKey(library, { name: 'test', scopes })).token);
}

describe('a caller with fewer permissions than the target cannot write to it', () => {
  /** Every write to an account. */
  const writes: Record<string, (authority: Authority, caller: Caller, id: string) => Promise<unknown>> = {
    'its password': (authority, caller, id) => authority.updateAccount(caller, id, { password: 'taken over' }),
    'its address': (authority, caller, id) => authority.updateAccount(caller, id, { email: 'eve@example.com' }),
    'its address, confirmed': (authority, caller, id) => authority.confirmEmail(caller, id, 'boss@example.com'),
    'its name': (authority, caller, id) => authority.updateAccount(caller, id, { username: 'eve' }),
    'its roles': (authority, caller, id) => authority.updateAccount(caller, id, { roles: ['member'] }),
    'its permissions': (authority, caller, id) => authority.updateAccount(caller, id, { permissions: [] }),
    'its state': (authority, caller, id) => authority.updateAccount(caller, id, { disabled: true }),
    'a new factor': (authority, caller, id) => authority.startTotp(caller, id),
    'a confirmed factor': (authority, caller, id) => authority.confirmTotp(caller, id, { code: '000000' }),
    'no factor': (authority, caller, id) => authority.removeTotp(caller, id),
    'its backup codes': (authority, caller, id) => authority.renewBackupCodes(caller, id),
    'its existence': (authority, caller, id) => authority.deleteAccount(caller, id),
    'the access groups of its sessions': (authority, caller, id) =>
      authority.changeAccessGroups(caller, id, { add: ['staff'] }),
  };
  const allButOne = permissions.filter((permission) => permission !== 'events.read');

  for (const [what, write] of Object.entries(writes)) {
    test(`N1.2: a caller with fewer permissions cannot change an account that has more: ${what}`, async (t) => {
      const { context, authority, made } = await open(t);
      await made('other', ['admin']);
      const { id } = await made('boss', ['admin']);
      const before = await context.store.readUser(id);
      const { sequence } = await context.store.logHead();
      for (const scopes of [['accounts.manage', 'groups.change'], allButOne] as const) {
        const caller = await storedKey(authority, ...scopes);
        await assert.rejects(write(authority, caller, id), (error: Error) => {
          assert.match(error.message, /events\.read/);
          return (error as Error & { code: string }).code === 'permission_missing';
        });
      }
      assert.deepEqual(await context.store.readUser(id), before);
      assert.equal((await context.store.logHead()).sequence, sequence);
    });
  }

  test('an operation that requires accounts.manage requires it in the use case too, on every surface', async (t) => {
    const { authority, made, signedIn } = await open(t);
    const { id } = await made('ada', ['member']);
    await made('help', ['support']);
    const key = await storedKey(authority, 'sessions.create', 'keys.manage', 'groups.change');
    const others = [key, await signedIn('help')];
    for (const [what, write] of Object.entries(writes).filter(([name]) => !name.includes('groups'))) {
      for (const caller of others) {
        await assert.rejects(write(authority, caller, id), { code: 'permission_missing' }, what);
      }
    }
    const own = await signedIn('ada');
    const renamed = await authority.updateAccount(own, id, { name: 'Ada' });
    assert.equal(renamed.account.name, 'Ada');
    await assert.rejects(authority.updateAccount(own, id, { roles: ['support'] }), { code: 'permission_missing' });
  });

  test('N1.3: a key can be created and revoked only by a caller that has its permissions', async (t) => {
    const { authority } = await open(t);
    const root = await authority.createKey(library, { name: 'root', scopes: permissions });
    const reader = await authority.createKey(library, { name: 'reader', scopes: ['sessions.read'] });
    const manager = keyWith('keys.manage', 'sessions.read');
    await assert.rejects(authority.revokeKey(manager, root.key.id), { code: 'permission_missing' });
    assert.equal((await authority.getKey(root.key.id)).revokedAt, undefined);
    await assert.rejects(authority.revokeKey(keyWith('sessions.read'), reader.key.id), { code: 'permission_missing' });
    await assert.rejects(authority.createKey(manager, { name: 'x', scopes: ['sessions.end'] }), {
      code: 'permission_missing',
    });
    assert.ok((await authority.revokeKey(manager, reader.key.id)).key.revokedAt);
    assert.ok((await authority.revokeKey(await authority.authenticateKey(root.token), root.key.id)).key.revokedAt);
  });

  test('a named session with an account signed in can be set and started only by a caller with its permissions, and ended by any caller that may end sessions', async (t) => {
    const { authority, made, signedIn } = await open(t);
    await made('boss', ['admin']);
    await authority.createNamedSession(library, { name: 'desk' });
    await authority.signIn({ login: { username: 'boss' }, password, name: 'desk' });
    const operator = await storedKey(authority, 'sessions.create', 'sessions.end', 'sessions.read');
    await authority.stopNamedSession(operator, 'desk');
    const refused = { code: 'permission_missing' };
    await assert.rejects(authority.updateNamedSession(operator, 'desk', { config: { color: 'red' } }), refused);
    await assert.rejects(authority.openNamedSession(operator, { name: 'desk' }), refused);
    await assert.rejects(authority.startNamedSession(operator, 'desk'), refused);
    const boss = await signedIn('boss');
    await authority.startNamedSession(boss, 'desk');
    await assert.rejects(authority.restartNamedSession(operator, 'desk'), refused);
    assert.equal((await authority.getNamedSession('desk')).status, 'working', 'a refused restart has stopped it');
    await authority.logoutNamedSession(operator, 'desk');
    await authority.updateNamedSession(operator, 'desk', { config: { color: 'red' } });
    // One that somebody else opened for the account has none of its permissions.
    const { id } = await authority.getAccount(boss.session.userId);
    await authority.createSession(operator, { userId: id, name: 'desk' });
    await authority.restartNamedSession(operator, 'desk');
    await authority.removeNamedSession(operator, 'desk');
  });
});

test('a stopped named session is started only by a caller that may start it, by a restart too', async (t) => {
  const { authority } = await open(t);
  await authority.createNamedSession(library, { name: 'desk' });
  const { token } = await authority.createSession(library, { userId: 'ada', name: 'desk' });
  const ending = await storedKey(authority, 'sessions.end');
  assert.equal((await authority.restartNamedSession(ending, 'desk')).named.status, 'working');
  await authority.stopNamedSession(ending, 'desk');
  await assert.rejects(authority.restartNamedSession(ending, 'desk'), { code: 'permission_missing' });
  assert.equal((await authority.getNamedSession('desk')).status, 'stopped');
  assert.equal((await authority.verifySession(token)).active, false);
  const both = await storedKey(authority, 'sessions.end', 'sessions.create');
  assert.equal((await authority.restartNamedSession(both, 'desk')).named.status, 'working');
  assert.equal((await authority.verifySession(token)).active, true);
});

describe('the last administrator', () => {
  const takes: Record<string, (authority: Authority, caller: Caller, id: string) => Promise<unknown>> = {
    demoted: (authority, caller, id) => authority.updateAccount(caller, id, { roles: ['support'] }),
    disabled: (authority, caller, id) => authority.updateAccount(caller, id, { disabled: true }),
    deleted: (authority, caller, id) => authority.deleteAccount(caller, id),
    'given another user name': (authority, caller, id) => authority.updateAccount(caller, id, { username: 'eve' }),
  };

  for (const [what, take] of Object.entries(takes)) {
    test(`N1.4: the last administrator cannot be ${what} by anybody, but the last but one can`, async (t) => {
      const { authority, made, signedIn } = await open(t);
      // Every permission of an administrator, and yet not one: a later version may add a permission.
      await authority.createAccount(library, { username: 'almost', password, permissions });
      const { id } = await made('boss', ['admin']);
      const own = await signedIn('boss');
      for (const caller of [library, own]) {
        await assert.rejects(take(authority, caller, id), { code: 'last_administrator' });
      }
      assert.deepEqual((await authority.getAccount(id)).username, 'boss');
      await assert.rejects(made('boss', ['member']), { code: 'username_taken' });
      await authority.updateAccount(
        own,
        id,
        { name: 'The boss', email: 'boss@example.com' },
        { currentPassword: password },
      );
      const second = await made('second', ['admin']);
      await authority.updateAccount(library, second.id, { disabled: true });
      await assert.rejects(take(authority, own, id), { code: 'last_administrator' }, 'a disabled one does not count');
      await authority.updateAccount(library, second.id, { disabled: false });
      await take(authority, own, id);
    });

    test(`N1.4: the last administrator is not ${what} if two do it to each other at the same moment`, async (t) => {
      const { context, authority, made, signedIn } = await open(t);
      const [one, other] = [await made('one', ['admin']), await made('other', ['admin'])];
      const callers = [await signedIn('one'), await signedIn('other')] as const;
      // Both have seen the other as an administrator before either writes.
      const { changeAccount, deleteAccount } = context.store;
      const both = Promise.withResolvers<void>();
      let waiting = 0;
      const together = async () => {
        waiting += 1;
        if (waiting === 2) both.resolve();
        await both.promise;
      };
      context.store.changeAccount = async (change) => together().then(() => changeAccount.call(context.store, change));
      context.store.deleteAccount = async (change) => together().then(() => deleteAccount.call(context.store, change));
      const outcomes = await Promise.allSettled([
        take(authority, callers[0], other.id),
        take(authority, callers[1], one.id),
      ]);
      assert.deepEqual(outcomes.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
      const { accounts } = await authority.listAccounts();
      const left = accounts.filter(({ roles, disabled, username }) => {
        return roles.includes('admin') && !disabled && ['one', 'other'].includes(username);
      });
      assert.equal(left.length, 1);
    });
  }
});
