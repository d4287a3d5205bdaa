import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { temporaryFolder } from './stores/harness.ts';
import { root } from './support/pages.ts';

test('`npm start` builds again if a source or a result has changed, and not otherwise', (t) => {
  const { path: folder, remove } = temporaryFolder();
  t.after(remove);
  const source = join(folder, 'packages/curfew/src/curfew.ts');
  const results = ['packages/client/dist', 'packages/curfew/dist/console'].map((path) => join(folder, path));
  for (const path of [join(source, '..'), join(folder, 'node_modules'), ...results])
    mkdirSync(path, { recursive: true });
  writeFileSync(source, 'one');
  const module = JSON.stringify(pathToFileURL(join(root, 'tools/built.ts')).href);
  const run = (work: string): string => {
    const { stdout, stderr } = spawnSync(
      process.execPath,
      ['--input-type=module', '-e', `import { beginBuild, isBuilt } from ${module}; ${work}`],
      { cwd: folder, encoding: 'utf8' },
    );
    return stdout || stderr;
  };
  const isBuilt = () => run('console.log(isBuilt())').trim();
  assert.equal(isBuilt(), 'false', 'nothing has been built');
  run('beginBuild()');
  assert.equal(isBuilt(), 'false', 'the build was not finished');
  run('beginBuild()()');
  assert.equal(isBuilt(), 'true');
  writeFileSync(join(folder, 'packages/curfew/dist/curfew.js'), 'one');
  assert.equal(isBuilt(), 'true', 'a result is no source');
  writeFileSync(source, 'another');
  assert.equal(isBuilt(), 'false', 'a source has changed');
  run('beginBuild()()');
  rmSync(results[1]!, { recursive: true });
  assert.equal(isBuilt(), 'false', 'a result is gone');
});
