import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const skip = existsSync('/usr/bin/chromium') ? false : 'chromium is not installed';

for (const store of ['postgres', 'redis']) {
  test(`the console on ${store}, with one variable`, { skip, timeout: 600_000 }, async (t) => {
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const file = 'packages/console/test/pass.test.ts';
    const child = spawn(process.execPath, ['--conditions=curfew-source', '--test', '--test-reporter=tap', file], {
      cwd: root,
      env: { ...env, CURFEW_TEST_STORE: store },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    t.after(() => child.kill());
    let told = '';
    child.stdout.on('data', (chunk) => {
      told += chunk;
    });
    const [code] = await once(child, 'close');
    assert.equal(code, 0, told);
    assert.match(told, /^# pass 1$/m);
  });
}
