import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { after, afterEach, before, describe, type TestContext, test } from 'node:test';
import { TestServer } from '../../../packages/curfew/test/support/server.ts';
import { answering, counting, mute, proxy, type Seen } from '../../../packages/nodes/test/support/wire.ts';
import { curfewNode, curfewServer } from './support/curfew-node.ts';
import {
  type FlowNode,
  type Message,
  NodeRed,
  observed,
  packageFolder,
  type Sinks,
  sink,
  watcher,
} from './support/node-red.ts';

describe('the nodes in Node-RED', () => {
  let red: NodeRed;
  let server: TestServer;
  before(async () => {
    red = await NodeRed.start();
    server = await TestServer.start();
  });
  after(async () => {
    await red.close();
    await server.close();
  });

  const deploy = (node: FlowNode, outputs = 1, configuration: FlowNode = curfewServer(server.url, server.key)) =>
    red.deploy([configuration, ...observed(node, outputs)]);
  const first = (name: string): Promise<Message> => red.until((sinks) => sinks.get(name)?.[0]);

  describe('several inputs', () => {
    const joined = (more: object) =>
      curfewNode(
        'addAccessGroup',
        { userId: 'inputs[0].payload.user', accessGroups: 'inputs[1].payload.groups' },
        { userIdType: 'msg', accessGroupsType: 'msg', inputCount: 2, ...more },
      );

    test('messages of one origin are joined, in their order; msg.inputs contains them', async () => {
      const { token } = await server.createSession('ada');
      await deploy(joined({}));
      red.send('node', { _msgid: 'other', payload: { user: 'nobody' } });
      red.send('node', { _msgid: 'b', parts: { id: 'one', index: 1 }, payload: { groups: ['night'] } });
      red.send('node', { _msgid: 'a', parts: { id: 'one', index: 0 }, payload: { user: 'ada' } });
      const put = await first('out0');
      assert.deepEqual([put['payload'], put['inputs'].length], [{ user: 'ada' }, 2]);
      assert.deepEqual((await server.verify(token)).session.accessGroups, ['night']);
    });

    test('a message that does not arrive in time is an error', async () => {
      await deploy(joined({ inputTimeout: 50, errorManagement: 'manual' }), 2);
      red.send('node', { payload: { user: 'ada' } });
      const put = await first('out1');
      assert.equal(put['errors'][0].code, 'inputs_missing');
      assert.match(put['errors'][0].message, /Only 1 of 2 messages arrived within 50 ms/);
      assert.equal((await first('catch'))['error'].message, put['errors'][0].message);
    });
  });

  test('badges show what a node does, and the result', async () => {
    await server.createSession('ada');
    await deploy(curfewNode('getUserSessions', { userId: 'badge' }));
    red.send('node', {});
    const badges = await red.until((sinks) => {
      const all = (sinks.get('status') ?? []).map(({ status }) => [status.fill, status.text]);
      return all.length >= 2 && all;
    });
    assert.deepEqual(badges, [
      ['blue', 'working …'],
      ['green', '0 sessions'],
    ]);
  });

  test('a badge shows what was done, to how many, and how long it took to apply everywhere', async () => {
    const badgeAfter = async (node: FlowNode, outputs = 1) => {
      await deploy(node, outputs);
      red.send('node', {});
      return red.until((sinks) => {
        const texts = (sinks.get('status') ?? []).map(({ status }) => status.text as string);
        return texts.length >= 2 && texts.at(-1);
      });
    };
    const person = { userId: 'badges' };
    assert.equal(await badgeAfter(curfewNode('createUserSession', person)), 'created');
    const { session, token } = await server.createSession('badges');
    assert.equal(await badgeAfter(curfewNode('verifySession', { sessionToken: token }), 2), 'active');
    const groups = { ...person, accessGroups: 'staff' };
    assert.equal(await badgeAfter(curfewNode('addAccessGroup', groups)), 'groups added');
    const known = { ...person, sessionToken: session.id };
    assert.equal(await badgeAfter(curfewNode('getUserSession', known), 2), 'found');
    assert.match(await badgeAfter(curfewNode('deleteUserSession', known)), /^ended, \d+ ms$/);
    assert.equal(await badgeAfter(curfewNode('getUserSession', known), 2), 'not found');
    assert.match(await badgeAfter(curfewNode('deleteUserSessions', person)), /^1 ended, \d+ ms$/);
    const logOut = { id: 'node', type: 'curfew-log-out', service: 'curfew', curfewServer: 'server', curfewBy: 'id' };
    const named = { curfewSessionId: session.id, curfewSessionIdType: 'str' };
    assert.match(await badgeAfter({ ...logOut, ...named } as FlowNode), /^ended, \d+ ms$/);
  });

  describe('a node that is removed or deployed again', () => {
    const node = (id: string, more: object) =>
      curfewNode('getUserSessions', { userId: id }, { id, errorManagement: 'manual', ...more });
    const resultsOf = (sinks: Sinks, id: string) => (sinks.get('out0') ?? []).filter(({ of }) => of === id).length;
    const requestsOf = (seen: readonly Seen[], id: string) => seen.filter(({ path }) => path.includes(`/users/${id}/`));

    test('sends nothing that still waited for its batch, shows no badge any more, and completes nothing else', async (t) => {
      const { url, seen } = await counting(t, server.url);
      // Long enough for the next deployment to come within the first pause, on a busy machine too.
      const batches = { batchSize: 1, batchInterval: 1500 };
      const both = ['removed', 'next'];
      const watchers = [...watcher('complete', both, 'completed'), ...watcher('catch', both, 'failed')];
      const deployModified = (id: string) =>
        red.deploy([curfewServer(url, server.key), ...observed(node(id, batches), 1), ...watchers], 'nodes');
      const completed = (sinks: Sinks) => (sinks.get('completed') ?? []).map(({ of }) => of);
      await deployModified('removed');
      for (let i = 0; i < 5; i++) red.send('removed', { of: 'removed' });
      await red.until((sinks) => resultsOf(sinks, 'removed') === 1 && completed(sinks).length === 1);
      await deployModified('next');
      const soFar = () => [requestsOf(seen, 'removed').length, red.badges.filter(({ id }) => id === 'removed').length];
      const [sent, shown] = soFar();
      // Those of the next node take longer than the pause that the removed one had begun.
      for (let i = 0; i < 3; i++) red.send('next', { of: 'next' });
      await red.until((sinks) => resultsOf(sinks, 'next') === 3 && completed(sinks).length >= 3);
      assert.deepEqual(soFar(), [sent, shown]);
      assert.deepEqual(completed(red.sinks), ['next', 'next', 'next']);
      assert.deepEqual(red.sinks.get('failed'), undefined);
    });

    test('sends nothing that still waited for other requests', async (t) => {
      const held: ServerResponse[] = [];
      const full = Promise.withResolvers<void>();
      const slow = await answering(t, (_, response) => {
        if (held.push(response) === 16) full.resolve();
        if (held.length > 16) response.writeHead(503).end();
      });
      await deploy(node('removed', {}), 2, curfewServer(slow.url, server.key));
      for (let i = 0; i < 48; i++) red.send('removed', {});
      await full.promise;
      await deploy(node('next', {}), 2, curfewServer(slow.url, server.key));
      red.send('next', {});
      for (const one of held) one.writeHead(503).end();
      await red.until(() => requestsOf(slow.seen, 'next').length === 1);
      assert.equal(requestsOf(slow.seen, 'removed').length, 16);
    });
  });

  describe('secrets', () => {
    // Node-RED keeps those of a node as long as the flow has one with its id.
    afterEach(() => red.deploy([]));

    /** What the editor saves: the flow contains nothing of a credential. */
    const savedFlow = async () => {
      const response = await fetch(`${red.url}/flows`, { headers: { 'node-red-api-version': 'v2' } });
      return JSON.stringify(await response.json());
    };

    test('a typed token is a credential; in an earlier flow it is in its field', async () => {
      const { token } = await server.createSession('ada');
      const node = curfewNode('verifySession', {}, { sessionToken: '', sessionTokenType: 'cred' });
      await deploy({ ...node, credentials: { sessionTokenSecret: token } }, 2);
      red.send('node', {});
      assert.equal((await first('out0'))['payload'].userId, 'ada');
      assert.equal((await savedFlow()).includes(token), false);
      await deploy(curfewNode('verifySession', {}, { sessionToken: token, sessionTokenType: 'str' }), 2);
      red.send('node', {});
      assert.equal((await first('out0'))['payload'].userId, 'ada');
      await deploy({ ...node, credentials: { sessionTokenSecret: '' } }, 2);
      red.send('node', {});
      assert.match((await first('catch'))['error'].message, /Missing required property: Session Token/);
    });

    test('user and password of a proxy are credentials; in an earlier flow they are in its URL', async (t) => {
      const { url, seen } = await proxy(t, 'p@ss word');
      const { host } = new URL(url);
      const node = curfewNode('getUserSessions', { userId: 'ada' }, { proxy: `http://${host}` });
      await deploy({ ...node, credentials: { proxyUser: 'flow', proxyPassword: 'p@ss word' } });
      red.send('node', {});
      await first('out0');
      assert.equal(seen.length, 1);
      assert.equal((await savedFlow()).includes('p@ss'), false);
      await deploy({ ...node, proxy: `http://flow:${encodeURIComponent('p@ss word')}@${host}` });
      red.send('node', {});
      await first('out0');
      assert.equal(seen.length, 2);
    });

    describe('kept for one URL', () => {
      const list = curfewNode('getUserSessions', { userId: 'of-no-sessions' });
      const verify = curfewNode('verifySession', {}, { sessionToken: '', sessionTokenType: 'cred' });
      const outcome = async (): Promise<Message> => {
        red.send('node', {});
        return red.until((sinks) => sinks.get('out0')?.[0] ?? sinks.get('out1')?.[0] ?? sinks.get('catch')?.[0]);
      };
      /** The servers see no request at all, and the error says what to do. */
      const assertRefused = async (...strangers: { seen: readonly Seen[] }[]) => {
        const { error } = await outcome();
        assert.match(
          error?.message ?? '',
          /The kept “.*” was given for .* is not sent to .* Enter “.*” again for this URL/,
        );
        for (const { seen } of strangers) assert.deepEqual(seen, []);
      };
      const assertListed = async () => {
        const { payload, error } = await outcome();
        assert.deepEqual([payload, error], [[], undefined]);
      };
      const stranger = (t: TestContext) => answering(t, (_, response) => response.end('{"token":"cfs_theirs"}'));
      const without = ({ credentials: _, ...node }: FlowNode): FlowNode => node as FlowNode;

      test('N7.9: a server’s kept secret is not sent to a URL that is deployed later; one that is entered for it is', async (t) => {
        const [other, known] = [await stranger(t), await counting(t, server.url)];
        const kept = curfewServer(server.url, server.key);
        await deploy(list, 1, kept);
        await deploy(list, 1, { ...without(kept), url: other.url });
        await assertRefused(other);
        // The URL for which it was given, in another form; and a new one, with the secret.
        await deploy(list, 1, { ...without(kept), url: `${server.url}/` });
        await assertListed();
        await deploy(list, 1, curfewServer(known.url, server.key));
        await assertListed();
        await deploy(list, 1, without(kept));
        await assertRefused();
      });

      test('N7.9: nor is it after one of the other secrets was replaced alone', async (t) => {
        const other = await stranger(t);
        const signIn = { id: 'server', type: 'curfew-server', way: 'signIn', username: 'ada' };
        const credentials = { password: 'the password of ada', totpSecret: 'JBSWY3DPEHPK3PXP' };
        await deploy(list, 1, { ...signIn, url: server.url, credentials });
        for (const secret of Object.keys(credentials)) {
          const replaced = {
            ...credentials,
            password: '__PWRD__',
            totpSecret: '__PWRD__',
            [secret]: 'JBSWY3DPEHPK3PXP',
          };
          await deploy(list, 1, { ...signIn, url: server.url, credentials });
          await deploy(list, 1, { ...signIn, url: other.url, credentials: replaced });
          await assertRefused(other);
        }
      });

      test('N7.9: nor is one that was kept while its node was disabled', async (t) => {
        const other = await stranger(t);
        const kept = curfewServer(server.url, server.key);
        await deploy(list, 1, { ...kept, d: true });
        await deploy(list, 1, { ...without(kept), url: other.url });
        await assertRefused(other);
        await deploy(list, 1, without(kept));
        await assertListed();
      });

      test('N7.9: nor is one of an earlier version, once a flow has run with it, even after a restart', async (t) => {
        const other = await stranger(t);
        const kept = curfewServer(server.url, server.key);
        // Saved before the flow has run: as by an earlier version, without its URL.
        await deploy(list, 1, kept);
        await red.deploy([], 'reload');
        await assertListed();
        await deploy(list, 1, { ...without(kept), url: other.url });
        await assertRefused(other);
        await red.deploy([], 'reload');
        await assertRefused(other);
      });

      test('N7.9: a token that is kept in a node is not sent to another server', async (t) => {
        const other = await stranger(t);
        const { token } = await server.createSession('ada');
        const second = { ...curfewServer(other.url, 'cfk_theirs'), id: 'second' };
        const flow = (node: FlowNode) => [curfewServer(server.url, server.key), second, ...observed(node, 2)];
        await red.deploy(flow({ ...verify, credentials: { sessionTokenSecret: token } }));
        assert.equal((await outcome())['payload'].userId, 'ada');
        await red.deploy(flow({ ...verify, server: 'second' }));
        await assertRefused(other);
      });

      test('N7.9: the password of a proxy is not sent to another proxy', async (t) => {
        const [own, other] = [await proxy(t, 'a password'), await stranger(t)];
        const credentials = { proxyUser: 'flow', proxyPassword: 'a password' };
        await deploy({ ...list, proxy: own.url, credentials });
        await assertListed();
        await deploy({ ...list, proxy: other.url });
        await assertRefused(other);
      });

      test('a URL and a secret may come from the environment, which belongs to no URL', async (t) => {
        const known = await counting(t, server.url);
        const [url, key] = ['CURFEW_TEST_NODE_URL', 'CURFEW_TEST_NODE_KEY'];
        t.after(() => {
          for (const name of [url, key]) delete process.env[name];
        });
        Object.assign(process.env, { [url]: server.url, [key]: server.key });
        const configuration = curfewServer(`\${${url}}`, `\${${key}}`);
        await deploy(list, 1, configuration);
        await assertListed();
        Object.assign(process.env, { [url]: known.url });
        await deploy(list, 1, without(configuration));
        await assertListed();
        // A secret that is kept belongs to what the URL was, not to the name of the variable.
        await deploy(list, 1, curfewServer(`\${${url}}`, server.key));
        await assertListed();
        Object.assign(process.env, { [url]: server.url });
        await deploy(list, 1, without(configuration));
        await assertRefused();
      });
    });
  });

  test('a node without a proxy uses the environment’s, except for hosts in NO_PROXY', async (t) => {
    const { url, seen } = await proxy(t);
    const environment = (more: NodeJS.ProcessEnv) => Object.assign(process.env, more);
    t.after(() => {
      for (const name of ['HTTP_PROXY', 'NO_PROXY']) delete process.env[name];
    });
    const once = async () => {
      await deploy(curfewNode('getUserSessions', { userId: 'ada' }));
      red.send('node', {});
      return red.until((sinks) => sinks.get('out0')?.[0] ?? sinks.get('catch')?.[0]);
    };
    environment({ HTTP_PROXY: url });
    await once();
    assert.deepEqual(
      seen.map(({ path }) => new URL(path).origin),
      [server.url],
    );
    environment({ NO_PROXY: '127.0.0.1' });
    await once();
    assert.equal(seen.length, 1);
    environment({ NO_PROXY: '', HTTP_PROXY: 'http://127.0.0.1:64999' });
    assert.match((await once())['error'].message, /through the proxy.*the variables HTTP_PROXY, HTTPS_PROXY/);
  });

  describe('bad input', () => {
    const caught = async (node: FlowNode, configuration?: FlowNode): Promise<string> => {
      await deploy(node, 1, configuration);
      red.send('node', { payload: {} });
      return (await first('catch'))['error'].message;
    };
    const list = (more: object = {}) => curfewNode('getUserSessions', { userId: 'ada' }, more);

    test('an expression that returns nothing or fails, and a node without a server, are errors', async () => {
      assert.match(
        await caught(list({ userId: 'payload.nobody', userIdType: 'msg' })),
        /Session User ID\. It is undefined/,
      );
      assert.match(
        await caught(list({ userId: '$nothing(', userIdType: 'jsonata' })),
        /expression of “Session User ID” fails/,
      );
      assert.match(await caught(list({ server: '' })), /The node has no Curfew server\. Choose or add one/);
    });

    test('a parameter that spares a session must not be empty if given', async () => {
      const { token } = await server.createSession('spared');
      const node = curfewNode('deleteUserSessions', { userId: 'spared', exceptSessionId: 'payload.nothing' });
      assert.match(
        await caught({ ...node, exceptSessionIdType: 'msg' }),
        /Missing required property: Except Session ID\./,
      );
      assert.equal((await server.verify(token)).active, true);
      await deploy({ ...node, exceptSessionId: '' });
      red.send('node', { payload: {} });
      assert.equal((await first('out0'))['payload'].ended, 1);
    });

    test('a wrong key, a server that is not Curfew, an unreachable one, and one that does not answer in time', async (t) => {
      assert.match(await caught(list(), curfewServer(server.url, 'cfk_wrong')), /Curfew: The token is mistyped/);
      const page = await answering(t, (_, response) =>
        response.setHeader('content-type', 'text/html').end('<p>Hello</p>'),
      );
      assert.match(await caught(list(), curfewServer(page.url, server.key)), /not as Curfew does\. Check the URL/);
      assert.match(
        await caught(list(), curfewServer('http://127.0.0.1:64999', server.key)),
        /cannot be reached: ECONNREFUSED/,
      );
      const trickle = await answering(t, (_, response) => {
        response.write('{');
      });
      assert.match(
        await caught(list({ timeout: 100 }), curfewServer(trickle.url, server.key)),
        /did not answer within 100 ms/,
      );
    });

    test('a proxy that accepts a connection and never answers is late like any other server', async (t) => {
      const { url } = await mute(t);
      for (const target of ['https://127.0.0.1:64998', 'http://127.0.0.1:64998']) {
        const message = await caught(list({ timeout: 100, proxy: url }), curfewServer(target, server.key));
        assert.match(message, /did not answer within 100 ms/, target);
      }
    });

    test('500 messages of which three fail: 497 results and three errors', async () => {
      await deploy(
        curfewNode('createUserSession', { userId: 'payload' }, { userIdType: 'msg', errorManagement: 'manual' }),
        2,
      );
      const bad = [7, 250, 499];
      for (let i = 0; i < 500; i++) red.send('node', { payload: bad.includes(i) ? '' : `u${i}`, i });
      const [done, failed] = await red.until((sinks) => {
        const [done = [], failed = []] = [sinks.get('out0'), sinks.get('out1')];
        return done.length + failed.length === 500 && [done, failed];
      });
      assert.equal(done.length, 497);
      assert.deepEqual(
        failed.map(({ i }) => i),
        bad,
      );
    });

    test('of many messages 16 are in progress at once, and the timeout of the others begins with their turn', async (t) => {
      const open: ServerResponse[] = [];
      let most = 0;
      const slow = await answering(t, (_, response) => {
        most = Math.max(most, open.push(response));
        if (open.length < 16) return;
        // Longer than the timeout if it counted from the arrival: the last messages wait for two rounds.
        setTimeout(() => {
          for (const one of open.splice(0)) one.writeHead(503).end();
        }, 3500);
      });
      await deploy(list({ timeout: 6000, errorManagement: 'manual' }), 2, curfewServer(slow.url, server.key));
      for (let i = 0; i < 48; i++) red.send('node', { payload: {} });
      const failed = await red.until((sinks) => sinks.get('out1')?.length === 48 && sinks.get('out1'));
      assert.equal(most, 16);
      assert.deepEqual(new Set(failed.map(({ errors }) => errors[0].code)), new Set(['not_curfew']));
    });

    test('through a proxy that is down every message fails at once, and none is kept to be sent later', async () => {
      for (const target of ['https://127.0.0.1:64998', 'http://127.0.0.1:64998']) {
        const node = list({ proxy: 'http://127.0.0.1:64999', errorManagement: 'manual' });
        await deploy(node, 2, curfewServer(target, server.key));
        for (let i = 0; i < 48; i++) red.send('node', { payload: {} });
        const failed = await red.until((sinks) => sinks.get('out1')?.length === 48 && sinks.get('out1'));
        assert.deepEqual(new Set(failed.map(({ errors }) => errors[0].code)), new Set(['unreachable']), target);
      }
    });
  });

  describe('a sign-in', () => {
    /** An account that has a factor, and no session. */
    const enrolled = async () => {
      const person = { username: `person-${randomUUID()}`, password: 'a password of this account' };
      const { id } = (await server.call('POST', '/v1/accounts', { ...person, roles: ['admin'] })).body.account;
      const { secret } = await server.enrol(id);
      const configuration: FlowNode = {
        id: 'server',
        type: 'curfew-server',
        url: server.url,
        way: 'signIn',
        username: person.username,
        credentials: { password: person.password, totpSecret: secret },
      };
      const count = async () => (await server.call('GET', `/v1/users/${id}/sessions`)).body.total;
      return { id, configuration, count };
    };

    test('happens once for all messages, with its second factor, and again after its session has ended', async () => {
      const { id, configuration, count } = await enrolled();
      await deploy(curfewNode('getUserSessions', { userId: 'ada' }), 1, configuration);
      red.send('node', {});
      await first('out0');
      red.send('node', {});
      await red.until((sinks) => sinks.get('out0')?.length === 2);
      assert.equal(await count(), 1);
      await server.call('DELETE', `/v1/users/${id}/sessions`);
      red.send('node', {});
      await red.until((sinks) => sinks.get('out0')?.length === 3);
      assert.equal(await count(), 1);
    });

    test('N7.8: ten messages at once sign in once', async () => {
      const { configuration, count } = await enrolled();
      await deploy(curfewNode('createUserSession', { userId: 'payload' }, { userIdType: 'msg' }), 1, configuration);
      for (let i = 0; i < 10; i++) red.send('node', { payload: `once-${i}` });
      await red.until((sinks) => sinks.get('out0')?.length === 10 || sinks.get('catch'));
      assert.deepEqual(red.sinks.get('catch') ?? [], []);
      assert.equal(await count(), 1);
    });

    test('N7.9: “Test” in the editor tries the typed values, with the stored password if none is typed', async (t) => {
      await deploy(curfewNode('getUserSessions', { userId: 'ada' }));
      const ask = async (fields: object) => {
        const response = await fetch(`${red.url}/curfew/test`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({
            id: 'server',
            service: 'curfew',
            fields: { way: 'token', url: server.url, ...fields },
            ...('id' in fields && { id: fields.id }),
          }),
        });
        return (await response.json()) as { ok: boolean; message: string };
      };
      assert.deepEqual(await ask({ apiKey: '__PWRD__' }), {
        ok: true,
        message: 'Curfew answers and accepts the credentials.',
      });
      assert.equal((await ask({ apiKey: server.key })).ok, true);
      const wrong = await ask({ apiKey: 'cfk_wrong' });
      assert.deepEqual([wrong.ok, /answered 401/.test(wrong.message)], [false, true]);
      assert.match((await ask({ apiKey: '' })).message, /Missing required property: API Key/);
      assert.equal((await ask({ apiKey: '__PWRD__', url: `${server.url}/` })).ok, true);
      const stranger = await answering(t, (_, response) => response.end('{}'));
      const elsewhere = await ask({ apiKey: '__PWRD__', url: stranger.url });
      assert.deepEqual([elsewhere.ok, stranger.seen.length], [false, 0], 'the stored secret is not sent there');
      assert.match(elsewhere.message, /Type it again/);
      assert.match((await ask({ apiKey: '__PWRD__', id: 'node' })).message, /Type it again/);
      const page = await ask({ apiKey: server.key, url: stranger.url });
      assert.deepEqual([page.ok, /not as this service does/.test(page.message)], [false, true], 'N7.11');
      stranger.seen.length = 0;
      await red.deploy([{ id: 'server', type: 'curfew-server', url: stranger.url, way: 'token' }]);
      assert.match(
        (await ask({ apiKey: '__PWRD__', url: stranger.url })).message,
        /Enter “API Key” again for this URL/,
      );
      assert.equal(stranger.seen.length, 0);
    });
  });

  describe('the examples', () => {
    for (const file of readdirSync(join(packageFolder, 'examples'))) {
      test(`${file} imports and runs`, async () => {
        const saved = JSON.parse(readFileSync(join(packageFolder, 'examples', file), 'utf8')) as FlowNode[];
        // The same flow with the address and the key of this server; its debug nodes become sinks.
        const flow = saved.map((node) => {
          if (node.type === 'curfew-server') return { ...node, url: server.url, credentials: { apiKey: server.key } };
          if (node.type !== 'debug') return node;
          return { ...sink(node['name']), id: node.id, z: node['z'] };
        });
        if (file === 'Log out.json') await server.createSession('ada', { name: 'front-desk' });
        const catching = [
          { id: 'all', type: 'catch', z: saved[0]?.id, x: 1, y: 1, scope: null, uncaught: true, wires: [['all-sink']] },
          { ...sink('uncaught'), id: 'all-sink', z: saved[0]?.id },
        ] as FlowNode[];
        await red.deploy([...flow, ...catching]);
        const [start] = saved.filter(({ type }) => type === 'inject');
        red.send(start?.['wires'][0][0], { payload: JSON.parse(start?.['payload']) });
        const wanted = lastOf(saved, start);
        const put = await red.until((sinks) => sinks.get(wanted) ?? sinks.get('uncaught'));
        assert.equal(red.sinks.has('uncaught'), false, JSON.stringify(put[0]?.['error']));
      });
    }
  });

  /** The name of the debug node at the end of the first path from a node. */
  function lastOf(flow: FlowNode[], from: FlowNode | undefined): string {
    let at = from;
    while (at && at.type !== 'debug')
      at = flow.find(({ id }) => id === at?.['wires'].find((ids: string[]) => ids.length > 0)?.at(-1));
    return at?.['name'];
  }
});
