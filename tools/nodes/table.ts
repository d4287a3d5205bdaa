import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Engine, tableOf } from '../../packages/nodes/test/support/passes.ts';
import { failuresIn, reportersOf } from '../failures.ts';

/** The engines in which the nodes are tested, by folder. */
const engines = { 'n8n-1': 'n8n-core', n8n: 'n8n-core', 'node-red-4': 'Node-RED', 'node-red': 'Node-RED' } as const;
const packageOf = { 'n8n-core': 'n8n-core', 'Node-RED': 'node-red' } as const;

/**
 * Runs tests, then prints which nodes passed in which engine, as one table. Returns the exit code, for which a missing
 * cell is a failure, and each failed test with its error, as text.
 */
export async function testWithTable(args: readonly string[]): Promise<{ code: number; failures: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'curfew-table-'));
  const [passes, failed] = [join(folder, 'passes'), join(folder, 'failures')];
  mkdirSync(passes);
  try {
    const env = { ...process.env, CURFEW_TEST_BUILT: 'yes', CURFEW_TEST_PASSES: passes };
    const flags = ['--conditions=curfew-source', '--test', ...reportersOf(failed)];
    const child = spawn('node', [...flags, ...args], { stdio: 'inherit', env });
    const [code] = await once(child, 'close');
    const failures = failuresIn(failed);
    const { text, gaps } = tableOf(passes, Object.entries(engines).map(engineOf));
    console.log(`\n${text}`);
    for (const gap of gaps) console.error(`Not shown: ${gap}`);
    return { code: code === 0 && gaps.length > 0 ? 1 : (code ?? 1), failures };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function engineOf([folder, kind]: [string, Engine['kind']]): Engine {
  const { dependencies } = JSON.parse(readFileSync(join('engines', folder, 'package.json'), 'utf8'));
  return { kind, version: dependencies[packageOf[kind]] };
}
