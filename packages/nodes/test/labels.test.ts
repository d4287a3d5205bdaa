import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ignoreTlsField } from '../src/credential.ts';
import { operations, type Parameter, requestOptions, serviceParameter, services } from '../src/index.ts';

const parameters: readonly Parameter[] = [
  ...operations.flatMap((operation) => operation.parameters),
  ...services.flatMap((service) => [...service.parameters, ...service.credentials.flatMap(({ fields }) => fields)]),
  serviceParameter,
  ignoreTlsField,
  ...requestOptions,
];

test('what a message or a help text calls by a label is there under it', () => {
  const labels = new Set(parameters.map(({ label }) => label));
  const quoted = globSync('src/**/*.ts', { cwd: `${import.meta.dirname}/..` }).flatMap((file) =>
    [...readFileSync(`${import.meta.dirname}/../${file}`, 'utf8').matchAll(/“([^”$]+)”/g)].map(([, label]) => label!),
  );
  assert.ok(quoted.length > 5, String(quoted));
  assert.deepEqual(
    quoted.filter((label) => !labels.has(label)),
    [],
  );
});

test("an operation's action fits into the title of n8n's panel, which cuts off what is longer", () => {
  const long = operations.map(({ action }) => action).filter((action) => action.length > 26);
  assert.deepEqual(long, []);
});
