import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const biome = join(root, 'node_modules', '.bin', 'biome');

/** Imports against the direction of the layout (domain ← authority ← http ← dialects), in typical forms. */
const turned: [where: string, imports: string][] = [
  ['packages/curfew/src/domain', '../authority/index.ts'],
  ['packages/curfew/src/domain', '../stores/contract.ts'],
  ['packages/curfew/src/domain', 'node:fs'],
  ['packages/curfew/src/authority', '../http/server.ts'],
  ['packages/curfew/src/authority', '../stores/lmdb/index.ts'],
  ['packages/curfew/src/authority', '../fence/local.ts'],
  ['packages/curfew/src/stores/lmdb', '../../authority/index.ts'],
  ['packages/curfew/src/fence', '../stores/lmdb/index.ts'],
  ['packages/curfew/src/sources', '../authority/index.ts'],
  ['packages/curfew/src/sources', '../stores/open.ts'],
  ['packages/curfew/src/authority', '../sources/index.ts'],
  ['packages/curfew/src/http', '../stores/contract.ts'],
  ['packages/curfew/src/http/routes', '../../dialects/index.ts'],
  ['packages/curfew/src/dialects/rocketchat', '../../stores/contract.ts'],
  ['packages/curfew/src/dialects/rocketchat', '../../cli/main.ts'],
  ['packages/curfew/src/domain', 'curfew-client/fence'],
  ['packages/curfew/src/http', 'curfew-client/fence'],
  ['packages/curfew/src/dialects/rocketchat', 'curfew-client'],
  ['packages/client/src', 'curfew'],
  ['packages/client/src/protocol', '../fence/lease.ts'],
  ['packages/console/src/app', 'curfew'],
  ['packages/console/src/parts', '../screens/sessions/export.tsx'],
  ['packages/console/src/screens/sessions', '../devices/index.tsx'],
  ['packages/nodes/src', 'curfew'],
  ['packages/nodes/src/operations', 'n8n-workflow'],
  ['packages/node-red-curfew/src', 'curfew-client'],
  ['packages/nodes-n8n/src', 'curfew'],
];

/** A copy of the code, so that the deliberate mistakes here disturb nobody. */
const copy = mkdtempSync(join(tmpdir(), 'curfew-lint-'));
const kept = (path: string) => !/\/(node_modules|dist|test)(\/|$)/.test(path.slice(root.length - 1));

/** The errors in some files, from one run of the check, which reads the whole tree however few are requested. */
function check(files: Record<string, string>): string {
  for (const [path, text] of Object.entries(files)) writeFileSync(join(copy, path), text);
  const args = ['lint', '--max-diagnostics=none', '--colors=off', ...Object.keys(files)];
  const { status, stdout, stderr } = spawnSync(biome, args, { cwd: copy, encoding: 'utf8' });
  assert.notEqual(status, 0, 'nobody noticed');
  return stdout + stderr;
}

// That the tree itself has none is what `npm run lint` checks.
describe('imports', () => {
  const pathOf = (i: number) => join(turned[i]![0], `turned-round-${i}.ts`);
  let found = '';
  before(() => {
    for (const path of ['biome.json', '.gitignore', 'packages'])
      cpSync(join(root, path), join(copy, path), { recursive: true, filter: kept });
    const files = turned.map(([, specifier], i) => [
      pathOf(i),
      `import * as turned from '${specifier}';\n\nexport const used = turned;\n`,
    ]);
    const domain = 'packages/curfew/src/domain';
    found = check({
      ...Object.fromEntries(files),
      [join(domain, 'cycle-one.ts')]:
        "import { two } from './cycle-two.ts';\n\nexport const one = (): unknown => two;\n",
      [join(domain, 'cycle-two.ts')]:
        "import { one } from './cycle-one.ts';\n\nexport const two = (): unknown => one;\n",
    });
  });

  after(() => rmSync(copy, { recursive: true, force: true }));

  for (const [i, [where, specifier]] of turned.entries()) {
    test(`an import of ${specifier} in ${where} fails the check`, () => {
      assert.match(found, new RegExp(`${pathOf(i)}:\\d+:\\d+ lint/style/noRestrictedImports`));
    });
  }

  test('a cycle fails the check', () => {
    assert.match(found, /cycle-one\.ts:\d+:\d+ lint\/suspicious\/noImportCycles/);
  });
});
