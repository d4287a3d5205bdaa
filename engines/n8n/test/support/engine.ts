import { mkdtempSync } from 'node:fs';
import Module, { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

// n8n reads its folder when it is loaded; this must not be in the home folder of the user.
process.env['N8N_USER_FOLDER'] = mkdtempSync(join(tmpdir(), 'curfew-n8n-'));
process.env['N8N_ENCRYPTION_KEY'] = 'of no secret that anybody keeps';

/** The folder of the engine that runs the tests: n8n's newest line, unless the variable names another. */
const engine = process.env['CURFEW_TEST_N8N'] ?? 'n8n';

// As n8n itself loads it; its other form is for bundlers.
const require = createRequire(fileURLToPath(new URL(`../../../${engine}/package.json`, import.meta.url)));
const { version } = require('n8n-core/package.json') as { version: string };
/** The engine's name in the table of passed tests. */
export const thisEngine = { kind: 'n8n-core', version } as const;
/** The setting “On Error” as workflows save it. */
export const onErrorOf = {
  stop: 'stopWorkflow',
  continue: 'continueRegularOutput',
  'error output': 'continueErrorOutput',
} as const;
export const isOfN8n1 = version.startsWith('1.');
if (isOfN8n1) stopSshTimer();
// As n8n does before it loads community packages, so that they find n8n's own modules wherever they are installed.
process.env['NODE_PATH'] = (require.resolve.paths('n8n-workflow') ?? []).join(':');
(Module as unknown as { _initPaths(): void })._initPaths();

export const core = require('n8n-core') as typeof import('n8n-core');
export const workflow = require('n8n-workflow') as typeof import('n8n-workflow');

/** n8n 1 maintains SSH connections for as long as its process runs, so a test's process would never end. */
function stopSshTimer(): void {
  const from = createRequire(require.resolve('n8n-core'));
  const { Container } = from('@n8n/di') as { Container: { get(type: unknown): { onShutdown(): void } } };
  const { SSHClientsManager } = from('./execution-engine/ssh-clients-manager.js') as { SSHClientsManager: unknown };
  Container.get(SSHClientsManager).onShutdown();
}
