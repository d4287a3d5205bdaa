import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeError as altogic } from '../src/dialects/altogic/errors.ts';
import { encodeError as rocketchat } from '../src/dialects/rocketchat/errors.ts';
import { encodeError as waha } from '../src/dialects/waha/errors.ts';
import { CurfewError, callErrors, errors, processErrors } from '../src/errors.ts';

test('every error is one that a call can be answered with, or one that stops a process', () => {
  assert.deepEqual(Object.keys(errors), [...Object.keys(callErrors), ...Object.keys(processErrors)]);
  assert.deepEqual(
    Object.keys(callErrors).filter((code) => code in processErrors),
    [],
  );
});

test('a store that turns out to be unusable while a server runs is unavailable in every dialect', () => {
  for (const encode of [
    (error: CurfewError) => altogic(error, 'key'),
    (error: CurfewError) => rocketchat(error, 'elsewhere'),
    (error: CurfewError) => waha(error, 'default', false),
  ]) {
    assert.deepEqual(encode(new CurfewError('store_read_only')), encode(new CurfewError('store_unavailable')));
  }
});
