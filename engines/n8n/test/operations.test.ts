import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { TestServer } from '../../../packages/curfew/test/support/server.ts';
import { N8n, node, source, wires } from './support/n8n.ts';

describe('x', () => {
  let n8n: N8n;
  let server: TestServer;
  before(async () => {
    n8n = await N8n.load();
    server = await TestServer.start();
    n8n.keep('key', { url: server.url, apiKey: server.key });
  });
  after(() => server.close());

  test('create', async () => {
    const ran = await n8n.run({
      nodes: [
        source([{ user: 'ada' }, { user: 'bob' }]),
        node('Curfew', 'n8n-nodes-curfew.curfew', { operation: 'createUserSession', userId: '={{ $json.user }}' }, { credentials: { curfewApi: { id: 'key', name: 'key' } } }),
      ],
      connections: wires(['Start', 0, 'Curfew', 0]),
    });
    console.log(ran.error, JSON.stringify(ran.json('Curfew'), null, 1));
    assert.ok(1);
  });
});
