import assert from 'node:assert/strict';
import { test } from 'node:test';
import { importSession, importStore } from '../../../src/authority/import-session.ts';
import { day, hour } from '../../../src/domain/limits.ts';
import { endEveryone } from '../../../src/rules/end-all.ts';
import { sha256 } from '../../../src/sources/source.ts';
import { divided, prefixOf } from '../../../src/stores/cluster/index.ts';
import { everyone, start } from '../../../src/stores/conformance/harness.ts';
import { parseLocation } from '../../../src/stores/redis/location.ts';
import { openPart } from '../../../src/stores/redis/part.ts';
import { random } from '../../support/ports.ts';
import { RedisServer, redisInstalled } from '../../support/redis.ts';

test('users of a group that has lost an end of everyone in a failover are imported as all others', {
  skip: !redisInstalled,
}, async (t) => {
  const server = await RedisServer.start();
  t.after(() => server.remove());
  const location = parseLocation(server.url);
  const store = await divided({ location, timeout: 5000 }, 4);
  t.after(store.close);
  // The others have it.
  for (const group of [0, 1, 2]) {
    const part = await openPart(
      { location: { ...location, prefix: prefixOf(location.prefix, group) }, timeout: 5000 },
      { role: 'group' },
    );
    await endEveryone(part.store.engine, everyone(start));
    await part.store.close();
  }
  const parts = { into: await importStore(store), random, policy: { absolute: day, idle: day }, lifetime: 0 };
  for (let i = 0; i < 16; i++) {
    const session = { alias: { kind: 'x', hash: sha256(`${i}`) }, userId: `user ${i}`, expiresAt: start + day };
    const outcome = await importSession(parts, { ...session, metadata: {} }, start + hour, false);
    assert.equal(outcome, 'imported');
  }
});
