import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { IDataObject, INodeType } from 'n8n-workflow';
import { adminPassword, TestServer } from '../../../packages/curfew/test/support/server.ts';
import { answering, type Closer } from '../../../packages/nodes/test/support/wire.ts';
import { curfewNode } from './support/curfew-node.ts';
import { core } from './support/engine.ts';
import { curfewPackage, items, N8n, node, type Saved, source, wires } from './support/n8n.ts';

/** Does what n8n's agent does with a node that is a tool: requests it, and calls it. */
const agent: INodeType = {
  description: {
    displayName: 'Agent',
    name: 'agent',
    group: ['transform'],
    version: 1,
    description: 'Agent',
    defaults: { name: 'Agent' },
    inputs: ['main', { type: 'ai_tool', displayName: 'Tools' }],
    outputs: ['main'],
    properties: [{ displayName: 'Say', name: 'say', type: 'json', default: '{}' }],
  },
  async execute() {
    const tools = (await this.getInputConnectionData('ai_tool', 0)) as {
      name: string;
      invoke(input: object): Promise<string>;
    }[];
    const answers = [];
    for (const tool of tools) answers.push(await tool.invoke(JSON.parse(this.getNodeParameter('say', 0) as string)));
    return [answers.map((answer) => ({ json: { answer }, pairedItem: { item: 0 } }))];
  },
};

/** Resolves its expression for each item. */
const reader: INodeType = {
  description: {
    displayName: 'Reader',
    name: 'reader',
    group: ['transform'],
    version: 1,
    description: 'Reader',
    defaults: { name: 'Reader' },
    inputs: ['main'],
    outputs: ['main'],
    properties: [{ displayName: 'Read', name: 'read', type: 'string', default: '' }],
  },
  async execute() {
    return [this.getInputData().map((_, i) => ({ json: { read: this.getNodeParameter('read', i) as string } }))];
  },
};

describe('the nodes in n8n', () => {
  let n8n: N8n;
  let server: TestServer;
  before(async () => {
    n8n = await N8n.load(undefined, { 'test.agent': agent, 'test.reader': reader });
    server = await TestServer.start();
  });
  beforeEach(() => {
    n8n.keep('key', { url: server.url, apiKey: server.key });
    n8n.keep('1', { url: server.url, apiKey: server.key });
  });
  after(() => server.close());

  const only = (parameters: Record<string, unknown>, operation: string, items: object[] = [{}], more = {}): Saved => ({
    nodes: [source(items), curfewNode(operation, parameters, more)],
    connections: wires(['Start', 0, 'Curfew', 0]),
  });

  describe('several inputs', () => {
    const joined = (second: object[]): Saved => ({
      nodes: [
        items('Users', [{ user: 'ada' }, { user: 'bob' }]),
        items('Groups', second),
        source([{}]),
        curfewNode('addAccessGroup', {
          numberInputs: 2,
          userId: '={{ inputs[0].user }}',
          accessGroups: '={{ inputs[1].groups.map(g => g + "{}") }}',
        }),
      ],
      connections: wires(
        ['Start', 0, 'Users', 0],
        ['Start', 0, 'Groups', 0],
        ['Users', 0, 'Curfew', 0],
        ['Groups', 0, 'Curfew', 1],
      ),
    });

    test('an expression of earlier versions sees the item at the same position of each input; a single item serves every run', async () => {
      const [ada, bob] = [await server.createSession('ada'), await server.createSession('bob')];
      const ran = await n8n.run(joined([{ groups: ['a', 'b$&'] }]));
      assert.equal(ran.error?.message, undefined);
      assert.deepEqual(ran.json('Curfew'), [{ user: 'ada' }, { user: 'bob' }]);
      for (const { token } of [ada, bob]) {
        assert.deepEqual((await server.verify(token)).session.accessGroups, ['a{}', 'b$&{}']);
      }
    });

    /** Three inputs that are wired from these nodes; null leaves one unwired. */
    const threeFrom = (from: readonly (readonly object[] | null)[], parameters: object, more = {}): Saved => {
      const wired = from.flatMap((given, i) => (given === null ? [] : [{ given, i, name: `From ${i + 1}` }]));
      return {
        nodes: [
          source([{}]),
          ...wired.map(({ given, name }) => items(name, given)),
          curfewNode('addAccessGroup', { numberInputs: 3, ...parameters }, more),
        ],
        connections: wires(
          ...wired.map(({ name }) => ['Start', 0, name, 0] as const).map((line) => [...line] as [string, 0, string, 0]),
          ...wired.map(({ name, i }) => [name, 0, 'Curfew', i] as [string, number, string, number]),
        ),
      };
    };
    const byChoice = {
      ...{ userIdInput: 'input1', userIdInputField: 'user.id' },
      ...{ accessGroupsInput: 'input3', accessGroupsInputField: 'groups' },
    };
    const groupsOf = async (token: string) => (await server.verify(token)).session.accessGroups.toSorted();

    test('a parameter is taken from the input that is chosen in the panel, by the position of its items', async () => {
      const [eve, fay] = [await server.createSession('eve'), await server.createSession('fay')];
      const users = [{ user: { id: 'eve' } }, { user: { id: 'fay' } }];
      const ran = await n8n.run(threeFrom([users, [{}], [{ groups: ['x'] }, { groups: 'y,z' }]], byChoice));
      assert.equal(ran.error?.message, undefined);
      assert.deepEqual([await groupsOf(eve.token), await groupsOf(fay.token)], [['x'], ['y', 'z']]);
      const fewer = await n8n.run(
        threeFrom([[...users, users[0]!], [{}], [{ groups: 'x' }, { groups: 'y' }]], byChoice),
      );
      assert.match(
        fewer.told,
        /Input 3 has 2 items, but none for item 3 of input 1\. Give both the same number of items/,
      );
    });

    const usersOf = (prefix: string) => Array.from({ length: 5 }, (_, i) => ({ name: `${prefix}-${i}` }));
    /** Groups from input 1 and users from input 2, and a node that reads an item of each. */
    const forUsers = (operation: string, groups: object[], users: object[], more = {}): Saved => ({
      nodes: [
        source([{}]),
        items('A', groups),
        items('B', users),
        curfewNode(
          operation,
          {
            ...{ numberInputs: 2, userIdInput: 'input2', userIdInputField: 'name' },
            // Not only a field, so that n8n itself resolves it.
            accessGroups: '={{ $json.groups.toLowerCase() }}',
          },
          more,
        ),
        node('Reader', 'test.reader', { read: "={{ $('A').item.json.groups }} {{ $('B').item.json.name }}" }),
      ],
      connections: wires(
        ['Start', 0, 'A', 0],
        ['Start', 0, 'B', 0],
        ['A', 0, 'Curfew', 0],
        ['B', 0, 'Curfew', 1],
        ['Curfew', 0, 'Reader', 0],
      ),
    });

    test('the longest input determines how often it runs: a single item of input 1 serves all items of the others', async () => {
      const users = usersOf('leaver');
      const made = [];
      for (const { name } of users) made.push(await server.createSession(name, { accessGroups: ['staff', 'other'] }));
      // The credential’s expression sees that item, too.
      n8n.keep('key', { url: server.url, apiKey: '={{ $json.key }}' });
      const ran = await n8n.run(forUsers('removeAccessGroup', [{ groups: 'STAFF', key: server.key }], users));
      assert.equal(ran.told, '');
      for (const { token } of made) assert.deepEqual(await groupsOf(token), ['other']);
      assert.deepEqual(
        ran.json('Reader').map(({ read }) => read),
        users.map(({ name }) => `STAFF ${name}`),
      );
    });

    test('an input that has several items, but fewer than the longest one, is an error for those of that one', async () => {
      const users = usersOf('short');
      for (const { name } of users) await server.createSession(name);
      const groups = [{ groups: 'X' }, { groups: 'Y' }];
      const stopped = await n8n.run(forUsers('addAccessGroup', groups, users));
      assert.match(stopped.told, /^Input 1 has 2 items, but none for item 3 of input 2\. Give both the same number/);
      const continued = await n8n.run(forUsers('addAccessGroup', groups, users, { onError: 'continueErrorOutput' }));
      assert.equal(continued.json('Curfew').length, 2);
      // n8n adds the item that an error came from.
      const errors = continued
        .json('Curfew', 1)
        .map(({ name, error }) => `${name}: ${(error as IDataObject)['message']}`);
      assert.equal(errors.length, 3);
      for (const [i, error] of errors.entries())
        assert.ok(
          error.startsWith(`short-${i + 2}: Input 1 has 2 items, but none for item ${i + 3} of input 2.`),
          error,
        );
    });

    test('a retried node repeats nothing for items that share the single item of input 1', async (t) => {
      const { url } = await relay(t, server.url, async (call) => call !== 3);
      n8n.keep('key', { url, apiKey: server.key });
      const users = usersOf('shared');
      const retry = { retryOnFail: true, maxTries: 2, waitBetweenTries: 0 };
      const ran = await n8n.run(forUsers('createUserSession', [{ groups: 'X' }], users, retry));
      assert.equal(ran.told, '');
      assert.deepEqual(
        ran.json('Curfew').map(({ userId }) => userId),
        users.map(({ name }) => name),
      );
      for (const { name } of users) {
        const { body } = await server.call('GET', `/v1/users/${name}/sessions`);
        assert.equal(body.total, 1, name);
      }
    });

    test('or by a common key', async () => {
      const [gil, hal] = [await server.createSession('gil'), await server.createSession('hal')];
      const users = [
        { key: 1, user: { id: 'gil' } },
        { key: 2, user: { id: 'hal' } },
      ];
      const byKey = { ...byChoice, pairItemsBy: 'key', pairKey: 'key' };
      const others = [{ key: 2 }, { key: 1 }, { key: 3 }];
      const groups = [
        { key: '2', groups: 'of-hal' },
        { key: '1', groups: 'of-gil' },
      ];
      const ran = await n8n.run(threeFrom([users, others, groups], byKey));
      assert.equal(ran.error?.message, undefined);
      assert.deepEqual([await groupsOf(gil.token), await groupsOf(hal.token)], [['of-gil'], ['of-hal']]);
      const lacks = await n8n.run(threeFrom([users, others, groups.slice(1)], byKey));
      assert.match(lacks.told, /Input 3 has no item whose “key” is "2"/);
      const twice = await n8n.run(threeFrom([users, others, [...groups, groups[0]!]], byKey));
      assert.match(twice.told, /Input 3 has 2 items whose “key” is "2"/);
      const without = await n8n.run(threeFrom([users, others, groups], { ...byKey, pairKey: 'name' }));
      assert.match(without.told, /Item 1 of input 1 has no “name” to be paired by/);
    });

    test('a key that is a number pairs no items if it is not exact: theirs may differ', async () => {
      const { token } = await server.createSession('lea');
      const byKey = { ...byChoice, pairItemsBy: 'key', pairKey: 'key' };
      const [mine, other] = [JSON.parse('175928847299117063'), JSON.parse('175928847299117061')];
      const users = [{ key: mine, user: { id: 'lea' } }];
      const ran = await n8n.run(threeFrom([users, [{ key: mine }], [{ key: other, groups: 'of-another' }]], byKey));
      assert.match(ran.told, /“key” is a number that is not exact.*Send it as text: in JSON, in quotation marks/);
      assert.deepEqual(await groupsOf(token), []);
    });

    test('the nodes that follow find the item of each input from which a result or an error came', async () => {
      await server.createSession('kim');
      const workflow = (output: number): Saved => ({
        nodes: [
          source([{}]),
          items('A', [
            { key: 1, user: { id: 'kim' } },
            { key: 2, user: {} },
            { key: 3, user: { id: 'kim' } },
          ]),
          items('B', [
            { key: 3, groups: 'third' },
            { key: 1, groups: 'first' },
            { key: 2, groups: 'second' },
          ]),
          curfewNode(
            'addAccessGroup',
            {
              ...{ numberInputs: 2, pairItemsBy: 'key', pairKey: 'key' },
              ...{ userIdInput: 'input1', userIdInputField: 'user.id' },
              ...{ accessGroupsInput: 'input2', accessGroupsInputField: 'groups' },
            },
            { onError: 'continueErrorOutput' },
          ),
          node('Reader', 'test.reader', { read: "={{ $('A').item.json.key }} {{ $('B').item.json.groups }}" }),
        ],
        connections: wires(
          ['Start', 0, 'A', 0],
          ['Start', 0, 'B', 0],
          ['A', 0, 'Curfew', 0],
          ['B', 0, 'Curfew', 1],
          ['Curfew', output, 'Reader', 0],
        ),
      });
      const read = async (output: number) => {
        const ran = await n8n.run(workflow(output));
        assert.equal(ran.told, '');
        return ran.json('Reader').map((json) => json['read']);
      };
      assert.deepEqual(await read(0), ['1 first', '3 third']);
      assert.deepEqual(await read(1), ['2 second']);
    });

    test('the session from one input is ended for the user from the other; too many inputs are an error', async () => {
      const { token, session } = await server.createSession('joy');
      const parameters = {
        ...{ numberInputs: 2, userIdInput: 'input2', userIdInputField: 'name' },
        ...{ sessionTokenInput: 'input1', sessionInputField: 'id' },
      };
      const workflow = (more: object): Saved => ({
        nodes: [
          source([{}]),
          items('Sessions', [session]),
          items('Users', [{ name: 'joy' }]),
          curfewNode('deleteUserSession', { ...parameters, ...more }),
        ],
        connections: wires(
          ['Start', 0, 'Sessions', 0],
          ['Start', 0, 'Users', 0],
          ['Sessions', 0, 'Curfew', 0],
          ['Users', 0, 'Curfew', 1],
        ),
      });
      const wrong = await n8n.run(workflow({ userIdInput: 'input4' }));
      assert.match(wrong.told, /Session User ID\. It is taken from input 4, but the node has 2\./);
      assert.equal((await server.verify(token)).active, true);
      const ran = await n8n.run(workflow({}));
      assert.equal(ran.error?.message, undefined);
      assert.equal((await server.verify(token)).active, false);
    });

    test('the error about a missing field names the parameter, the input and the field', async () => {
      const ran = await n8n.run(threeFrom([[{ user: { id: 'eve' } }], [{}], [{ group: 'x' }]], byChoice));
      assert.match(ran.told, /Missing required property: Access Groups\. Input 3 has no “groups”\./);
    });

    test('an expression can name a node, as anywhere in n8n', async () => {
      const { token } = await server.createSession('ida');
      const ran = await n8n.run(
        threeFrom([[{}], [{ user: 'ida' }], [{ groups: 'named' }]], {
          userId: "={{ $('From 2').first().json.user }}",
          accessGroups: "={{ $('From 3').first().json.groups }}",
        }),
      );
      assert.equal(ran.error?.message, undefined);
      assert.deepEqual(await groupsOf(token), ['named']);
    });

    test('an input that no node is wired to is an error that names it, wherever it is', async () => {
      const [user, group] = [[{ user: { id: 'eve' } }], [{ groups: 'x' }]];
      const cases = [
        { from: [user, group, null], says: /^Input 3 is not wired, but the node has 3 inputs\. Wire a node to each/ },
        { from: [user, null, group], says: /^Input 2 is not wired/ },
        { from: [null, user, group], says: /^Input 1 is not wired/ },
        { from: [user, null, null], says: /^Input 2 and input 3 are not wired/ },
      ];
      for (const { from, says } of cases) {
        assert.match((await n8n.run(threeFrom(from, byChoice))).told, says);
        const manual = await n8n.run(threeFrom(from, byChoice, { onError: 'continueErrorOutput' }));
        assert.equal(manual.error?.message, undefined);
        assert.deepEqual([manual.json('Curfew').length, manual.json('Curfew', 1).length], [0, 1]);
      }
    });

    test('an input that is wired and gets no item counts as absent, as with a branch not taken', async () => {
      for (const empty of [0, 1, 2]) {
        const from = [0, 1, 2].map((i) => (i === empty ? [] : [{ user: { id: 'eve' }, groups: 'x' }]));
        const ran = await n8n.run(threeFrom(from, byChoice));
        assert.equal(ran.error?.message, undefined);
        assert.deepEqual(ran.json('Curfew'), []);
      }
    });

    test('it does not run until every input has its items', async () => {
      const ran = await n8n.run(joined([]));
      assert.equal(ran.error?.message, undefined);
      assert.deepEqual(ran.json('Curfew'), []);
    });
  });

  describe('as a tool of an agent', () => {
    const asked = (operation: string, parameters: IDataObject, say: object): Saved => {
      const connections = wires(['Start', 0, 'Agent', 0]);
      connections['Tool'] = { ai_tool: [[{ node: 'Agent', type: 'ai_tool', index: 0 }]] };
      return {
        nodes: [
          source([{ user: 'of the item' }]),
          node('Agent', 'test.agent', { say: JSON.stringify(say) }),
          { ...curfewNode(operation, parameters), name: 'Tool', type: 'n8n-nodes-curfew.curfewTool' },
        ],
        connections,
      };
    };
    const userId = "={{ $fromAI('user', 'The ID of the user', 'string') }}";

    test('it does what the agent requests', async () => {
      const { token } = await server.createSession('grace');
      const ran = await n8n.run(asked('deleteUserSessions', { userId }, { user: 'grace' }));
      assert.equal(ran.error?.message, undefined);
      assert.match(String(ran.json('Agent')[0]?.['answer']), /"everywhere":true/);
      assert.equal((await server.verify(token)).active, false);
    });

    test('a dragged field is one of the item that the agent works on', async () => {
      const sessionToken = "={{ $fromAI('token', 'The token', 'string') }}";
      const answer = async (userId: string) => {
        const say = { token: '0'.repeat(22), user: 'of the agent' };
        const ran = await n8n.run(asked('getUserSession', { userId, sessionToken }, say));
        return ran.error?.message ?? ran.json('Agent')[0]?.['answer'];
      };
      const dragged = await answer('={{ $json.user }}');
      assert.equal(dragged, await answer('={{ ($json.user) }}'));
      assert.match(String(dragged), /of the item/);
    });

    test('every output is returned to the agent, and an error with its message', async () => {
      const sessionToken = '0000000000000000000000';
      const missing = await n8n.run(asked('getUserSession', { userId, sessionToken }, { user: 'grace' }));
      assert.equal(missing.error?.message, undefined);
      assert.match(
        String(missing.json('Agent')[0]?.['answer']),
        /The user \\"grace\\" has no such session, or it has ended/,
      );
      const none = await n8n.run(asked('getUserSessions', { userId }, { user: 'nobody' }));
      assert.match(String(none.json('Agent')[0]?.['answer']), /The user \\"nobody\\" has no session/);
      await server.createSession('grace');
      const changed = await n8n.run(asked('addAccessGroup', { userId, accessGroups: 'staff' }, { user: 'grace' }));
      assert.match(
        String(changed.json('Agent')[0]?.['answer']),
        /\\"staff\\" added to all sessions of the user \\"grace\\"/,
      );
      const failed = await n8n.run(asked('endSessionById', { sessionId: sessionToken, userId }, { user: 'grace' }));
      assert.match(failed.error?.message ?? '', /There is no such session/);
    });
  });

  describe('errors in a batch', () => {
    test('500 items of which three fail: 497 results and three errors, in order', async () => {
      const bad = new Set([7, 250, 499]);
      const users = Array.from({ length: 500 }, (_, i) => ({ user: bad.has(i) ? '' : `u${i}` }));
      const parameters = { userId: '={{ $json.user }}' };
      const created = await n8n.run(only(parameters, 'createUserSession', users, { onError: 'continueRegularOutput' }));
      const put = created.json('Curfew');
      assert.equal(put.length, 500);
      assert.deepEqual(
        put.flatMap((json, i) => ('error' in json ? [i] : [])),
        [...bad],
      );
      assert.deepEqual(
        put.flatMap((json, i) => (json['userId'] === `u${i}` ? [] : [i])),
        [...bad],
      );
    });

    test('if a server stops in mid-batch, completed items are kept, and the others have an error', async (t) => {
      const own = await TestServer.start();
      const { url } = await relay(t, own.url, async (call) => {
        if (call === 11) await own.close();
        return call < 11;
      });
      n8n.keep('key', { url, apiKey: own.key });
      const users = Array.from({ length: 20 }, (_, i) => ({ user: `u${i}` }));
      const parameters = { userId: '={{ $json.user }}' };
      const ran = await n8n.run(only(parameters, 'createUserSession', users, { onError: 'continueErrorOutput' }));
      const [done, failed] = [ran.json('Curfew'), ran.json('Curfew', 1)];
      assert.deepEqual([done.length, failed.length], [10, 10]);
      for (const { error } of failed) {
        assert.match((error as IDataObject)['message'] as string, /cannot be reached: ECONNRESET\. Check the URL/);
      }
    });

    test('fifty items are in progress at a time, and come out in order; in batches of one, each waits for the previous one', async (t) => {
      let [under, most] = [0, 0];
      const full = Promise.withResolvers<void>();
      let wait = async (call: number): Promise<void> => {
        if (under === 50) full.resolve();
        if (call > 1) await full.promise;
      };
      const { url } = await relay(t, server.url, async (call) => {
        under += 1;
        most = Math.max(most, under);
        await wait(call);
        under -= 1;
        return true;
      });
      n8n.keep('key', { url, apiKey: server.key });
      const users = Array.from({ length: 120 }, (_, i) => ({ user: `at once ${i}` }));
      const userId = '={{ $json.user }}';
      const ran = await n8n.run(only({ userId }, 'createUserSession', users));
      assert.deepEqual(
        ran.json('Curfew').map(({ userId }) => userId),
        users.map(({ user }) => user),
      );
      assert.equal(most, 50);
      most = 0;
      // Long enough for others to arrive, if any would.
      wait = async () => {
        for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
      };
      const options = { batchSize: 1, batchInterval: 0 };
      const slow = await n8n.run(only({ userId, options }, 'createUserSession', users.slice(0, 20)));
      assert.deepEqual([slow.json('Curfew').length, most], [20, 1]);
    });

    test('an error that concerns all items is requested once', async (t) => {
      const { url, seen } = await answering(t, (_request, response) => {
        const problem = { type: 'about:blank', title: 'No', status: 401, code: 'token_invalid' };
        response.writeHead(401, { 'content-type': 'application/problem+json' }).end(JSON.stringify(problem));
      });
      n8n.keep('key', { url, apiKey: server.key });
      const users = Array.from({ length: 20 }, (_, i) => ({ user: `u${i}` }));
      const ran = await n8n.run(only({ userId: '={{ $json.user }}' }, 'createUserSession', users));
      assert.ok(ran.error);
      assert.equal(seen.length, 1);
    });

    test('a retried node does not repeat what it did', async (t) => {
      // The third request overall finds the server unreachable; after that it is back.
      const { url } = await relay(t, server.url, async (call) => call !== 3);
      n8n.keep('key', { url, apiKey: server.key });
      const users = Array.from({ length: 5 }, (_, i) => ({ user: `again-${i}` }));
      const retry = { retryOnFail: true, maxTries: 2, waitBetweenTries: 0 };
      const ran = await n8n.run(only({ userId: '={{ $json.user }}' }, 'createUserSession', users, retry));
      assert.equal(ran.error?.message, undefined);
      assert.equal(ran.json('Curfew').length, 5);
      for (const { user } of users) {
        const { body } = await server.call('GET', `/v1/users/${user}/sessions`);
        assert.equal(body.total, 1, user);
      }
    });

    test('a retried node that continues on errors repeats nothing either, and keeps to its batches', async (t) => {
      // n8n retries if the first item has failed, so the very first request finds the server unreachable.
      let [under, most] = [0, 0];
      const { url } = await relay(t, server.url, async (call) => {
        under += 1;
        most = Math.max(most, under);
        for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
        under -= 1;
        return call !== 1;
      });
      n8n.keep('key', { url, apiKey: server.key });
      const users = Array.from({ length: 5 }, (_, i) => ({ user: `once-${i}` }));
      const settings = {
        retryOnFail: true,
        maxTries: 2,
        waitBetweenTries: 0,
        onError: 'continueRegularOutput',
      } as const;
      const parameters = { userId: '={{ $json.user }}', options: { batchSize: 1, batchInterval: 0 } };
      const ran = await n8n.run(only(parameters, 'createUserSession', users, settings));
      assert.equal(ran.json('Curfew').filter(({ error }) => error === undefined).length, 5);
      assert.equal(most, 1);
      for (const { user } of users) {
        const { body } = await server.call('GET', `/v1/users/${user}/sessions`);
        assert.equal(body.total, 1, user);
      }
    });
  });

  describe('bad input', () => {
    const failing = async (saved: Saved) => (await n8n.run(saved)).told;

    test('an expression that fails or returns null is an error that names the parameter', async () => {
      assert.match(await failing(only({ userId: '={{ $json.nobody.id }}' }, 'getUserSessions')), /Session User ID/);
      assert.match(await failing(only({ userId: '={{ null }}' }, 'getUserSessions')), /Session User ID\. It is null\./);
      assert.match(
        await failing(only({ userId: '={{ ({}) }}' }, 'getUserSessions')),
        /“Session User ID” must be text, but is an object/,
      );
    });

    test('an error has its remedy once, and names a field as in the editor', async (t) => {
      const { error } = await n8n.run(only({ userId: 'ada', exceptSessionId: '0'.repeat(22) }, 'deleteUserSessions'));
      assert.ok(error?.description);
      assert.ok(!error.message.includes(error.description), error.message);
      const { url } = await answering(t, (_, response) => {
        const problem = {
          ...{
            type: 'about:blank',
            title: 'userId is wrong',
            status: 400,
            code: 'bad_request',
            remedy: 'Send another.',
          },
          errors: [{ path: '/userId', message: 'must be shorter' }],
        };
        response.writeHead(400, { 'content-type': 'application/problem+json' }).end(JSON.stringify(problem));
      });
      n8n.keep('key', { url, apiKey: server.key });
      const refused = await failing(only({ userId: 'ada' }, 'createUserSession'));
      assert.match(refused, /User ID is wrong.*\(User ID must be shorter\)/);
      assert.doesNotMatch(refused, /userId/);
    });

    test('a dragged field has the value that n8n’s expression has, whatever it contains', async () => {
      const values = ['text', ' padded ', '=1', '{{ 1 }}', '', '2026-01-01', 7, 0, true, null, {}, [], ['a'], { a: 1 }];
      const users = [...values.map((user) => ({ user })), {}, { other: 1 }];
      const manual = { onError: 'continueRegularOutput' } as const;
      const run = async (userId: string, given: object[]) =>
        (await n8n.run(only({ userId }, 'createUserSession', given, manual)))
          .json('Curfew')
          .map(({ userId, error }) => userId ?? (error as IDataObject)['message']);
      const [dragged, evaluated] = [await run('={{ $json.user }}', users), await run('={{ ($json.user) }}', users)];
      assert.equal(dragged.length, users.length);
      assert.deepEqual(dragged, evaluated);
      assert.deepEqual(dragged.slice(0, 4), ['text', ' padded ', '=1', '{{ 1 }}']);
      const inherited = [{ user: 'x' }];
      assert.deepEqual(await run('={{ $json.toString }}', inherited), await run('={{ ($json.toString) }}', inherited));
    });

    test('a parameter that spares a session or narrows a list must not be empty if given', async () => {
      const { token } = await server.createSession('spared');
      for (const nothing of ['={{ null }}', '={{ undefined }}', '={{ $json.nothing }}', '={{ "" }}']) {
        const parameters = { userId: 'spared', exceptSessionId: nothing };
        assert.match(
          await failing(only(parameters, 'deleteUserSessions')),
          /property: Except Session ID\..* remove the field/,
        );
        assert.match(
          await failing(only({ filterUser: nothing }, 'getSessions')),
          /Missing required property: User ID\./,
        );
      }
      assert.equal((await server.verify(token)).active, true);
    });

    test('for a user without sessions nothing comes out, or one empty item with the option', async () => {
      const empty = async (options: IDataObject) =>
        (await n8n.run(only({ userId: 'nobody at all', options }, 'getUserSessions'))).json('Curfew');
      assert.deepEqual([await empty({}), await empty({ emptyItem: true })], [[], [{}]]);
    });

    test('Get Many lists the sessions that have ended too, unless its status excludes them', async () => {
      const { session } = await server.createSession('listed');
      await server.call('DELETE', `/v1/sessions/${session.id}`);
      const list = async (more: object) =>
        (await n8n.run(only({ filterUser: 'listed', ...more }, 'getSessions'))).json('Curfew').map(({ id }) => id);
      assert.deepEqual([await list({}), await list({ filterStatus: 'active' })], [[session.id], []]);
    });

    test('a wrong key, a server that is not Curfew, and an unreachable one each have their own error', async (t) => {
      n8n.keep('key', { url: server.url, apiKey: 'cfk_wrong' });
      assert.match(await failing(only({ userId: 'ada' }, 'getUserSessions')), /Curfew: The token is mistyped/);
      const { url } = await answering(t, (_request, response) =>
        response.setHeader('content-type', 'text/html').end('<h1>Hello</h1>'),
      );
      n8n.keep('key', { url, apiKey: server.key });
      assert.match(await failing(only({ userId: 'ada' }, 'getUserSessions')), /not as Curfew does\. Check the URL/);
      n8n.keep('key', { url: 'http://127.0.0.1:64999', apiKey: server.key });
      assert.match(
        await failing(only({ userId: 'ada' }, 'getUserSessions')),
        /cannot be reached: ECONNREFUSED\. Check the URL of the credential/,
      );
      n8n.keep('key', { url: 'nonsense', apiKey: server.key });
      assert.match(await failing(only({ userId: 'ada' }, 'getUserSessions')), /"nonsense" is not a URL/);
    });
  });

  test('ten executions at once sign in once, with their second factor; another URL requires another sign-in', async (t) => {
    const { id } = (await server.login()).body.account;
    const { secret } = await server.enrol(id);
    await server.call('DELETE', `/v1/users/${id}/sessions`);
    const person = { username: 'admin', password: adminPassword, totpSecret: secret };
    const signedIn = only(
      { authentication: 'signIn', userId: '={{ $json.user }}' },
      'createUserSession',
      [{ user: 'x' }],
      {
        credentials: { curfewSignInApi: { id: 'person', name: 'Sign-In' } },
      },
    );
    n8n.keep('person', { url: server.url, ...person });
    const ran = await Promise.all(Array.from({ length: 10 }, () => n8n.run(signedIn)));
    assert.deepEqual(
      ran.map(({ error }) => error?.message),
      Array.from({ length: 10 }, () => undefined),
    );
    assert.equal((await server.call('GET', `/v1/users/${id}/sessions`)).body.total, 1);
    const shown: unknown[] = [];
    const stranger = await answering(t, (request, response) => {
      shown.push(request.headers.authorization);
      response.writeHead(401, { 'content-type': 'application/json' }).end('{}');
    });
    n8n.keep('person', { url: stranger.url, ...person });
    assert.match((await n8n.run(signedIn)).error?.message ?? '', /Curfew answered 401/);
    assert.deepEqual(
      [stranger.seen.map(({ path }) => path), shown],
      [['/v1/login'], [undefined]],
      'it is called to sign in, and sent no session',
    );
  });

  describe('the test of a credential', () => {
    // Another account than that of the tests before, which has an authenticator by now.
    const person = { username: 'clerk', password: adminPassword };
    before(() => server.call('POST', '/v1/accounts', { ...person, roles: ['admin'] }));
    /** The function that n8n finds for a credential, called as n8n calls it. */
    const tested = async (name: string, data: Record<string, string | boolean>) => {
      const loader = Object.values(n8n.loaders).find(({ known }) => name in known.credentials);
      const { type } = loader!.getCredential(name);
      assert.equal(type.test, undefined, 'n8n would prefer it');
      const nodes = Object.keys(loader!.known.nodes).map((node) => loader!.getNode(node).type);
      const all = nodes.flatMap((node) => ('nodeVersions' in node ? Object.values(node.nodeVersions) : [node]));
      const functions = all.flatMap(({ description, methods }) =>
        (description.credentials ?? [])
          .filter((one) => one.name === name)
          .map(({ testedBy }) => methods?.credentialTest?.[String(testedBy)]),
      );
      assert.ok(functions.length > 0 && !functions.includes(undefined), 'every node that uses it names the function');
      const context = new core.CredentialTestContext(n8n.additionalData());
      return await functions[0]!.call(context, { id: '1', name, type: name, data });
    };

    test('asks the service itself, and shows its error', async () => {
      const ok = { status: 'OK', message: 'The service answers and accepts the credential.' };
      const { url, key: apiKey } = server;
      assert.deepEqual(await tested('curfewApi', { url, apiKey }), ok);
      assert.deepEqual(await tested('curfewSignInApi', { url, ...person }), ok);
      assert.deepEqual(await tested('curfewWahaApi', { url: `${url}/waha`, apiKey }), ok);
      assert.deepEqual(await tested('curfewDirectusApi', { url: `${url}/directus` }), ok);
      const wrong = await tested('curfewApi', { url, apiKey: 'cfk_wrong' });
      assert.deepEqual([wrong.status, /answered 401/.test(wrong.message)], ['Error', true]);
      const nobody = await tested('curfewSignInApi', { url, ...person, password: 'wrong' });
      assert.match(nobody.message, /^Curfew: /);
      const none = await tested('curfewApi', { url: 'http://127.0.0.1:64999', apiKey });
      assert.match(none.message, /cannot be reached: ECONNREFUSED/);
      assert.match((await tested('curfewApi', { url })).message, /Missing required property: API Key/);
    });

    test('N7.11: a page at the URL is not accepted as the service, and gets no secret by a redirect', async (t) => {
      const given = { apiKey: 'k', token: 't', userId: 'u', authToken: 't', clientKey: 'c', sessionToken: 's' };
      const others = {
        username: 'ada',
        password: 'p',
        clientId: 'c',
        clientSecret: 's',
        clientAuthentication: 'basic',
      };
      const page = await answering(t, (_, response) =>
        response.setHeader('content-type', 'text/html').end('<form>Sign in</form>'),
      );
      const target = await answering(t, (_, response) => response.end('{"kind":"key"}'));
      const redirect = await answering(t, (_, response) => response.writeHead(302, { location: target.url }).end());
      const names = Object.values(n8n.loaders).flatMap(({ known }) => Object.keys(known.credentials));
      assert.ok(names.length > 5);
      for (const name of names) {
        const { status, message } = await tested(name, { url: page.url, ...given, ...others });
        assert.equal(status, 'Error', name);
        assert.match(message, /not as .* does\. Check .*URL/, name);
        const redirected = await tested(name, { url: redirect.url, ...given, ...others });
        assert.match(redirected.message, /answered with a redirect/, name);
      }
      assert.deepEqual(target.seen, []);
    });
  });

  describe('stopping an execution', () => {
    const credentials = {
      token: { curfewApi: { id: 'key', name: 'Key' } },
      signIn: { curfewSignInApi: { id: 'person', name: 'Sign-In' } },
    };
    const creating = (authentication: keyof typeof credentials) =>
      only({ authentication, userId: 'ada' }, 'createUserSession', [{}], { credentials: credentials[authentication] });
    const keepFor = (url: string) => {
      n8n.keep('key', { url, apiKey: server.key });
      n8n.keep('person', { url, username: 'admin', password: adminPassword });
    };
    const signedIn = (response: ServerResponse) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"token":"cfs_x"}');

    for (const way of ['token', 'signIn'] as const) {
      test(`aborts the request under way, with a credential of the kind ${way}`, async (t) => {
        const asked = Promise.withResolvers<ServerResponse>();
        const { url } = await answering(t, (request, response) =>
          request.url === '/v1/login' ? signedIn(response) : asked.resolve(response),
        );
        keepFor(url);
        const execution = n8n.start(creating(way));
        const aborted = once(await asked.promise, 'close');
        execution.cancel();
        await aborted;
        const { error } = (await execution).data.resultData;
        assert.match(
          String(error?.message),
          /^The request to http:\S+ was canceled, because the execution was stopped/,
        );
      });
    }

    test('lets a sign-in finish, because other executions wait for it', async (t) => {
      const asked = Promise.withResolvers<ServerResponse>();
      const { url, seen } = await answering(t, (request, response) => {
        if (request.url === '/v1/login') return asked.resolve(response);
        return response.writeHead(200, { 'content-type': 'application/json' }).end('{"id":"x"}');
      });
      keepFor(url);
      const first = n8n.start(creating('signIn'));
      const login = await asked.promise;
      const second = n8n.run(creating('signIn'));
      first.cancel();
      signedIn(login);
      assert.equal((await second).told, '');
      assert.deepEqual(
        seen.map(({ path }) => path),
        ['/v1/login', '/v1/sessions'],
      );
    });
  });

  test('an expression in a credential is resolved for each item', async () => {
    n8n.keep('key', { url: '={{ $json.url }}', apiKey: '={{ $json.key }}' });
    const users = [
      { user: 'keyed', url: server.url, key: server.key },
      { user: 'keyed', url: server.url, key: server.key },
      { user: 'keyed', url: server.url, key: 'cfk_wrong' },
      { user: 'keyed', url: 'http://127.0.0.1:64999', key: server.key },
      { user: 'keyed', url: server.url, key: server.key },
    ];
    const ran = await n8n.run(
      only({ userId: '={{ $json.user }}' }, 'createUserSession', users, { onError: 'continueRegularOutput' }),
    );
    const codes = ran.json('Curfew').map(({ error }) => (error as IDataObject | undefined)?.['code']);
    assert.deepEqual(codes, [undefined, undefined, 'token_malformed', 'unreachable', undefined]);
    assert.equal((await server.call('GET', '/v1/users/keyed/sessions')).body.total, 3);
  });

  describe('the examples', () => {
    test('have no expression that the editor would show in red: it does not know `inputs`', () => {
      const { properties } = n8n.loaders[curfewPackage.name]!.types.nodes.find(({ name }) => name === 'curfew')!;
      const files = readdirSync(join(curfewPackage.folder, 'examples'));
      const texts = files.map((file) => readFileSync(join(curfewPackage.folder, 'examples', file), 'utf8'));
      for (const text of [...texts, JSON.stringify(properties)]) assert.doesNotMatch(text, /inputs\[/);
    });

    for (const file of readdirSync(join(curfewPackage.folder, 'examples'))) {
      test(`${file} imports and runs`, async () => {
        const saved = JSON.parse(readFileSync(join(curfewPackage.folder, 'examples', file), 'utf8')) as Saved;
        const ran = await n8n.run(saved);
        assert.equal(ran.error?.message, undefined);
        for (const { name, type } of saved.nodes.filter(({ type }) => type.startsWith('n8n-nodes-curfew'))) {
          assert.ok(ran.json(name).length > 0, `${name} (${type}) had no output`);
        }
      });
    }
  });
});

/** Passes every call on to a server, while it is told to; otherwise it cuts the connection. */
async function relay(t: Closer, to: string, goesOn: (call: number) => Promise<boolean>): Promise<{ url: string }> {
  let calls = 0;
  return answering(t, async (request, response) => {
    calls += 1;
    let body = '';
    for await (const chunk of request) body += chunk;
    if (!(await goesOn(calls))) return request.socket.destroy();
    const answer = await fetch(to + request.url, {
      method: 'POST',
      headers: { authorization: String(request.headers.authorization), 'content-type': 'application/json' },
      body,
    });
    response.writeHead(answer.status, { 'content-type': 'application/json' });
    return response.end(await answer.text());
  });
}
