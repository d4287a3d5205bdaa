import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const biome = join(root, 'node_modules', '.bin', 'biome');

/** Imports against the direction of the layout (domain ← authority ← http ← dialects), each as somebody might write it. */
const turned: [where: string, imports: string][] = [
  ['packages/curfew/src/domain', '../authority/index.ts'],
  ['packages/curfew/src/domain', '../stores/contract.ts'],
  ['packages/curfew/src/domain', 'node:fs'],
  ['packages/curfew/src/authority', '../http/server.ts'],
  ['packages/curfew/src/authority', '../stores/lmdb/index.ts'],
  ['packages/curfew/src/authority', '../fence/local.ts'],
  ['packages/curfew/src/stores/lmdb', '../../authority/index.ts'],
  ['packages/curfew/src/fence', '../stores/lmdb/index.ts'],
  ['packages/curfew/src/http', '../stores/contract.ts'],
  ['packages/curfew/src/http/routes', '../../dialects/index.ts'],
  ['packages/curfew/src/dialects/rocketchat', '../../stores/contract.ts'],
  ['packages/curfew/src/dialects/rocketchat', '../../cli/main.ts'],
  ['packages/client/src', 'curfew'],
  ['packages/nodes/src', 'curfew'],
  ['packages/nodes/src/operations', 'n8n-workflow'],
  ['packages/node-red-curfew/src', 'curfew-client'],
  ['packages/n8n-nodes-curfew/src', 'curfew'],
];

describe('imports', () => {
  test('the tree has no cycle and no import against the direction', () => {
    const { status, stdout, stderr } = spawnSync(biome, ['lint', '--error-on-warnings', 'packages'], {
      cwd: root,
      encoding: 'utf8',
    });
    assert.equal(status, 0, stdout + stderr);
  });

  for (const [where, specifier] of turned) {
    test(`an import of ${specifier} in ${where} fails the check`, (t) => {
      const path = join(root, where, 'turned-round.ts');
      t.after(() => rmSync(path, { force: true }));
      writeFileSync(path, `import * as turned from '${specifier}';\n\nexport const used = turned;\n`);
      const { status, stdout, stderr } = spawnSync(biome, ['lint', path], { cwd: root, encoding: 'utf8' });
      assert.notEqual(status, 0, 'nobody noticed');
      assert.match(stdout + stderr, /noRestrictedImports/);
    });
  }

  test('a cycle fails the check', (t) => {
    const folder = join(root, 'packages/curfew/src/domain');
    const [one, two] = [join(folder, 'cycle-one.ts'), join(folder, 'cycle-two.ts')];
    t.after(() => {
      for (const path of [one, two]) rmSync(path, { force: true });
    });
    writeFileSync(one, "import { two } from './cycle-two.ts';\n\nexport const one = (): unknown => two;\n");
    writeFileSync(two, "import { one } from './cycle-one.ts';\n\nexport const two = (): unknown => one;\n");
    const { status, stdout, stderr } = spawnSync(biome, ['lint', one, two], { cwd: root, encoding: 'utf8' });
    assert.notEqual(status, 0);
    assert.match(stdout + stderr, /noImportCycles/);
  });
});
