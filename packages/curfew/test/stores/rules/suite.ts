import { registerHooks } from 'node:module';
import type { Harness } from '../../../src/stores/conformance/index.ts';
import { ruleMutants } from './mutants.ts';

/*
 * Runs the conformance suite on one engine, with a mutant of a rule, and prints the first case that fails. The rule is
 * changed as it is loaded, so no file is.
 */

const [engine, mutant] = process.argv.slice(2);
const broken = ruleMutants.find(({ name }) => name === mutant);
registerHooks({
  load(url, context, next) {
    const loaded = next(url, context);
    if (!broken || !url.endsWith(`/src/rules/${broken.file}`)) return loaded;
    return { ...loaded, source: String(loaded.source).replace(broken.from, broken.to) };
  },
});

/** Milliseconds that a case may take. */
const longest = 60_000;

const { conformanceCases, runCase } = await import('../../../src/stores/conformance/index.ts');
const { harness, close } = await open();
for (const rule of conformanceCases) {
  const late = setTimeout(() => fail(rule.name, 'it does not end'), longest);
  await runCase(rule, harness).catch((error: Error) => fail(rule.name, error.message));
  clearTimeout(late);
}
await close();
process.exit(0);

async function fail(name: string, why: string): Promise<never> {
  console.log(`${name}: ${why.split('\n')[0]}`);
  await close();
  process.exit(1);
}

async function open(): Promise<{ harness: Harness; close(): Promise<unknown> }> {
  if (engine === 'lmdb') {
    const { lmdbHarness } = await import('../harness.ts');
    return { harness: lmdbHarness, close: async () => {} };
  }
  if (engine === 'redis') {
    const [{ RedisServer }, { placeOf, redisHarness }] = await Promise.all([
      import('../../support/redis.ts'),
      import('../redis-harness.ts'),
    ]);
    const server = await RedisServer.start();
    return { harness: redisHarness(() => placeOf(server)), close: () => server.remove() };
  }
  const folder = new URL('../../../../../engines/servers/test/postgres/', import.meta.url);
  const { PostgresServer } = await import(new URL('server.ts', folder).href);
  const { postgresHarness } = await import(new URL('harness.ts', folder).href);
  const server = await PostgresServer.start(['fsync=off']);
  return { harness: postgresHarness(server), close: () => server.dispose() };
}
