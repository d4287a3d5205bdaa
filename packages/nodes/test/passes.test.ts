import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Engine, Passes, tableOf, wantedRows } from './support/passes.ts';

test('the table of all engines shows what passed, and names every cell that did not', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'curfew-passes-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const engine: Engine = { kind: 'Node-RED', version: '9.1' };
  const [missing, ...others] = wantedRows.map((row) => row.split(' → ') as [string, string]);
  const [one, other] = [new Passes(engine, 'operations'), new Passes(engine, 'log-out')];
  for (const [operation, output] of others) one.note(operation, output, 'catch');
  for (const [operation, output] of [missing!, ...others]) other.note(operation, output, 'error output');
  for (const passes of [one, other]) passes.keep(folder);
  const { text, gaps } = tableOf(folder, [engine]);
  assert.deepEqual(gaps, [`${missing!.join(' → ')}, Node-RED 9.1: catch`]);
  const lines = text.split('\n');
  assert.match(lines[2]!, /^createUserSession → session +FAIL +pass$/);
  assert.equal(lines.at(-1), `${wantedRows.length * 2 - 1} of ${wantedRows.length * 2}`);
  assert.equal(tableOf(folder, [{ ...engine, version: '9.2' }]).gaps.length, wantedRows.length * 2, 'none of another');
});
