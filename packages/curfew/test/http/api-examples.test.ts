import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { clientLines, curlExample, titleOf, typeScriptExample } from '../../../../tools/api-pages.ts';
import { generated } from '../../../../tools/generated.ts';
import { operations } from '../../src/http/routes/index.ts';
import { root, run } from '../support/pages.ts';
import { TestServer } from '../support/server.ts';

/** Codes which say that a request has the wrong shape, so that its example is wrong. */
const misshapen =
  /"code":"(missing_field|unknown_field|wrong_type|invalid_value|body_not_json|unsupported_media_type|route_not_found|limit_out_of_range|user_id_too_long|cursor_invalid|authentication_required)"/;

describe('the examples of the API', () => {
  let server: TestServer;
  before(async () => {
    server = await TestServer.start();
  });
  after(() => server.close());

  test('every operation has a section with its example for curl and for TypeScript', async () => {
    const pages = [...(await generated())].filter(([path]) => path.startsWith('docs/api/'));
    const text = pages.map(([, page]) => page).join('\n');
    for (const operation of operations) {
      const [, section] = text.split(`## ${titleOf(operation)}\n`);
      assert.ok(section, titleOf(operation));
      const own = section.split(/^## /m)[0]!;
      for (const [language, example] of [
        ['sh', curlExample(operation)],
        ['ts', typeScriptExample(operation)],
      ]) {
        assert.ok(own.includes(`\`\`\`${language}\n${example}\n\`\`\``), `${operation.id}: ${language}`);
      }
    }
  });

  for (const operation of operations) {
    test(`${operation.id}: the server understands the example for curl`, async () => {
      const { token, session } = await server.createSession('ada');
      const { body } = await server.call('POST', '/v1/users/ada/widget-token', {
        origin: 'https://app.example.com',
        session: session.id,
      });
      const answer = await run('bash', ['-euc', curlExample(operation).replace('curl ', 'curl -si ')], {
        ...process.env,
        URL: server.url,
        KEY: server.key,
        TOKEN: token,
        WIDGET: body.token,
      });
      assert.match(answer, /^HTTP\/1\.1 [2-4]\d\d /);
      assert.doesNotMatch(answer, misshapen);
    });
  }

  test('the examples for TypeScript have the right types', async (t) => {
    const folder = mkdtempSync(join(root, 'packages/curfew/test/.example-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const blocks = operations.map((operation) => `{\n${typeScriptExample(operation)}\n}`);
    writeFileSync(join(folder, 'examples.ts'), `${clientLines}\n${blocks.join('\n')}\n`);
    const config = { extends: '../../../../tsconfig.base.json', include: ['examples.ts'] };
    const lax = { noUnusedLocals: false };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ ...config, compilerOptions: lax }));
    await run(join(root, 'node_modules/.bin/tsc'), ['--project', folder, '--noEmit']);
  });
});
