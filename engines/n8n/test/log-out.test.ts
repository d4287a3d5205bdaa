import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { errorsOutput, services } from 'curfew-nodes';
import type { IDataObject } from 'n8n-workflow';
import { TestServer } from '../../../packages/curfew/test/support/server.ts';
import { loggedOut, logOutOf, modesOf, Passes } from '../../../packages/nodes/test/support/passes.ts';
import { type Live, refusedBy, type Target, targets } from '../../../packages/nodes/test/support/targets.ts';
import {
  answering,
  type Closer,
  counting,
  pauses,
  proxy,
  selfSigned,
  silent,
} from '../../../packages/nodes/test/support/wire.ts';
import { isOfN8n1, onErrorOf, thisEngine } from './support/engine.ts';
import { logOutPackage, N8n, node, type Ran, type Saved, source, wires } from './support/n8n.ts';

describe('Log Out in n8n', () => {
  const passes = new Passes(thisEngine, 'log-out');
  let n8n: N8n;
  let server: TestServer;
  const closers: (() => void)[] = [];
  const shared: Closer = { after: (done) => closers.push(done) };
  before(async () => {
    n8n = await N8n.load();
    server = await TestServer.start();
  });
  after(async () => {
    passes.keep();
    for (const close of closers) close();
    await server.close();
  });

  for (const target of targets) {
    describe(target.service, () => {
      let opened: Awaited<ReturnType<Target['open']>>;
      before(async () => {
        opened = await target.open(server, shared);
      });

      /** Runs the node with one item per session, which its expressions read. */
      async function run(
        items: Record<string, unknown>[],
        { url = opened.url, options = {}, onError = 'stopWorkflow' as (typeof onErrorOf)[keyof typeof onErrorOf] } = {},
      ): Promise<Ran> {
        const { service } = target;
        const isCurfew = service === 'curfew';
        const { name = '' } = services
          .find((one) => one.name === service)!
          .credentials.find(({ way }) => way === 'token')!;
        n8n.keep('credential', { ...opened.fields, url } as never);
        const taken = Object.keys(items[0] ?? {}).map((key) => [
          key,
          key.endsWith('By') ? items[0]?.[key] : `={{ $json.${key} }}`,
        ]);
        return n8n.run({
          nodes: [
            source(items),
            node(
              'Log Out',
              isCurfew ? 'n8n-nodes-curfew.logOut' : 'n8n-nodes-log-out.logOut',
              { ...(!isCurfew && { service }), ...Object.fromEntries(taken), options } as IDataObject,
              {
                typeVersion: isCurfew ? 2 : 1,
                credentials: { [name]: { id: 'credential', name: 'Credential' } },
                onError,
              },
            ),
          ],
          connections: wires(['Start', 0, 'Log Out', 0]),
        });
      }

      /** The path of the service behind another server that leads there. */
      const at = (base: string) => base + new URL(opened.url).pathname;
      const upstream = () => new URL(opened.url).origin;

      async function isOver({ over, answer }: Live, ran: Ran): Promise<void> {
        assert.equal(ran.error?.message, undefined);
        const [json] = ran.json('Log Out') as [IDataObject];
        assert.deepEqual([json['success'], json['service'], typeof json['message']], [true, target.service, 'string']);
        for (const [key, value] of Object.entries(answer)) assert.deepEqual(json[key], value);
        assert.ok('response' in json);
        await over();
      }

      for (const mode of modesOf['n8n-core']) {
        const onError = onErrorOf[mode];
        const pass = (output: string) => passes.note(logOutOf(target.service), output, mode);

        test(`ends a session, which is then refused, with On Error: ${mode}`, async () => {
          const live = await opened.live();
          const ran = await run([live.parameters], { onError });
          await isOver(live, ran);
          assert.deepEqual(ran.json('Log Out', 1), []);
          pass(loggedOut);
        });

        test(`reports a refusal, with On Error: ${mode}`, async () => {
          const { parameters, message } = refusedBy(target);
          const ran = await run([parameters], { onError });
          const put = [0, 1].map((output) => ran.json('Log Out', output) as { error?: { message: string } }[]);
          assert.match(mode === 'stop' ? ran.told : (put.flat()[0]?.error?.message ?? ''), message);
          const wanted = { stop: [0, 0], continue: [1, 0], 'error output': [0, 1] }[mode];
          assert.deepEqual([put.map(({ length }) => length), Boolean(ran.error)], [wanted, mode === 'stop']);
          pass(errorsOutput.name);
        });
      }

      test('reports an unknown session', async () => {
        const { parameters, code, message } = target.unknown;
        const ran = await run([parameters], { onError: 'continueRegularOutput' });
        const [json] = ran.json('Log Out') as [{ message?: string; error?: { code: string; message: string } }];
        assert.equal(json.error?.code, code);
        assert.match(json.error?.message ?? json.message ?? '', message);
      });

      test('if a server does not answer in time, the error says to raise the timeout', async (t) => {
        const live = await opened.live();
        const { url } = await silent(t);
        const begun = performance.now();
        const { told } = await run([live.parameters], { url: at(url), options: { timeout: 150 } });
        assert.match(told, /did not answer within 150 ms\. Raise the option “Timeout \(Ms\)”/);
        assert.ok(performance.now() - begun < 5000);
      });

      test('an untrusted certificate is refused, and accepted with the option', async (t) => {
        const live = await opened.live();
        const { url } = await selfSigned(t, upstream());
        const { told } = await run([live.parameters], { url: at(url) });
        assert.match(told, /certificate of 127\.0\.0\.1:\d+ is not trusted.*Ignore SSL Issues/);
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
        const ran = await run([tunnelled.parameters], { url: at(secure.url), options });
        if (isOfN8n1) assert.match(ran.told, /Through a proxy, this n8n always checks certificates/);
        else await isOver(tunnelled, ran);
        assert.ok(seen.length > 0 && seen.every(({ method }) => method === 'CONNECT'), JSON.stringify(seen));
      });

      test('sends a batch of requests, then pauses', async (t) => {
        const lives = [await opened.live(), await opened.live(), await opened.live(), await opened.live()];
        const sameKind = lives.filter(
          ({ parameters }) => Object.keys(parameters)[1] === Object.keys(lives[0]!.parameters)[1],
        );
        const { url, seen } = await counting(t, upstream());
        const items = sameKind.map(({ parameters }) => parameters);
        const options = { batchSize: items.length / 2, batchInterval: 1600 };
        const { error } = await run(items, { url: at(url), options });
        assert.equal(error?.message, undefined);
        // The first request of each item; for Directus that is the check of the token.
        const check = seen.filter(({ path }) => /refresh$/.test(path));
        const ends = check.length > 0 ? check : seen.filter(({ path }) => /logout$|signout$|revoke$/.test(path));
        assert.equal(ends.length, items.length);
        assert.deepEqual(pauses(ends, 800), [items.length / 2], JSON.stringify(ends));
      });
    });
  }

  test('Directus: a retried node logs out the session that the first try left open', async (t) => {
    const paths: (string | undefined)[] = [];
    const { url } = await answering(t, (request, response) => {
      paths.push(request.url);
      // Directus accepts a refresh token once.
      const status = paths.length === 1 ? 200 : request.url === '/auth/refresh' ? 401 : paths.length < 6 ? 503 : 204;
      const body = status === 200 ? { data: { refresh_token: 'next' } } : { errors: [{ message: 'Refused' }] };
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(status === 204 ? undefined : JSON.stringify(body));
    });
    n8n.keep('credential', { url });
    const ran = await n8n.run({
      nodes: [
        source([{}]),
        node(
          'Log Out',
          'n8n-nodes-log-out.logOut',
          { service: 'directus', directusRefreshToken: 'used' },
          {
            typeVersion: 1,
            credentials: { curfewDirectusApi: { id: 'credential', name: 'Credential' } },
            retryOnFail: true,
            maxTries: 2,
            waitBetweenTries: 0,
          },
        ),
      ],
      connections: wires(['Start', 0, 'Log Out', 0]),
    });
    assert.equal(ran.error?.message, undefined);
    assert.deepEqual(paths, ['/auth/refresh', ...Array(5).fill('/auth/logout')]);
  });

  test('the example imports and runs', async () => {
    const [file, ...others] = readdirSync(join(logOutPackage.folder, 'examples'));
    assert.deepEqual(others, []);
    n8n.keep('1', { url: `${server.url}/waha`, apiKey: server.key });
    const saved = JSON.parse(readFileSync(join(logOutPackage.folder, 'examples', file!), 'utf8')) as Saved;
    const there = await n8n.run(saved);
    assert.match(JSON.stringify(there.json('Errors')), /"front-desk\\" could not be found/);
    await server.call('POST', '/v1/named-sessions', { name: 'front-desk', start: true });
    const ran = await n8n.run(saved);
    assert.deepEqual([ran.json('Logged Out').length, ran.json('Errors').length], [1, 0]);
  });
});
