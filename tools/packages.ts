import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './exec.ts';
import { unknownOfPublisher } from './manifests.ts';

// Packs the packages as they would be published, installs them into an empty folder, and checks that they load and have
// types.
const names = ['client', 'curfew'];
run('node', ['tools/build.ts']);
const folder = mkdtempSync(join(tmpdir(), 'curfew-packages-'));

const use = `import { createCurfew, isCurfewError, type Session } from 'curfew';
import { conformanceCases } from 'curfew/conformance';
import { CurfewApiError, createClient } from 'curfew-client';
import { defineCurfewDevices } from 'curfew-client/devices';

defineCurfewDevices();
const curfew = await createCurfew({ store: 'lmdb:${folder}/data' });
const { session, token } = await curfew.createSession({ userId: 'ada' });
const typed: Session = session;
const verdict = await curfew.verify(token);
if (!verdict.active || verdict.session.id !== typed.id) throw new Error('not verified');
await curfew.endSession({ id: session.id });
await curfew.getSession('nobody').catch((error: unknown) => {
  if (!isCurfewError(error, 'session_not_found')) throw error;
});
await curfew.close();
const failed = await createClient({ url: 'http://127.0.0.1:64999' }).me().catch((error: unknown) => error);
if (!(failed instanceof CurfewApiError) || failed.code !== 'unreachable') throw failed;
console.log(conformanceCases.length, 'cases');
`;

const tsconfig = {
  compilerOptions: {
    module: 'nodenext',
    target: 'es2024',
    strict: true,
    noEmit: true,
    types: [],
    skipLibCheck: true,
    lib: ['es2024', 'dom'],
  },
  files: ['use.ts'],
};

try {
  for (const name of [...names, 'n8n-nodes-curfew', 'n8n-nodes-log-out']) {
    run('publint', [`packages/${name}`, '--strict', '--pack', 'npm']);
  }
  for (const name of names) {
    run('npm', ['pack', '--silent', '--pack-destination', folder, `./packages/${name}`]);
  }
  writeFileSync(join(folder, 'package.json'), '{"private": true, "type": "module"}\n');
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error'];
  run('npm', ['install', '--prefix', folder, ...quiet, ...names.map((name) => join(folder, tarball(name)))]);
  writeFileSync(join(folder, 'use.ts'), use);
  run('node', [join(folder, 'use.ts')]);
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(tsconfig));
  run('tsc', ['--project', folder]);
  run(join(folder, 'node_modules', '.bin', 'curfew'), ['--version']);
  for (const file of names.flatMap((name) => ['README.md', 'LICENSE'].map((file) => join(installed(name), file)))) {
    if (!existsSync(file)) throw new Error(`The package would be published without ${file}.`);
  }
  const unknown = unknownOfPublisher();
  if (unknown.length > 0) console.log(`Before the packages are published, set in package.json: ${unknown.join(', ')}.`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function installed(name: string): string {
  return join(folder, 'node_modules', name === 'curfew' ? 'curfew' : 'curfew-client');
}

function tarball(name: string): string {
  return name === 'curfew' ? 'curfew-0.1.0.tgz' : 'curfew-client-0.1.0.tgz';
}
