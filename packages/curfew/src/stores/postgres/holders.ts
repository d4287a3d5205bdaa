/** A transaction that holds a lock on a table of the store. */
export type Holder = { pid: number; role: string; program: string; since: Date | null; tables: string };

/**
 * The transaction that has held such a lock the longest; `$1` is the schema. The start of another role's transaction is
 * hidden unless this role may read it (`pg_read_all_stats`); such a transaction is more likely an operator's than a
 * server's.
 */
export const longestHolder = `
  SELECT a.pid, a.usename AS role, a.application_name AS program, a.xact_start AS since,
    string_agg(DISTINCT c.relname, ', ') AS tables
  FROM pg_locks l JOIN pg_stat_activity a USING (pid) JOIN pg_class c ON c.oid = l.relation AND c.relkind = 'r'
  WHERE l.granted AND l.mode <> 'AccessShareLock' AND l.pid <> pg_backend_pid() AND a.usename IS NOT NULL
    AND c.relnamespace = to_regnamespace($1)
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND (a.xact_start IS NULL OR a.xact_start < clock_timestamp() - interval '50 milliseconds')
  GROUP BY a.pid, a.usename, a.application_name, a.xact_start
  ORDER BY a.xact_start NULLS FIRST LIMIT 1`;

/** Who it is, where an operator finds it, and how to end it. */
export function holderText({ pid, role, program, since, tables }: Holder): string {
  const who = [`role ${role}`, ...(program ? [program] : []), ...(since ? [`since ${since.toISOString()}`] : [])];
  return `Process ${pid} of the server (${who.join(', ')}) holds locks on ${tables}: SELECT pg_terminate_backend(${pid}) ends it.`;
}
