import assert from 'node:assert/strict';
import { test } from 'node:test';
import { absent, operations, type Parameter, readParameters, services } from '../src/index.ts';

const everyOperation = operations.flatMap(({ name, parameters }) =>
  parameters.map((parameter) => [name, parameter] as const),
);
const everyService = services.flatMap(({ name, parameters }) =>
  parameters.map((parameter) => [name, parameter] as const),
);
const declared = [...everyOperation, ...everyService];

/** Reads one parameter alone, without the conditions and checks that depend on others. */
const read = ({ when: _, check: _check, ...parameter }: Parameter, value: unknown) =>
  readParameters([parameter], () => value)[parameter.name];

const userId = operations
  .find(({ name }) => name === 'deleteUserSessions')!
  .parameters.find(({ name }) => name === 'userId')!;

test('a number is the text of an id only if it is exact: above 2^53 it would be the id of somebody else', () => {
  const { id } = JSON.parse('{"id": 175928847299117063}');
  for (const [where, parameter] of declared.filter(([, { kind }]) => /^(text|texts|secret)$/.test(kind))) {
    const what = `${where}: ${parameter.name}`;
    for (const number of [id, -id, 2 ** 53, 1e21, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.throws(() => read(parameter, number), { code: 'invalid_parameter' }, `${what} = ${number}`);
    }
    for (const number of [0, 42, Number.MAX_SAFE_INTEGER]) {
      assert.equal(String(read(parameter, number)), String(number), what);
    }
  }
  assert.throws(() => read(userId, id), {
    message: '“Session User ID” is a number that is too large to be exact, so it may be another one.',
    remedy: 'Send it as text: in JSON, in quotation marks.',
  });
  assert.throws(() => read(userId, 1.5), {
    message: '“Session User ID” must be text, but is a number with a fraction.',
  });
});

test('a list of access groups accepts no number that is not exact, and takes each entry of a list as it is', () => {
  const groups = operations
    .find(({ name }) => name === 'addAccessGroup')!
    .parameters.find(({ name }) => name === 'accessGroups')!;
  assert.throws(() => read(groups, ['staff', 2 ** 53]), { code: 'invalid_parameter' });
  assert.deepEqual(read(groups, ['staff ', 'staff', 7, '', ' ']), ['staff ', 'staff', '7']);
  assert.deepEqual(read(groups, ' staff , billing ,'), ['staff', 'billing']);
});

test('spaces at the ends of an id, a name or a token are part of it: without them it would be another one', () => {
  for (const [where, parameter] of declared.filter(([, { kind }]) => /^(text|secret)$/.test(kind))) {
    for (const text of ['bob ', ' bob', 'bob\n', '\u00a0bob']) {
      assert.equal(read(parameter, text), text, `${where}: ${parameter.name}`);
    }
  }
});

test('a text of nothing but spaces counts as empty', () => {
  for (const blank of ['', ' ', '\n\t']) {
    assert.throws(() => read(userId, blank), { code: 'missing_parameter' }, JSON.stringify(blank));
  }
  const narrowing = declared.map(([, parameter]) => parameter).filter(({ narrows }) => narrows);
  assert.ok(narrowing.length > 0);
  for (const parameter of narrowing) {
    assert.throws(() => read(parameter, ' '), { code: 'missing_parameter' }, parameter.name);
    assert.equal(read(parameter, absent), undefined);
  }
});

test('a token that the service would not refuse, whatever it is, must not begin or end with a space', () => {
  for (const [service, name] of [
    ['directus', 'directusRefreshToken'],
    ['oauth', 'oauthToken'],
  ]) {
    const parameter = services.find((one) => one.name === service)!.parameters.find((one) => one.name === name)!;
    for (const token of ['token ', '\ntoken']) {
      assert.throws(
        () => readParameters([parameter], () => token),
        { code: 'invalid_parameter', message: /begins or ends with a space, which no token does/ },
        service,
      );
    }
    assert.equal(readParameters([parameter], () => 'token')[parameter.name], 'token');
  }
});
