import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openSource } from '../../src/sources/index.ts';

test('a URL that the driver refuses is an error about --from that says why, without the password', async () => {
  const cases = [
    ['connect-redis', 'redis://:hunter2@127.0.0.1:1/abc', /pathname/],
    ['connect-redis', 'redis://u%zz:hunter2@127.0.0.1:1', /URI malformed/],
    ['connect-pg-simple', 'postgres://u:hunter2@127.0.0.1:1/shop?sslrootcert=/no/such', /ENOENT.*\/no\/such/],
  ] as const;
  for (const [kind, from, why] of cases) {
    await assert.rejects(openSource(kind, { from }), (error: Error & { code: string }) => {
      assert.equal(error.code, 'import_option', from);
      assert.match(error.message, /--from: (redis|postgres):\/\//);
      assert.match(error.message, why);
      assert.doesNotMatch(error.message, /hunter2/);
      return true;
    });
  }
});
