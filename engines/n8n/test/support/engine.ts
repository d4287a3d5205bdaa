import { mkdtempSync } from 'node:fs';
import Module, { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// n8n reads its folder as soon as it is loaded: not the home folder of whoever runs the tests.
process.env['N8N_USER_FOLDER'] = mkdtempSync(join(tmpdir(), 'curfew-n8n-'));
process.env['N8N_ENCRYPTION_KEY'] = 'of no secret that anybody keeps';

// As n8n itself is loaded: its other form is for bundlers.
const require = createRequire(import.meta.url);
// As n8n does before it loads community packages: they find what n8n brings, wherever they are installed.
process.env['NODE_PATH'] = (require.resolve.paths('n8n-workflow') ?? []).join(':');
(Module as unknown as { _initPaths(): void })._initPaths();

export const core = require('n8n-core') as typeof import('n8n-core');
export const workflow = require('n8n-workflow') as typeof import('n8n-workflow');
