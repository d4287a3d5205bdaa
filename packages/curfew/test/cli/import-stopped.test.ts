import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { day } from '../../src/domain/limits.ts';
import { CurfewError } from '../../src/errors.ts';
import { importSessions } from '../../src/import-sessions.ts';
import type { Found, Source } from '../../src/sources/index.ts';
import type { Store } from '../../src/stores/contract.ts';
import { random } from '../support/ports.ts';

/** A source with this many pieces of ten sessions each. */
function sourceOf(pieces: number): Source {
  const session = (id: string): Found => ({ hash: id, json: { id }, data: {}, expiresAt: undefined });
  return {
    shown: 'elsewhere',
    about: pieces * 10,
    passedOver: 0,
    notes: [],
    async *pieces() {
      for (let piece = 0; piece < pieces; piece++)
        yield Array.from({ length: 10 }, (_, at) => session(`${piece}-${at}`));
    },
    async close() {},
  };
}

for (const pieces of [1, 6]) {
  test(`an import of ${pieces} piece${pieces === 1 ? '' : 's'} that has failed makes no call to the store any more`, async () => {
    let running = 0;
    let begun = 0;
    const createSession = async () => {
      begun += 1;
      if (begun === 1) throw new CurfewError('store_unavailable', { detail: 'The first.' });
      running += 1;
      // Those of the first piece are the last to end.
      await setTimeout(begun <= 10 ? 100 : 50);
      running -= 1;
      return { kind: 'created' };
    };
    const store = { createSession } as unknown as Store;
    const task = {
      parts: {
        into: { store, everyone: new Map<string, number>(), disabled: new Set<never>() },
        random,
        policy: { absolute: day, idle: day },
        lifetime: 0,
      },
      dryRun: false,
      withoutData: false,
      now: Date.now,
      progress() {},
    };
    const opened = { source: sourceOf(pieces), alias: 'other', user: [['id']], slides: false, prefix: undefined };
    await assert.rejects(importSessions(opened, task), { code: 'store_unavailable' });
    assert.ok(begun >= 10);
    assert.equal(running, 0, 'the store may be closed while these calls run');
  });
}
