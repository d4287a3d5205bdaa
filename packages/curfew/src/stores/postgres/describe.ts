import type { StoreDescription } from '../contract.ts';
import type { Row } from './codec.ts';
import type { Database } from './database.ts';
import { schemaVersion } from './migrate.ts';

/** Up to this many rows are counted; for more, the planner's estimate is used. */
const countable = 100_000;

const settings = `SELECT
  current_setting('server_version') AS version,
  current_setting('fsync') AS fsync,
  current_setting('full_page_writes') AS full_page_writes,
  current_setting('synchronous_commit') AS synchronous_commit,
  current_setting('synchronous_standby_names') AS standbys,
  current_setting('max_connections')::integer AS max_connections,
  (SELECT count(*) FROM pg_stat_replication) AS replicas,
  (SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c
   WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r') AS bytes,
  (SELECT reltuples::bigint FROM pg_class WHERE oid = to_regclass('sessions')) AS about`;

const exactly = `SELECT count(*) FILTER (WHERE end_at IS NULL) AS live, count(*) FILTER (WHERE end_at IS NOT NULL) AS ended
  FROM sessions`;
/** The ended ones are those whose end the sweep has recorded; the statistics of their index have the number. */
const roughly = `SELECT
  (SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = to_regclass('sessions_armed')) AS live,
  (SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = to_regclass('sessions_ended')) AS ended`;

export async function describe(database: Database): Promise<StoreDescription> {
  const began = performance.now();
  const [head] = await database.read({ text: 'SELECT sequence, incarnation FROM log_head()' });
  const latency = performance.now() - began;
  const [known] = await database.read({ text: settings });
  const [rows] = await database.read({ text: (known!['about'] as number) > countable ? roughly : exactly });
  const { schema, shown, connections } = database.location;
  return {
    kind: 'postgres',
    engine: `PostgreSQL ${known!['version']}`,
    format: schemaVersion,
    location: `${shown}, schema ${schema}`,
    bytes: known!['bytes'] as number,
    facts: {
      liveSessions: rows!['live'] as number,
      endedSessions: rows!['ended'] as number,
      logHead: head!['sequence'] as number,
      incarnation: head!['incarnation'] as string,
      durability: durabilityOf(known!),
      synchronousCommit: known!['synchronous_commit'] as string,
      connections,
      latencyMs: Math.round(latency * 10) / 10,
    },
    warnings: warningsOf(known!, connections),
  };
}

function durabilityOf({ fsync, standbys }: Row): string {
  if (fsync !== 'on') return 'a crash of the machine can lose any change';
  if (standbys === '') return 'every change is on the disk of this server before it is acknowledged';
  return 'every change is on this server and on its synchronous standbys before it is acknowledged';
}

/** What a crash would lose, and the remedy. */
function warningsOf(known: Row, connections: number): string[] {
  const warnings: string[] = [];
  if (known['fsync'] !== 'on') {
    warnings.push('fsync is off: a crash of the machine loses or damages what was acknowledged; set fsync = on');
  }
  if (known['full_page_writes'] !== 'on') {
    warnings.push('full_page_writes is off: a crash can damage pages; set full_page_writes = on');
  }
  if ((known['replicas'] as number) > 0 && known['standbys'] === '') {
    warnings.push(
      'there are standbys, and none is synchronous: a failover loses the newest ends; set synchronous_standby_names',
    );
  }
  if ((known['max_connections'] as number) < connections * 2) {
    warnings.push(
      `max_connections is ${known['max_connections']}: two nodes with ${connections} each do not fit; raise it, or lower ?connections=`,
    );
  }
  return warnings;
}

/** Rows about sessions and their history. Everyone's epoch is a number that only grows, so its last row stays. */
export async function countEntries(database: Database): Promise<number> {
  const tables = ['sessions', 'aliases', 'users', 'log', 'slots', 'attempts'];
  const counts = tables.map((table) => `(SELECT count(*) FROM ${table})`).join(' + ');
  const text = `SELECT ${counts} + (SELECT count(*) FROM epochs) - (SELECT count(DISTINCT user_id) FROM epochs
    WHERE user_id = '') AS entries`;
  const [row] = await database.read({ text });
  return row!['entries'] as number;
}
