import { createHash } from 'node:crypto';
import type { PoolClient } from 'pg';
import { CurfewError } from '../../errors.ts';
import type { Database } from './database.ts';
import { type Migration, migrations } from './migrations/index.ts';

/** The schema that this program reads and writes. */
export const schemaVersion: number = migrations.at(-1)!.number;

/** The existing version, and the missing steps. */
export type Plan = { schema: string; version: number; pending: readonly Migration[] };

/**
 * Migrates the schema to this program's version: under a lock, so that only one of many nodes that start at once does
 * it, and in one transaction, so that a failure leaves nothing.
 * @throws `store_version` if the schema is newer than the program
 */
export async function migrate(database: Database, steps: readonly Migration[] = migrations): Promise<Plan> {
  const present = await planMigration(database, steps);
  if (present.pending.length === 0) return present;
  const { schema } = database.location;
  return database.session(async (client) => {
    await client.query('BEGIN');
    // Others that start now wait here, however long it takes.
    await client.query('SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0');
    await client.query('SELECT pg_advisory_xact_lock($1)', [lockOf(schema)]);
    // The right to create a schema is needed only if there is none.
    const { rowCount } = await client.query('SELECT FROM pg_namespace WHERE nspname = $1', [schema]);
    if (rowCount === 0) await client.query(`CREATE SCHEMA ${schema}`);
    await client.query(`CREATE TABLE IF NOT EXISTS ${schema}.migrations (
      number integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`);
    const plan = planOf(schema, await versionOf(client, schema), steps);
    // Servers of an earlier version may be writing.
    if (plan.version > 0 && plan.pending.length > 0) await client.query(lockWriters);
    for (const { number, name, sql } of plan.pending) {
      await client.query(sql);
      await client.query('INSERT INTO migrations (number, name) VALUES ($1, $2)', [number, name]);
    }
    await client.query('COMMIT');
    return plan;
  });
}

/** As `lock_writers` does, which the schema does not have in every version. */
const lockWriters = `SELECT pg_advisory_xact_lock('counters'::regclass::oid::bigint), set_config('lock_timeout', '50ms', true)`;

/** What {@link migrate} would do. Changes nothing. */
export function planMigration(database: Database, steps: readonly Migration[] = migrations): Promise<Plan> {
  const { schema } = database.location;
  return database.session(async (client) => planOf(schema, await versionOf(client, schema), steps));
}

function planOf(schema: string, version: number, steps: readonly Migration[]): Plan {
  const newest = steps.at(-1)!.number;
  if (version > newest) {
    throw new CurfewError('store_version', {
      detail: `The schema ${schema} has version ${version}; this version of Curfew knows ${newest}, so run a newer one.`,
    });
  }
  return { schema, version, pending: steps.filter(({ number }) => number > version) };
}

/** The newest step that was applied; 0 if there is none. */
async function versionOf(client: PoolClient, schema: string): Promise<number> {
  const { rows } = await client.query('SELECT to_regclass($1) IS NOT NULL AS there', [`${schema}.migrations`]);
  if (!rows[0]!.there) return 0;
  const found = await client.query(`SELECT coalesce(max(number), 0) AS version FROM ${schema}.migrations`);
  return found.rows[0]!.version as number;
}

/** A number for the lock that no other program is likely to use. */
function lockOf(schema: string): string {
  return createHash('sha256').update(`curfew migrations ${schema}`).digest().readBigInt64BE().toString();
}
