import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { errorsOutput, operations } from 'curfew-nodes';
import { TestServer } from '../../../packages/curfew/test/support/server.ts';
import { cases, input } from '../../../packages/nodes/test/support/cases.ts';
import { modesOf, Passes } from '../../../packages/nodes/test/support/passes.ts';
import { curfewNode } from './support/curfew-node.ts';
import { onErrorOf, thisEngine } from './support/engine.ts';
import { N8n, type Ran, source, wires } from './support/n8n.ts';

describe('every operation and output in n8n', () => {
  const passes = new Passes(thisEngine, 'operations');
  let n8n: N8n;
  let server: TestServer;
  before(async () => {
    n8n = await N8n.load();
    server = await TestServer.start();
    n8n.keep('key', { url: server.url, apiKey: server.key });
  });
  after(async () => {
    passes.keep();
    await server.close();
  });

  /** Runs an operation for one item; the error output, if any, comes after the others. */
  async function run(name: string, parameters: Record<string, unknown>, mode: keyof typeof onErrorOf): Promise<Ran> {
    const onError = onErrorOf[mode];
    return n8n.run({
      nodes: [source([input]), curfewNode(name, parameters, { onError })],
      connections: wires(['Start', 0, 'Curfew', 0]),
    });
  }

  for (const { operation, output, prepare } of cases) {
    const declared = operations.find(({ name }) => name === operation);
    const outputs = [...(declared?.outputs ?? []), errorsOutput].map(({ name }) => name);
    for (const mode of modesOf['n8n-core']) {
      test(`${operation} outputs ${output}, with On Error: ${mode}`, async () => {
        const { parameters, check } = await prepare(server);
        const ran = await run(operation, parameters, mode);
        if (output === 'errors' && mode === 'stop') {
          assert.ok(ran.error, 'the workflow continues');
          assert.equal(ran.run.data.resultData.lastNodeExecuted, 'Curfew');
          const { code, origin } = await entryOf(prepare);
          await check([{ code, origin, message: ran.error.message }]);
        } else {
          assert.equal(ran.error?.message, undefined);
          const put = outputs.map((_, i) => ran.json('Curfew', i));
          // Without an error output, failed items continue like the others.
          const at = output === 'errors' && mode === 'continue' ? 0 : outputs.indexOf(output);
          await check(output === 'errors' ? [put[at]?.[0]?.['error'] as object] : (put[at] ?? []));
          assert.deepEqual(
            put.map((items) => items.length > 0),
            outputs.map((_, i) => i === at),
            'it came out there and nowhere else',
          );
        }
        passes.note(operation, output, mode);
      });
    }
  }

  /** The same case at the error output, which shows what n8n hides of an error that ends a workflow. */
  async function entryOf(prepare: (typeof cases)[number]['prepare']): Promise<{ code: string; origin: string }> {
    const found = cases.find((one) => one.prepare === prepare);
    const { parameters } = await prepare(server);
    const ran = await run(found?.operation ?? '', parameters, 'error output');
    const count = operations.find(({ name }) => name === found?.operation)?.outputs.length ?? 0;
    return (ran.json('Curfew', count)[0] as { error: { code: string; origin: string } }).error;
  }

  test('there is a case for every output of every operation', () => {
    const all = operations.flatMap(({ name, outputs }) =>
      [...outputs, errorsOutput].map((one) => `${name} ${one.name}`),
    );
    assert.deepEqual(
      cases.map(({ operation, output }) => `${operation} ${output}`),
      all,
    );
  });
});
