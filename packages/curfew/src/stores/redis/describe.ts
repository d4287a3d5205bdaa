import type { StoreDescription } from '../contract.ts';
import { format } from './codec.ts';
import type { Link } from './link.ts';
import { counts } from './scripts/streams.ts';
import { readServerFacts, type ServerFacts, warningsOf } from './settings.ts';

/** `confirmed`: whether writes wait until Redis confirms that they are on disk. */
export async function describe(link: Link, confirmed: boolean): Promise<StoreDescription> {
  const began = performance.now();
  const [liveSessions, endedSessions, logHead] = (await link.run(counts, [])) as [number, number, number];
  const latency = performance.now() - began;
  const server = await readServerFacts((...command) => link.command(...command));
  return {
    kind: 'redis',
    engine: server.engine,
    format,
    location: link.options.location.shown,
    bytes: server.usedBytes,
    facts: {
      liveSessions,
      endedSessions,
      logHead,
      durability: durabilityOf(server, confirmed),
      appendonly: server.appendOnly ? 'yes' : 'no',
      appendfsync: server.sync ?? 'unknown',
      maxmemory: server.maxBytes,
      maxmemoryPolicy: server.evicts,
      replicas: server.replicas,
      latencyMs: Math.round(latency * 10) / 10,
    },
    warnings: warningsOf(server),
  };
}

function durabilityOf({ appendOnly, sync, snapshots }: ServerFacts, confirmed: boolean): string {
  if (appendOnly && (sync === 'always' || confirmed)) return 'every change is on disk before it is acknowledged';
  if (appendOnly) return 'a change is acknowledged before it is on disk';
  return snapshots ? 'what came after the last snapshot is lost when Redis stops' : 'all is lost when Redis stops';
}
