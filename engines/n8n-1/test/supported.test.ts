import './support/this-engine.ts';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, delimiter, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { N8n, node, packages, source, wires } from '../../n8n/test/support/n8n.ts';
import { usedOfN8n } from './support/used.ts';

const engine = fileURLToPath(new URL('../', import.meta.url));
const require = createRequire(join(engine, 'package.json'));

/** What n8n passes to a node when it runs it. */
async function contextOfNode(): Promise<object> {
  let context: object | undefined;
  const probe = {
    description: { displayName: 'Probe', name: 'probe', inputs: ['main'], outputs: ['main'], properties: [] },
    async execute(this: object) {
      context = this;
      return [[]];
    },
  } as unknown as NonNullable<Parameters<typeof N8n.load>[1]>[string];
  const n8n = await N8n.load(undefined, { 'test.probe': probe });
  await n8n.run({
    nodes: [source([{}]), node('Probe', 'test.probe', {})],
    connections: wires(['Start', 0, 'Probe', 0]),
  });
  assert.ok(context, 'the node did not run');
  return context;
}

test('everything of n8n that the nodes use exists in 1.123', async () => {
  const { used, missing } = usedOfN8n(engine);
  assert.deepEqual(missing, [], 'a type of 1.123 lacks it');
  const ofContext = used
    .filter((path) => path.startsWith('IExecuteFunctions.'))
    .map((path) => path.split('.').slice(1));
  console.log(`The nodes use ${used.length} members of n8n:\n  ${used.join('\n  ')}`);
  for (const wanted of ['getNodeParameter', 'getInputData', 'continueOnFail', 'getNodeOutputs']) {
    assert.ok(
      ofContext.some(([name]) => name === wanted),
      `${wanted} is one of them`,
    );
  }
  const context = await contextOfNode();
  const absent = ofContext.filter((path) => {
    let at: unknown = context;
    for (const name of path) at = (at as Record<string, unknown> | undefined)?.[name];
    return at === undefined;
  });
  assert.deepEqual(absent, [], 'what 1.123 passes to a node lacks it');
  const n8n = require('n8n-workflow') as object;
  const exported = used.filter((path) => !path.includes('.'));
  assert.deepEqual(
    exported.filter((name) => !(name in n8n)),
    [],
  );
});

test('a member that 1.123 lacks would be found', () => {
  const { missing } = usedOfN8n(engine, [
    'packages/nodes-n8n/src/tool.ts',
    'context.getNodeOutputs()',
    'context.isToolExecution(),context.getNodeOutputs()',
  ]);
  assert.match(missing.join('\n'), /isToolExecution/);
});

test('in an older n8n a node reports on loading which version it needs', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'curfew-older-n8n-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  symlinkSync(join(engine, 'node_modules', 'n8n-workflow-of-1.122'), join(folder, 'n8n-workflow'));
  const nodes = packages.flatMap((one) => globSync(join(one.folder, 'dist', 'nodes', '*', '*.node.js')));
  assert.equal(nodes.length, 3);
  for (const path of nodes) {
    const load = (modules: string) =>
      spawnSync(process.execPath, ['--print', 'Object.keys(require(process.argv[1]))', path], {
        env: { ...process.env, NODE_PATH: modules },
        encoding: 'utf8',
      });
    const refused = load([folder, join(engine, 'node_modules')].join(delimiter));
    assert.match(refused.stderr, /needs n8n 1\.123 or newer, and this one is older\. Update n8n\./);
    assert.match(
      load(join(engine, 'node_modules')).stdout,
      new RegExp(basename(path, '.node.js')),
      'it does not load in this one',
    );
  }
});
