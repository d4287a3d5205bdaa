import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Engine, tableOf } from '../../packages/nodes/test/support/passes.ts';

/** The engines in which the nodes are tested, by folder. */
const engines = { 'n8n-1': 'n8n-core', n8n: 'n8n-core', 'node-red-4': 'Node-RED', 'node-red': 'Node-RED' } as const;
const packageOf = { 'n8n-core': 'n8n-core', 'Node-RED': 'node-red' } as const;

/**
 * Runs tests, then prints which nodes passed in which engine, as one table. Returns the exit code: a missing cell is a
 * failure.
 */
export function testWithTable(args: readonly string[]): number {
  const folder = mkdtempSync(join(tmpdir(), 'curfew-passes-'));
  try {
    const env = { ...process.env, CURFEW_TEST_BUILT: 'yes', CURFEW_TEST_PASSES: folder };
    const ran = spawnSync('node', ['--conditions=curfew-source', '--test', ...args], { stdio: 'inherit', env });
    if (ran.error) throw ran.error;
    const { text, gaps } = tableOf(folder, Object.entries(engines).map(engineOf));
    console.log(`\n${text}`);
    for (const gap of gaps) console.error(`Not shown: ${gap}`);
    return ran.status || (gaps.length > 0 ? 1 : 0);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function engineOf([folder, kind]: [string, Engine['kind']]): Engine {
  const { dependencies } = JSON.parse(readFileSync(join('engines', folder, 'package.json'), 'utf8'));
  return { kind, version: dependencies[packageOf[kind]] };
}
