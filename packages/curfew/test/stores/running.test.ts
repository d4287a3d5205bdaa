import assert from 'node:assert/strict';
import { test } from 'node:test';
import { quietRows } from '../../src/stores/running.ts';

/** What becomes of a store with one row, of a server that renews it every so many milliseconds. */
function judged(id: string, renewal: number): Promise<string> {
  let passed = 0;
  const read = async () => new Map([[id, String(Math.floor(passed / renewal))]]);
  const pause = async (milliseconds: number) => {
    passed += milliseconds;
  };
  return quietRows(read, 'It must not', pause).then(
    () => 'quiet',
    ({ code }) => code,
  );
}

test('a server is running if it renews its lease, however long that is', async () => {
  const never = Number.POSITIVE_INFINITY;
  for (const id of ['a.2000', 'a.60000', 'of-an-earlier-version']) assert.equal(await judged(id, never), 'quiet', id);
  assert.equal(await judged('a.2000', 667), 'servers_running');
  assert.equal(await judged('a.60000', 20_000), 'servers_running');
  assert.equal(await judged('of-an-earlier-version', 667), 'servers_running');
});
