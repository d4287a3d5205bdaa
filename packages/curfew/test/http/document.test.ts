import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { generated } from '../../../../tools/generated.ts';
import { errors } from '../../src/errors.ts';
import { errorsOf } from '../../src/http/openapi.ts';
import { operations } from '../../src/http/routes/index.ts';
import { options } from '../../src/start/config.ts';
import { TestServer } from '../support/server.ts';

const root = new URL('../../../../', import.meta.url);

describe('the documentation of the API is true', () => {
  test('/openapi.json is valid OpenAPI 3.1, and names every operation', async (t) => {
    const server = await TestServer.start();
    t.after(() => server.close());
    const { body: document } = await server.call('GET', '/openapi.json', undefined, { as: '' });
    const validator = new Validator();
    const verdict = await validator.validate(structuredClone(document));
    assert.deepEqual(verdict.valid ? [] : verdict.errors, []);
    assert.equal(validator.version, '3.1');
    type Documented = { operationId: string; responses: object; description: string; security: unknown[] };
    const documented = Object.entries(document.paths as Record<string, Record<string, Documented>>).flatMap(
      ([path, item]) =>
        Object.entries(item).map(([method, { operationId }]) => `${operationId} ${method.toUpperCase()} ${path}`),
    );
    const declared = operations.map(({ id, method, path }) => `${id} ${method} ${path.replace(/:(\w+)/g, '{$1}')}`);
    assert.deepEqual(documented.sort(), declared.sort());
    const text = JSON.stringify(document);
    for (const operation of operations) {
      for (const code of errorsOf(operation)) assert.ok(text.includes(`\`${code}\``), code);
    }
    assert.deepEqual(document.components.schemas.Problem.properties.code.enum.sort(), Object.keys(errors).sort());
  });

  test('a body is required, unless the operation takes none', async (t) => {
    const server = await TestServer.start();
    t.after(() => server.close());
    const { body: document } = await server.call('GET', '/openapi.json', undefined, { as: '' });
    const optional: string[] = [];
    for (const { id, method, path, body } of operations) {
      const { requestBody } = document.paths[path.replace(/:(\w+)/g, '{$1}')][method.toLowerCase()];
      assert.equal(requestBody?.required, body && !(body as { nullable?: boolean }).nullable, id);
      if (requestBody?.required === false) optional.push(id);
    }
    assert.deepEqual(optional, ['startTotp']);
  });

  test('every generated file is up to date', async () => {
    for (const [path, text] of await generated()) {
      assert.equal(readFileSync(new URL(path, root), 'utf8'), text, `${path}: run \`npm run generate\``);
    }
  });

  test('every route, error and setting is in the documentation', () => {
    const read = (path: string) => readFileSync(new URL(path, root), 'utf8');
    const api = read('docs/api.md');
    for (const { id } of operations) assert.ok(api.includes(`| \`${id}\` |`), id);
    const errorPage = read('docs/errors.md');
    for (const code of Object.keys(errors)) assert.ok(errorPage.includes(`\`${code}\``), code);
    const configuration = read('docs/configuration.md');
    for (const { env, flag } of Object.values<{ env: string; flag: string }>(options)) {
      assert.ok(configuration.includes(`\`${env}\``) && configuration.includes(`\`${flag}\``), env);
    }
  });

  test('every registered error is thrown somewhere, and every dependency has its reason', async () => {
    const { globSync } = await import('node:fs');
    const source = globSync('packages/curfew/src/**/*.ts', { cwd: root })
      .filter((path) => !/errors\.ts$|table\.ts$/.test(path))
      .map((path) => readFileSync(new URL(path, root), 'utf8'))
      .join('\n');
    for (const code of Object.keys(errors)) assert.ok(source.includes(`'${code}'`), `${code} is never thrown`);
    const reasons = readFileSync(new URL('docs/dependencies.md', root), 'utf8');
    for (const name of ['package.json', 'packages/curfew/package.json', 'packages/client/package.json']) {
      const { dependencies = {}, devDependencies = {} } = JSON.parse(readFileSync(new URL(name, root), 'utf8'));
      for (const dependency of Object.keys({ ...dependencies, ...devDependencies })) {
        if (dependency === 'curfew-client') continue;
        assert.ok(reasons.includes(`\`${dependency}\``), `${dependency} has no reason in docs/dependencies.md`);
      }
    }
  });
});
