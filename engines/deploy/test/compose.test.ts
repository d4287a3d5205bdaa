import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { createClient } from 'curfew-client';
import { createVerifier } from 'curfew-client/verifier';
import { parse } from 'yaml';
import { parseProxies, trustOf } from '../../../packages/curfew/src/http/proxies.ts';
import { options } from '../../../packages/curfew/src/start/config.ts';
import { Nginx, nginxIsInstalled } from '../../../packages/curfew/test/support/nginx.ts';
import { root } from '../../../packages/curfew/test/support/pages.ts';
import { type Json, TestServer } from '../../../packages/curfew/test/support/server.ts';
import { stepsOf } from './dockerfile.ts';
import { variables } from './settings.ts';

const read = (path: string) => readFileSync(join(root, path), 'utf8');
const { $schema: _draft, ...schema }: Json = JSON.parse(read('engines/deploy/schemas/compose-spec.json'));

describe('the Compose files', () => {
  for (const path of ['deploy/compose.yaml', 'deploy/compose.nodes.yaml']) {
    const compose: Json = parse(read(path), { merge: true });
    const servers = Object.entries<Json>(compose.services).filter(([, { image }]) => image.startsWith('curfew:'));

    test(`${path} is valid by Compose’s own schema`, () => {
      const ajv = new Ajv({ strict: false, allErrors: true });
      addFormats.default(ajv);
      // Durations as Compose writes them, such as 1m30s.
      ajv.addFormat('duration', /^(\d+(us|ms|s|m|h))+$/);
      const validate = ajv.compile(schema);
      const isValid = validate(compose) as boolean;
      assert.ok(isValid, JSON.stringify(validate.errors));
      assert.ok(!validate({ ...compose, services: { curfew: { image: 'curfew', read_onli: true } } }));
    });

    test(`${path} limits the log that Docker keeps of each container`, () => {
      for (const [name, { logging }] of Object.entries<Json>(compose.services)) {
        assert.equal(logging?.driver, 'json-file', name);
        assert.match(logging.options['max-size'], /^\d+m$/, name);
        assert.match(logging.options['max-file'], /^\d+$/, name);
      }
    });

    test(`${path} runs servers without rights that they do not need`, () => {
      assert.ok(servers.length > 0);
      for (const [name, server] of servers) {
        assert.deepEqual(
          [server.read_only, server.user, server.cap_drop, server.security_opt],
          [true, '65532:65532', ['ALL'], ['no-new-privileges:true']],
          name,
        );
        for (const variable of Object.keys(server.environment ?? {})) assert.ok(variables.has(variable), variable);
        const { test: probe } = server.healthcheck ?? { test: ['CMD'] };
        assert.equal(probe[0], 'CMD', 'the image has no shell');
        for (const secret of server.secrets ?? []) assert.ok(compose.secrets[secret], secret);
        assert.equal(server.build.dockerfile, 'deploy/Dockerfile');
        const { CURFEW_DRAIN_MS: drain = options.drainMs.fallback, CURFEW_LEASE_MS: lease = options.leaseMs.fallback } =
          server.environment ?? {};
        assert.match(server.stop_grace_period, /^\d+s$/);
        assert.ok(parseInt(server.stop_grace_period, 10) >= (Number(drain) + 2.5 * Number(lease)) / 1000 + 15);
      }
      for (const { ports = [] } of Object.values<Json>(compose.services)) {
        for (const port of ports) assert.match(port, /^127\.0\.0\.1:/, 'plain HTTP is only for this machine');
      }
    });
  }

  test('N8.23: two servers believe only their proxy which address a client has, and no other container gets that address', () => {
    const { services, networks } = parse(read('deploy/compose.nodes.yaml'), { merge: true });
    const { ipv4_address: nginx } = services.nginx.networks.proxy;
    for (const name of ['curfew-1', 'curfew-2']) {
      assert.equal(services[name].environment.CURFEW_TRUST_PROXY, nginx);
      assert.ok(services[name].networks.includes('proxy'), name);
    }
    const [{ subnet, gateway, ip_range: others }] = networks.proxy.ipam.config;
    const isIn = (range: string) => trustOf(parseProxies(range))(nginx, 0);
    assert.deepEqual([isIn(subnet), isIn(others), gateway === nginx], [true, false, false]);
    // The networks of the proxy are those of the servers, or they would see another address.
    assert.deepEqual(Object.keys(services.nginx.networks), ['proxy']);
  });

  test('the servers wait for the PostgreSQL that stays, not for the one that fills a new volume', () => {
    const { services } = parse(read('deploy/compose.nodes.yaml'), { merge: true });
    assert.ok(services.postgres.healthcheck.test.includes('--host=127.0.0.1'));
    assert.equal(services['curfew-1'].depends_on.postgres.condition, 'service_healthy');
  });

  test('the probe of two servers asks whether they are ready, with the program of the image', () => {
    const { services } = parse(read('deploy/compose.nodes.yaml'), { merge: true });
    const [, entry] = stepsOf(read('deploy/Dockerfile')).findLast(([instruction]) => instruction === 'ENTRYPOINT')!;
    assert.deepEqual(services['curfew-1'].healthcheck.test, ['CMD', ...JSON.parse(entry), 'health', '--ready']);
  });
});

test('deploy/nginx.conf forwards requests and verifiers', { skip: !nginxIsInstalled }, async (t) => {
  const server = await TestServer.start({ CURFEW_TRUST_PROXY: 'loopback' });
  t.after(() => server.close());
  const { host } = new URL(server.url);
  const config = read('deploy/nginx.conf').replaceAll(/curfew-[12]:2873/g, host);
  const nginx = await Nginx.start((port) => config.replace('listen 80;', `listen 127.0.0.1:${port};`));
  t.after(() => nginx.remove());
  const { token, session } = await server.createSession('ada');
  const verifier = createVerifier({ url: nginx.url, key: server.key });
  t.after(() => verifier.close());
  assert.equal((await verifier.verify(token)).active, true);
  await createClient({ url: nginx.url, token: server.key }).endSession({ id: session.id });
  assert.equal((await verifier.verify(token)).active, false);
});
