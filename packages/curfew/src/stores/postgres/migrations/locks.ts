/*
 * Whoever holds the writers' lock waits for no other lock for longer than a moment: everybody who writes would wait with
 * it, for as long as an operator looks at one row. Its transaction is undone instead, and the store asks again later. The
 * wait for the writers' lock itself is not cut short: its holder is done within that moment.
 */
export const locks = `
CREATE OR REPLACE PROCEDURE lock_writers() LANGUAGE plpgsql AS $$
BEGIN
  -- The table's own number, so that stores in other schemas of the database are not waited for.
  PERFORM pg_advisory_xact_lock('counters'::regclass::oid::bigint);
  PERFORM set_config('lock_timeout', '50ms', true);
  IF current_setting('transaction_isolation') <> 'read committed' OR pg_is_in_recovery() THEN
    RAISE read_only_sql_transaction USING MESSAGE = 'the store takes writes on a primary, in read committed, alone';
  END IF;
END $$;
`;
