import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { createCurfew, type Store } from 'curfew';
import { MemoryStore } from '../../examples/memory-store.ts';
import { temporaryFolder } from './harness.ts';

const secretKey = randomBytes(32);

test('the library works on a store of the program, and closes it', async () => {
  const store = new MemoryStore();
  const curfew = await createCurfew({ store, secretKey });
  const { session, token, refreshToken } = await curfew.createSession({ userId: 'ada', accessGroups: ['staff'] });
  assert.equal((await curfew.verify(token)).active, true);
  const renewed = await curfew.refresh(refreshToken);
  await curfew.changeAccessGroups('ada', { add: ['night'] });
  const verdict = await curfew.verify(renewed.token);
  assert.deepEqual(verdict.active && verdict.session.accessGroups, ['staff', 'night']);
  await curfew.endUserSession('ada', session.id);
  assert.equal((await curfew.verify(renewed.token)).active, false);
  assert.equal((await curfew.listEvents({})).events.length, 3);
  await curfew.close();
  await assert.rejects(store.readSession(session.id), { code: 'store_unavailable' });
});

test('a store that was used with another secret key is refused, and so is one without a key', async () => {
  const store = new MemoryStore();
  await store.keepKeyFingerprint('another');
  await assert.rejects(createCurfew({ store, secretKey }), { code: 'secret_key_differs' });
  await assert.rejects(createCurfew({ store: new MemoryStore() }), { code: 'config_invalid', message: /secretKey/ });
});

test('what is no store is refused, and the error names what it lacks', async () => {
  const { readSession: _, sweep: __, ...partial } = new MemoryStore();
  for (const [store, detail] of [
    [partial, /^[^:]+: store: .* it lacks .*readSession.*sweep/],
    [{}, /createSession/],
    [undefined, /createSession/],
    [null, /createSession/],
    [42, /createSession/],
  ] as const) {
    await assert.rejects(createCurfew({ store: store as unknown as Store, secretKey }), {
      code: 'config_invalid',
      message: detail,
    });
  }
  const folder = temporaryFolder();
  try {
    await (await createCurfew({ store: `lmdb:${folder.path}/data` })).close();
  } finally {
    folder.remove();
  }
});
