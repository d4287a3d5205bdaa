import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { visit } from '../support/visit.ts';
import { skip } from '../support/world.ts';

const assets = fileURLToPath(new URL('../../../curfew/dist/console/assets/', import.meta.url));
const sizeOf = (names: readonly string[]) =>
  names.reduce((sum, name) => sum + statSync(join(assets, `${name}.br`)).size, 0);

describe('the size of the console', { skip }, () => {
  test('the script before the first list is at most 60 kB compressed, and all of it 160 kB', async (t) => {
    const { page } = await visit(t, { as: 'admin', to: '#/sessions' });
    await page.getByRole('row').nth(1).waitFor();
    const loaded = (await page.evaluate(
      "performance.getEntriesByType('resource').map((entry) => entry.name).filter((name) => name.endsWith('.js'))",
    )) as string[];
    const first = [...new Set(loaded.map((url) => url.split('/').at(-1)!))];
    assert.ok(first.length > 0);
    const all = readdirSync(assets).filter((name) => name.endsWith('.js'));
    t.diagnostic(`before the first list: ${sizeOf(first)} bytes in ${first.length} files; all: ${sizeOf(all)}`);
    assert.ok(sizeOf(first) <= 60_000, `${sizeOf(first)} bytes before the first list`);
    assert.ok(sizeOf(all) <= 160_000, `${sizeOf(all)} bytes in all`);
  });
});
