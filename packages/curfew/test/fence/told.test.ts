import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newId } from '../../src/domain/ids.ts';
import { Told } from '../../src/fence/told.ts';
import { random } from '../support/ports.ts';

const idsOf = (count: number) => Array.from({ length: count }, (_, i) => newId(`user ${i}`, i, random));

test('of many sessions exactly those that were noted are known', () => {
  const told = new Told();
  const [noted, others] = [idsOf(10_000), idsOf(10_000)];
  for (const id of noted) told.note(id);
  assert.deepEqual(
    noted.filter((id) => !told.has(id)),
    [],
  );
  assert.deepEqual(
    others.filter((id) => told.has(id)),
    [],
  );
});

test('the oldest are forgotten, and those in use stay', () => {
  const told = new Told(100);
  const [used, ...others] = idsOf(1000);
  told.note(used!);
  for (const id of others) {
    told.note(id);
    assert.ok(told.has(used!));
  }
  assert.ok(others.slice(-100).every((id) => told.has(id)));
  assert.ok(others.slice(0, 700).every((id) => !told.has(id)));
});
