import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createVerifier } from 'curfew-client/verifier';

const url = 'http://127.0.0.1:2873';

test('a verifier without a key says so at once', () => {
  for (const key of [undefined, '']) {
    assert.throws(() => createVerifier({ url, key: key as string }), {
      code: 'key_missing',
      remedy: /fence\.attach/,
    });
  }
});

test('a runtime without a WebSocket is named', () => {
  const { WebSocket: present } = globalThis;
  Reflect.deleteProperty(globalThis, 'WebSocket');
  try {
    assert.throws(() => createVerifier({ url, key: 'cfk_…' }), /has no WebSocket/);
  } finally {
    globalThis.WebSocket = present;
  }
});
