import { CurfewError } from '../../errors.ts';
import { needed } from './faults.ts';
import type { Reply } from './link.ts';
import type { Location } from './location.ts';

/** Facts about a server, as it reports them. */
export type ServerFacts = {
  /** Its name and version. */
  engine: string;
  role: string;
  /** How the keyspace is distributed: `standalone`, `sentinel` or `cluster`. */
  mode: string;
  usedBytes: number;
  /** 0 for no limit. */
  maxBytes: number;
  evicts: string;
  appendOnly: boolean;
  /** `always`, `everysec` or `no`; `undefined` if the server does not reveal it. */
  sync: string | undefined;
  snapshots: boolean;
  replicas: number;
  /** Whether it can confirm when a write is on disk (`WAITAOF`, Redis 7.2). */
  confirms: boolean;
};

/** Sends a command that changes nothing. */
export type Ask = (...command: string[]) => Promise<Reply>;

export async function readServerFacts(ask: Ask): Promise<ServerFacts> {
  const [info, sync, save] = await Promise.all([ask('INFO'), configOf(ask, 'appendfsync'), configOf(ask, 'save')]);
  const facts = new Map<string, string>();
  for (const line of String(info).split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) facts.set(line.slice(0, colon), line.slice(colon + 1));
  }
  const text = (name: string) => facts.get(name) ?? '';
  const version = text('valkey_version') || text('redis_version');
  return {
    engine: `${text('server_name') === 'valkey' ? 'Valkey' : 'Redis'} ${version}`,
    role: text('role'),
    mode: text('redis_mode') || text('server_mode'),
    usedBytes: Number(text('used_memory')),
    maxBytes: Number(text('maxmemory')),
    evicts: text('maxmemory_policy'),
    appendOnly: text('aof_enabled') === '1',
    sync,
    snapshots: save !== undefined && save !== '',
    replicas: Number(text('connected_slaves')),
    confirms: atLeast(text('redis_version'), 7, 2),
  };
}

/**
 * Refuses a server on which sessions could be lost or ends missed.
 * @throws `store_unsafe`, `store_read_only`, `store_version`
 */
export function refuseUnsafe(facts: ServerFacts, { shown: location, cluster }: Location): void {
  if (!/ 7\.| [89]\.| \d\d+\./.test(facts.engine)) {
    throw new CurfewError('store_version', {
      detail: `${location} is ${facts.engine}. ${needed}`,
    });
  }
  if (facts.role !== 'master') {
    throw new CurfewError('store_read_only', { detail: `${location} is a replica (its role is ${facts.role}).` });
  }
  if (facts.mode === 'cluster' && !cluster) {
    throw new CurfewError('store_unsafe', {
      detail: `${location} is a node of a Redis Cluster. Name its nodes: redis+cluster://host:port,host:port.`,
    });
  }
  if (facts.evicts !== 'noeviction') {
    throw new CurfewError('store_unsafe', {
      detail: `maxmemory-policy of ${location} is ${facts.evicts}: it would evict sessions. Set it to noeviction.`,
    });
  }
}

/** What could be lost, and when; empty if nothing acknowledged can be. */
export function warningsOf(facts: ServerFacts): string[] {
  const warnings: string[] = [];
  const remedy = 'set appendonly yes and appendfsync always';
  if (!facts.appendOnly) {
    const since = facts.snapshots ? 'everything since the last snapshot' : 'everything';
    warnings.push(`appendonly is no: when Redis stops, ${since} is lost, ends of sessions too; ${remedy}.`);
  } else if (facts.sync === undefined) {
    warnings.push(`appendfsync cannot be read: unless it is always, a crash can lose acknowledged ends; ${remedy}.`);
  } else if (facts.sync !== 'always' && !facts.confirms) {
    const span = facts.sync === 'everysec' ? 'the last second or two' : 'what the system had not written yet';
    warnings.push(
      `appendfsync is ${facts.sync}: a crash of the machine loses ${span}, acknowledged ends too; ${remedy}.`,
    );
  }
  if (facts.replicas > 0) {
    warnings.push(
      'a failover to a replica can lose acknowledged ends, because Redis replicates after it answers; end everyone after one.',
    );
  }
  if (facts.maxBytes > 0 && facts.usedBytes > 0.9 * facts.maxBytes) {
    warnings.push(
      `maxmemory is ${facts.maxBytes} bytes and nine tenths are used: when it is full, nothing is written; raise it.`,
    );
  }
  return warnings;
}

/** A setting of the server; `undefined` if it does not reveal it. */
async function configOf(ask: Ask, name: string): Promise<string | undefined> {
  try {
    const reply = await ask('CONFIG', 'GET', name);
    // A map of one setting, which the client may return as an object or as a list.
    const value = Array.isArray(reply) ? reply[1] : Object.values(reply ?? {})[0];
    return value === undefined ? undefined : String(value);
  } catch (error) {
    // Managed servers often forbid the command.
    if (/NOPERM|unknown command|ERR/.test((error as Error).message)) return undefined;
    throw error;
  }
}

function atLeast(version: string, major: number, minor: number): boolean {
  const [a = 0, b = 0] = version.split('.').map(Number);
  return a > major || (a === major && b >= minor);
}
