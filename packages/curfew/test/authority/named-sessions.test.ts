import assert from 'node:assert/strict';
import { test } from 'node:test';
import { library } from '../../src/authority/caller.ts';
import type { AuthorityContext } from '../../src/authority/context.ts';
import { type Authority, createAuthority } from '../../src/authority/index.ts';
import { KeyedQueue, mostWaiting } from '../../src/authority/keyed-queue.ts';
import { CurfewError } from '../../src/errors.ts';
import { compose } from '../../src/start/compose.ts';
import { temporaryStore } from '../support/store.ts';

type Context = { after(done: () => Promise<void>): void };

/** The use cases with a separate store for each test. */
async function open(t: Context): Promise<{ context: AuthorityContext; authority: Authority }> {
  const store = await temporaryStore();
  const { context, close } = await compose(store.settings);
  t.after(async () => {
    await close();
    await store.remove();
  });
  return { context, authority: createAuthority(context) };
}

/** Another server over the same store; no queue here orders its calls. */
const elsewhere = (context: AuthorityContext): Authority => createAuthority({ ...context, queue: new KeyedQueue() });

test('work on one subject is done in the order of the calls, whatever fails', async () => {
  const queue = new KeyedQueue();
  const order: string[] = [];
  const gate = Promise.withResolvers<void>();
  const first = queue.run('a', async () => {
    await gate.promise;
    order.push('first');
    throw new Error('failed');
  });
  const second = queue.run('a', async () => order.push('second'));
  await queue.run('b', async () => order.push('of another'));
  gate.resolve();
  await assert.rejects(first, /failed/);
  await second;
  assert.deepEqual(order, ['of another', 'first', 'second']);
});

test('calls on one named session are executed one after the other', async (t) => {
  const { context, authority } = await open(t);
  await authority.createNamedSession(library, { name: 'desk' });
  let [inside, most] = [0, 0];
  const { changeNamed } = context.store;
  context.store.changeNamed = async (change) => {
    inside += 1;
    most = Math.max(most, inside);
    const outcome = await changeNamed.call(context.store, change);
    inside -= 1;
    return outcome;
  };
  const calls = [1, 2, 3, 4].flatMap((color) => [
    authority.updateNamedSession(library, 'desk', { config: { color } }),
    authority.stopNamedSession(library, 'desk'),
    authority.startNamedSession(library, 'desk'),
  ]);
  await Promise.all(calls);
  assert.equal(most, 1);
  const named = await authority.getNamedSession('desk');
  assert.deepEqual([named.config, named.status], [{ color: 4 }, 'waiting'], 'the last call counts');
});

test('N3.12: an end of a named session waits for few calls of another caller, the rest of which are refused', async (t) => {
  const { context, authority } = await open(t);
  await authority.createNamedSession(library, { name: 'desk' });
  const { token } = await authority.createSession(library, { userId: 'ada', name: 'desk' });
  const { token: key } = await authority.createKey(library, { name: 'starts', scopes: ['sessions.create'] });
  const [starter, administrator] = [await authority.authenticate(key), library];
  const { readNamed } = context.store;
  const gate = Promise.withResolvers<void>();
  let calls = 0;
  context.store.readNamed = async (name) => {
    calls += 1;
    await gate.promise;
    return readNamed.call(context.store, name);
  };
  const flood = Array.from({ length: 10 * mostWaiting }, () => authority.startNamedSession(starter, 'desk'));
  const another = authority.updateNamedSession(administrator, 'desk', { config: { color: 'blue' } });
  const stop = authority.stopNamedSession(administrator, 'desk').then(() => calls);
  // Its other calls do not keep a caller from an end.
  const own = authority.logoutNamedSession(starter, 'desk');
  gate.resolve();
  const outcomes = await Promise.allSettled(flood);
  const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
  assert.equal(outcomes.length - refused.length, mostWaiting);
  for (const { code, facts } of refused) assert.deepEqual([code, facts.retryAfter], ['server_busy', 1]);
  await another;
  // Each call reads the slot a few times.
  assert.ok((await stop) <= 5 * (mostWaiting + 2), `the end waited for ${await stop} reads`);
  await own;
  assert.equal((await authority.verifySession(token)).active, false);
  assert.equal((await authority.startNamedSession(starter, 'desk')).named.status, 'waiting');
});

test('N3.12: who disables an account waits for few changes of its owner, the rest of which are refused', async (t) => {
  const { authority } = await open(t);
  const account = await authority.createAccount(library, { username: 'ada', password: 'correct horse battery' });
  const { token } = await authority.signIn({ login: { username: 'ada' }, password: 'correct horse battery' });
  const owner = await authority.authenticate(token);
  let changed = 0;
  const flood = Array.from({ length: 10 * mostWaiting }, async (_, i) => {
    await authority.updateAccount(owner, account.id, { name: `Ada ${i}` });
    changed += 1;
  });
  const settled = Promise.allSettled(flood);
  await authority.updateAccount(library, account.id, { disabled: true });
  assert.ok(changed <= mostWaiting + 1, `${changed} changes came first`);
  const codes = (await settled).map((outcome) => outcome.status === 'rejected' && outcome.reason.code);
  assert.ok(codes.filter((code) => code === 'server_busy').length >= flood.length - 2 * mostWaiting, String(codes));
  assert.equal((await authority.verifySession(token)).active, false);
});

test('servers that start and stop a named session at once agree: its session is valid only if it is started', async (t) => {
  const { context, authority } = await open(t);
  await authority.createNamedSession(library, { name: 'desk' });
  const { token } = await authority.createSession(library, { userId: 'ada', name: 'desk' });
  const other = elsewhere(context);
  for (let round = 0; round < 20; round++) {
    await Promise.all([authority.stopNamedSession(library, 'desk'), other.startNamedSession(library, 'desk')]);
    const { status } = await authority.getNamedSession('desk');
    const { active } = await authority.verifySession(token);
    assert.deepEqual([status, active], active ? ['working', true] : ['stopped', false]);
    const slot = await context.store.readNamed('desk' as never);
    assert.equal(slot?.started, active);
  }
});

test('a stop overtaken by another server’s start does not leave the session suspended', async (t) => {
  const { context, authority } = await open(t);
  await authority.createNamedSession(library, { name: 'desk' });
  const { token } = await authority.createSession(library, { userId: 'ada', name: 'desk' });
  const other = elsewhere(context);
  const { changeSession } = context.store;
  // The start comes between the stop's reading of the slot and its change of the session.
  context.store.changeSession = async (change) => {
    context.store.changeSession = changeSession;
    await other.startNamedSession(library, 'desk');
    return changeSession.call(context.store, change);
  };
  await authority.stopNamedSession(library, 'desk');
  assert.equal((await authority.verifySession(token)).active, true);
  assert.equal((await authority.getNamedSession('desk')).status, 'working');
});

test('a restart whose wait fails leaves the slot started, so a caller that may only end sessions can repeat it', async (t) => {
  const { context, authority } = await open(t);
  await authority.createNamedSession(library, { name: 'desk' });
  const { token } = await authority.createSession(library, { userId: 'ada', name: 'desk' });
  const { token: key } = await authority.createKey(library, { name: 'ends', scopes: ['sessions.end'] });
  const caller = await authority.authenticate(key);
  const wait = context.fence.awaitEverywhere.bind(context.fence);
  t.mock.method(context.fence, 'awaitEverywhere', async (...[sequence, how]: Parameters<typeof wait>) => {
    if (how === 'everywhere') throw new CurfewError('outcome_unknown');
    return wait(sequence, how);
  });
  await assert.rejects(authority.restartNamedSession(caller, 'desk'), { code: 'outcome_unknown' });
  t.mock.restoreAll();
  assert.equal((await authority.verifySession(token)).active, true);
  const { named, receipt } = await authority.restartNamedSession(caller, 'desk');
  assert.deepEqual([named.status, receipt?.everywhere], ['working', true]);
});

test('nobody signs in to a named session that is being removed', async (t) => {
  const { context, authority } = await open(t);
  await authority.createNamedSession(library, { name: 'desk' });
  const first = await authority.createSession(library, { userId: 'ada', name: 'desk' });
  const other = elsewhere(context);
  const { endSession } = context.store;
  let between: unknown;
  context.store.endSession = async (...rest) => {
    const outcome = await endSession.apply(context.store, rest);
    between = await other.createSession(library, { userId: 'eve', name: 'desk' }).catch((error) => error.code);
    return outcome;
  };
  await authority.removeNamedSession(library, 'desk');
  assert.equal(between, 'named_session_stopped');
  assert.equal((await authority.verifySession(first.token)).active, false);
  await assert.rejects(authority.getNamedSession('desk'), { code: 'named_session_not_found' });
});

test('a named session that another server starts while it is being removed takes the session opened in it along', async (t) => {
  const { context, authority } = await open(t);
  await authority.createNamedSession(library, { name: 'desk' });
  const first = await authority.createSession(library, { userId: 'ada', name: 'desk' });
  const other = elsewhere(context);
  const { fence } = context;
  const wait = fence.awaitEverywhere.bind(fence);
  let between: Promise<{ token: string }> | undefined;
  const signInAgain = async () => {
    await other.startNamedSession(library, 'desk');
    return other.createSession(library, { userId: 'eve', name: 'desk' });
  };
  // The removal waits until everybody knows that the first session has ended.
  t.mock.method(fence, 'awaitEverywhere', async (...rest: Parameters<typeof wait>) => {
    between ??= signInAgain();
    await between;
    return wait(...rest);
  });
  const { receipt } = await authority.removeNamedSession(library, 'desk');
  assert.equal(receipt?.everywhere, true);
  const tokens = [first.token, (await between!).token];
  for (const token of tokens) assert.equal((await authority.verifySession(token)).active, false);
  await assert.rejects(authority.getNamedSession('desk'), { code: 'named_session_not_found' });
});

test('a named session that another server has removed meanwhile is removed, and what has ended is told', async (t) => {
  const { context, authority } = await open(t);
  await authority.createNamedSession(library, { name: 'desk' });
  await authority.createSession(library, { userId: 'ada', name: 'desk' });
  const other = elsewhere(context);
  const remove = context.store.removeNamed.bind(context.store);
  t.mock.method(context.store, 'removeNamed', async (...rest: Parameters<typeof remove>) => {
    t.mock.reset();
    await other.startNamedSession(library, 'desk');
    const outcome = await remove(...rest);
    await other.removeNamedSession(library, 'desk');
    return outcome;
  });
  const { receipt } = await authority.removeNamedSession(library, 'desk');
  assert.equal(receipt?.everywhere, true);
  await assert.rejects(authority.removeNamedSession(library, 'desk'), { code: 'named_session_not_found' });
});

test('opening creates a slot, or configures a stopped one, and starts it', async (t) => {
  const { authority } = await open(t);
  const made = await authority.openNamedSession(library, { name: 'desk', config: { color: 'blue' } });
  assert.deepEqual([made.status, made.config], ['waiting', { color: 'blue' }]);
  const { token } = await authority.createSession(library, { userId: 'ada', name: 'desk' });
  await assert.rejects(authority.openNamedSession(library, { name: 'desk' }), { code: 'named_session_exists' });
  assert.deepEqual((await authority.getNamedSession('desk')).config, { color: 'blue' });
  await authority.stopNamedSession(library, 'desk');
  const again = await authority.openNamedSession(library, { name: 'desk', config: { color: 'red' } });
  assert.deepEqual([again.status, again.config], ['working', { color: 'red' }]);
  assert.equal((await authority.verifySession(token)).active, true);
});

test('no named session is found by an invalid name', async (t) => {
  const { authority } = await open(t);
  for (const name of ['', '.', '..', 'a/b', 'a b', '\0', 'аdmin', 'x'.repeat(101)]) {
    await assert.rejects(authority.getNamedSession(name), { code: 'named_session_not_found' });
    await assert.rejects(authority.stopNamedSession(library, name), { code: 'named_session_not_found' });
    await assert.rejects(authority.createNamedSession(library, { name }), { code: 'invalid_value' });
  }
});

test('signing in to a named session requires the permission to create sessions', async (t) => {
  const { authority } = await open(t);
  await authority.createNamedSession(library, { name: 'desk' });
  const password = 'correct horse battery';
  await authority.createAccount(library, { username: 'ada', password });
  await authority.createAccount(library, { username: 'grace', password, permissions: ['sessions.create'] });
  const signIn = (username: string, wrong = '') =>
    authority.signIn({ login: { username }, password: password + wrong, name: 'desk' });
  await assert.rejects(signIn('ada'), { code: 'permission_missing' });
  await assert.rejects(signIn('ada', '!'), { code: 'invalid_credentials' });
  assert.equal((await authority.getNamedSession('desk')).status, 'waiting');
  const { session } = await signIn('grace');
  const named = await authority.getNamedSession('desk');
  assert.deepEqual([named.status, named.session?.id], ['working', session.id]);
  await assert.rejects(signIn('grace'), { code: 'name_taken' });
});
