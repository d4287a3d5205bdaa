import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KnownKeys } from '../../src/authority/known-keys.ts';
import type { KeyId } from '../../src/domain/brand.ts';
import type { ApiKey } from '../../src/domain/key.ts';
import { Guests } from '../../src/fence/guests.ts';

const id = 'k1' as KeyId;

function keyOf(keyId: KeyId, revokedAt?: number): ApiKey {
  const name = `key ${keyId}`;
  return { id: keyId, name, hash: new Uint8Array(32), scopes: [], createdAt: 0, createdBy: 'library', revokedAt };
}

/** The test decides when and what the store answers, what the node hears, and whether its lease is valid. */
function fixture() {
  const guests = new Guests();
  const state = { leased: true, now: 0, asked: 0 };
  let answers: ((key: ApiKey | undefined) => void)[] = [];
  const keys = new KnownKeys(
    {
      readKey: () => {
        state.asked += 1;
        return new Promise((resolve) => {
          answers.push(resolve);
        });
      },
    },
    {
      get leased() {
        return state.leased;
      },
      watch: (credential, onTouch) => guests.add(credential, onTouch),
    },
    () => state.now,
  );
  const answer = async (key: ApiKey | undefined) => {
    for (const resolve of answers) resolve(key);
    answers = [];
    await new Promise(setImmediate);
  };
  return {
    state,
    keys,
    answer,
    hear: (keyId: KeyId) => guests.hear([{ sequence: 1, mark: 'm', at: 0, keyId }]),
    replaced: () => guests.hearAll(),
    /** Reads a key that the store has. */
    async read(keyId: KeyId = id) {
      const reading = keys.read(keyId);
      await answer(keyOf(keyId));
      return reading;
    },
  };
}

test('a key is read once, and then known', async () => {
  const { state, read } = fixture();
  for (const _ of [1, 2, 3]) assert.equal((await read())?.id, id);
  assert.equal(state.asked, 1);
});

test('R23: without a lease the store is asked', async () => {
  const { state, keys, read, answer } = fixture();
  await read();
  state.leased = false;
  const reading = keys.read(id);
  await answer(keyOf(id, 5));
  assert.equal((await reading)?.revokedAt, 5);
  assert.equal(state.asked, 2);
});

test('R23: after a change of the key, or of the whole log, the store is asked', async () => {
  const { state, hear, replaced, read } = fixture();
  await read();
  hear('another' as KeyId);
  await read();
  assert.equal(state.asked, 1);
  hear(id);
  await read();
  assert.equal(state.asked, 2);
  replaced();
  await read();
  await read();
  assert.equal(state.asked, 3);
});

test('R23: an answer is not remembered if the key changed while it was on its way', async () => {
  const { state, keys, hear, read, answer } = fixture();
  const reading = [keys.read(id), keys.read(id)];
  hear(id);
  await answer(keyOf(id));
  await Promise.all(reading);
  const again = keys.read(id);
  await answer(keyOf(id, 5));
  assert.equal((await again)?.revokedAt, 5);
  assert.equal(state.asked, 3);
  await read();
  assert.equal(state.asked, 4, 'a revoked key was remembered');
});

test('R23: of several questions at once, each one’s answer is forgotten with the change', async () => {
  const { state, keys, hear, answer, read } = fixture();
  const reading = [keys.read(id), keys.read(id)];
  await answer(keyOf(id));
  await Promise.all(reading);
  hear(id);
  await read();
  assert.equal(state.asked, 3);
});

test('a key that is not there is asked for again, and one that is known is read again after a minute', async () => {
  const { state, keys, answer, read } = fixture();
  const reading = keys.read(id);
  await answer(undefined);
  assert.equal(await reading, undefined);
  await read();
  assert.equal(state.asked, 2);
  state.now = 60_000;
  await read();
  assert.equal(state.asked, 3);
});

test('only a thousand keys are known at a time', async () => {
  const { state, read } = fixture();
  for (let i = 0; i <= 1000; i++) await read(`k${i}` as KeyId);
  assert.equal(state.asked, 1001);
  await read('k1000' as KeyId);
  assert.equal(state.asked, 1001);
  await read('k0' as KeyId);
  assert.equal(state.asked, 1002);
});
