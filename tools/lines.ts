import { globSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/*
 * Prints how many lines each engine has, and what they are: blank lines and comments aside. Rules are not among them, and
 * each engine has what the others need none of: LMDB its files, PostgreSQL and Redis a server. `cluster` is what a store in
 * groups adds to the Redis that each of them is.
 */

const stores = fileURLToPath(new URL('../packages/curfew/src/stores/', import.meta.url));

/** The files of each part, the first pattern that fits; what fits none is the engine itself. */
const parts: Readonly<Record<string, readonly string[]>> = {
  'released steps of the schema': ['postgres/migrations/*'],
  'functions that run in PostgreSQL': ['postgres/functions/*'],
  'Lua that runs in Redis': ['redis/scripts/*', 'cluster/scripts.ts'],
  'export and import': ['*/transfer.ts'],
  'its server and the connections': [
    ...['connect', 'database', 'describe', 'durable', 'faults', 'hints', 'holders', 'link', 'location', 'migrate'],
    ...['reach', 'rights', 'settings', 'ways'],
  ].map((name) => `{postgres,redis}/${name}.ts`),
  'its files and the disk': ['backup', 'faults', 'incarnation', 'inspect', 'owner', 'reserve', 'sound'].map(
    (name) => `lmdb/${name}.ts`,
  ),
};

const engines = ['lmdb', 'postgres', 'redis', 'cluster'];
const ofEngine = 'reads, commits and indexes';

const filesOf = (pattern: string) => globSync(join(stores, pattern)).map((file) => relative(stores, file));
const partOf = new Map(
  Object.entries(parts).flatMap(([part, patterns]) => patterns.flatMap(filesOf).map((file) => [file, part] as const)),
);

for (const engine of engines) {
  const lines = new Map<string, number>([[ofEngine, 0]]);
  for (const file of filesOf(`${engine}/**/*.ts`)) {
    const part = partOf.get(file) ?? ofEngine;
    lines.set(part, (lines.get(part) ?? 0) + countLines(readFileSync(join(stores, file), 'utf8')));
  }
  const total = [...lines.values()].reduce((sum, count) => sum + count, 0);
  console.log(`${engine}: ${total}`);
  for (const [part, count] of lines) console.log(`${String(count).padStart(8)}  ${part}`);
}

/** Of TypeScript and of the SQL and Lua in it. */
function countLines(text: string): number {
  const code = text.replace(/^\s*\/\*.*?\*\/$/gms, '').split('\n');
  return code.filter((line) => !/^\s*(\/\/|--|$)/.test(line)).length;
}
