import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { errorsOutput, serverTypeOf, services, typeOf } from 'curfew-nodes';
import { TestServer } from '../../../packages/curfew/test/support/server.ts';
import { loggedOut, logOutOf, modesOf, Passes } from '../../../packages/nodes/test/support/passes.ts';
import { type Live, refusedBy, type Target, targets } from '../../../packages/nodes/test/support/targets.ts';
import { type Closer, counting, pauses, proxy, selfSigned, silent } from '../../../packages/nodes/test/support/wire.ts';
import { type FlowNode, type Message, NodeRed, observed, thisEngine } from './support/node-red.ts';

describe('Log Out in Node-RED', () => {
  const passes = new Passes(thisEngine, 'log-out');
  let red: NodeRed;
  let server: TestServer;
  const closers: (() => void)[] = [];
  const shared: Closer = { after: (done) => closers.push(done) };
  before(async () => {
    red = await NodeRed.start();
    server = await TestServer.start();
  });
  after(async () => {
    passes.keep();
    for (const close of closers) close();
    await red.close();
    await server.close();
  });

  for (const target of targets) {
    describe(target.service, () => {
      let opened: Awaited<ReturnType<Target['open']>>;
      before(async () => {
        opened = await target.open(server, shared);
      });

      /** Sends the node one message per session, which its fields read; returns the output. */
      async function run(
        items: Record<string, unknown>[],
        { url = opened.url, options = {} } = {},
      ): Promise<Message[]> {
        const service = services.find(({ name }) => name === target.service);
        const fields = service?.credentials.find(({ way }) => way === 'token')?.fields ?? [];
        const given = { ...opened.fields, url } as Record<string, unknown>;
        const part = (isSecret: boolean) =>
          Object.fromEntries(
            fields.filter(({ kind }) => (kind === 'secret') === isSecret).map(({ name }) => [name, given[name]]),
          );
        const configuration = {
          id: 'the-server',
          type: serverTypeOf(target.service),
          way: 'token',
          ...part(false),
          credentials: part(true),
        } as FlowNode;
        const parameters = Object.keys(items[0] ?? {}).flatMap((name) => {
          const isChoice = service?.parameters.find((one) => one.name === name)?.kind === 'choice';
          return isChoice
            ? [[name, items[0]?.[name]]]
            : [
                [name, `payload.${name}`],
                [`${name}Type`, 'msg'],
              ];
        });
        const node = {
          id: 'the-node',
          type: typeOf('logOut'),
          service: target.service,
          [`${target.service}Server`]: 'the-server',
          directusCheck: true,
          ...Object.fromEntries(parameters),
          ...options,
        } as FlowNode;
        await red.deploy([configuration, ...observed(node, node['errorManagement'] === 'manual' ? 2 : 1)]);
        for (const payload of items) red.send('the-node', { payload });
        return red.until((sinks) => {
          const all = [...(sinks.get('out0') ?? []), ...(sinks.get('catch') ?? [])];
          return all.length === items.length && all;
        });
      }

      const at = (base: string) => base + new URL(opened.url).pathname;
      const upstream = () => new URL(opened.url).origin;
      const errorOf = ([message]: Message[]) => message?.['error']?.message ?? '';

      async function isOver({ over, answer }: Live, [message]: Message[]): Promise<void> {
        assert.equal(message?.['error']?.message, undefined);
        const { success, service, message: text, ...rest } = message?.['payload'] ?? {};
        assert.deepEqual([success, service, typeof text], [true, target.service, 'string']);
        for (const [key, value] of Object.entries(answer)) assert.deepEqual(rest[key], value);
        assert.ok('response' in rest);
        await over();
      }

      for (const mode of modesOf['Node-RED']) {
        const options = { errorManagement: mode === 'catch' ? 'automatic' : 'manual' };
        const pass = (output: string) => passes.note(logOutOf(target.service), output, mode);
        const fired = () => ['out0', 'out1', 'catch'].map((name) => red.sinks.get(name)?.length ?? 0);

        test(`ends a session, which is then refused, with ${options.errorManagement} errors`, async () => {
          const live = await opened.live();
          await isOver(live, await run([live.parameters], { options }));
          assert.deepEqual(fired(), [1, 0, 0]);
          pass(loggedOut);
        });

        test(`reports a refusal, with ${options.errorManagement} errors`, async () => {
          const { parameters, message } = refusedBy(target);
          const put = await run([parameters], { options });
          assert.match(errorOf(put), message);
          if (mode === 'error output') assert.match(red.sinks.get('out1')?.[0]?.['errors'][0].message, message);
          assert.deepEqual(fired(), [0, mode === 'catch' ? 0 : 1, 1]);
          pass(errorsOutput.name);
        });
      }

      test('reports an unknown session', async () => {
        const { parameters, code, message } = target.unknown;
        const put = await run([parameters]);
        assert.match(code === undefined ? put[0]?.['payload'].message : errorOf(put), message);
      });

      test('if a server does not answer in time, the error says to raise the timeout', async (t) => {
        const live = await opened.live();
        const { url } = await silent(t);
        const put = await run([live.parameters], { url: at(url), options: { timeout: 150 } });
        assert.match(errorOf(put), /did not answer within 150 ms\. Raise the option “Timeout \(Ms\)”/);
      });

      test('an untrusted certificate is refused, and accepted with the option', async (t) => {
        const live = await opened.live();
        const { url } = await selfSigned(t, upstream());
        const refused = await run([live.parameters], { url: at(url) });
        assert.match(errorOf(refused), /certificate of 127\.0\.0\.1:\d+ is not trusted.*Ignore SSL Issues/);
        await isOver(live, await run([live.parameters], { url: at(url), options: { allowUnauthorizedCerts: true } }));
      });

      test('goes through a proxy, plain and over TLS', async (t) => {
        const [plain, tunnelled] = [await opened.live(), await opened.live()];
        const { url, seen } = await proxy(t, 'secret');
        await isOver(plain, await run([plain.parameters], { options: { proxy: url } }));
        assert.ok(seen.length > 0 && seen.every(({ path }) => path.startsWith(upstream())), JSON.stringify(seen));
        seen.length = 0;
        const secure = await selfSigned(t, upstream());
        const options = { proxy: url, allowUnauthorizedCerts: true };
        await isOver(tunnelled, await run([tunnelled.parameters], { url: at(secure.url), options }));
        assert.ok(seen.length > 0 && seen.every(({ method }) => method === 'CONNECT'), JSON.stringify(seen));
      });

      test('sends a batch of requests, then pauses', async (t) => {
        const lives = [await opened.live(), await opened.live(), await opened.live(), await opened.live()];
        const first = Object.keys(lives[0]?.parameters ?? {}).at(-1);
        const items = lives.map(({ parameters }) => parameters).filter((one) => Object.keys(one).at(-1) === first);
        const { url, seen } = await counting(t, upstream());
        const batchSize = items.length / 2;
        const put = await run(items, { url: at(url), options: { batchSize, batchInterval: 1600 } });
        assert.equal(errorOf(put), '');
        // The first request of each item; for Directus that is the check of the token.
        const check = seen.filter(({ path }) => /refresh$/.test(path));
        const ends = check.length > 0 ? check : seen.filter(({ path }) => /logout$|signout$|revoke$/.test(path));
        assert.equal(ends.length, items.length);
        assert.deepEqual(pauses(ends, 800), [batchSize], JSON.stringify(ends));
      });
    });
  }
});
