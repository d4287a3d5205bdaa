import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { errorsOutput, operations } from 'curfew-nodes';
import { TestServer } from '../../../packages/curfew/test/support/server.ts';
import { cases, input } from '../../../packages/nodes/test/support/cases.ts';
import { modesOf, Passes } from '../../../packages/nodes/test/support/passes.ts';
import { curfewNode, curfewServer } from './support/curfew-node.ts';
import { NodeRed, observed, thisEngine } from './support/node-red.ts';

describe('every operation and output in Node-RED', () => {
  const passes = new Passes(thisEngine, 'operations');
  let red: NodeRed;
  let server: TestServer;
  before(async () => {
    red = await NodeRed.start();
    server = await TestServer.start();
  });
  after(async () => {
    passes.keep();
    await red.close();
    await server.close();
  });

  for (const { operation, output, prepare } of cases) {
    const declared = operations.find(({ name }) => name === operation);
    const outputs = [...(declared?.outputs ?? []), errorsOutput].map(({ name }) => name);
    for (const mode of modesOf['Node-RED']) {
      const errorManagement = mode === 'catch' ? 'automatic' : 'manual';
      test(`${operation} outputs ${output}, with ${errorManagement} errors`, async () => {
        const { parameters, check } = await prepare(server);
        const node = curfewNode(operation, parameters, { errorManagement });
        const count = outputs.length - (errorManagement === 'manual' ? 0 : 1);
        await red.deploy([curfewServer(server.url, server.key), ...observed(node, count)]);
        red.send('node', { payload: input, _msgid: 'one' });
        const at = outputs.indexOf(output);
        if (output === 'errors') {
          const caught = await red.until((sinks) => sinks.get('catch')?.[0]);
          const { message } = caught['error'];
          // With both, the output and the Catch node report the same.
          const entry = errorManagement === 'manual' ? red.sinks.get(`out${at}`)?.[0]?.['errors'] : undefined;
          const { code, origin } = (entry ?? [{ ...declaredFault(caught) }])[0];
          await check([{ code, origin, message }]);
          if (entry) assert.equal(entry[0].message, message);
          assert.equal(red.sinks.has('complete'), false);
        } else {
          await red.until((sinks) => sinks.get('complete')?.[0]);
          const payload = red.sinks.get(`out${at}`)?.[0]?.['payload'];
          await check(Array.isArray(payload) ? payload : [payload]);
          assert.equal(red.sinks.has('catch'), false);
        }
        const fired = outputs.map((_, i) => red.sinks.get(`out${i}`)?.length ?? 0);
        const wanted = outputs.map((_, i) => (i === at && i < count ? 1 : 0));
        assert.deepEqual(fired, wanted, 'it came out there and nowhere else');
        passes.note(operation, output, mode);
      });
    }
  }

  /** The code and the origin that a Catch node gets besides the message. */
  function declaredFault(caught: { error?: { code?: string; cause?: { code: string; origin: string } } }) {
    const { code, origin } = caught.error?.cause ?? (caught.error as { code: string; origin: string });
    return { code, origin };
  }
});
