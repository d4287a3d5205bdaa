import { rmSync } from 'node:fs';
import { run } from './exec.ts';

// The client first: the server's command line is built on its types.
for (const name of ['client', 'curfew']) {
  rmSync(`packages/${name}/dist`, { recursive: true, force: true });
  run('tsc', ['--project', `packages/${name}/tsconfig.build.json`]);
}
