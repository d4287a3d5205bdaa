/*
 * The counters without a row that gets slow. While somebody's transaction is open (a dump, a report), no dead version of a
 * row can be removed that it might still see, and whoever looks for the one that counts walks past all of them. So each
 * version has a number of its own, one more than the last, and the newest is the first one from the end of its index.
 * The planner may not know better: it has seen a table with one row.
 */
const byIndex = 'SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off';

export const counters = `
CALL lock_writers();

ALTER TABLE counters DROP COLUMN one, ADD COLUMN number bigint PRIMARY KEY DEFAULT 0;
ALTER TABLE counters RESET (fillfactor);

CREATE FUNCTION newest_counters() RETURNS counters LANGUAGE plpgsql STABLE ${byIndex} AS $$
DECLARE
  c counters;
BEGIN
  SELECT * INTO c FROM counters ORDER BY number DESC LIMIT 1;
  RETURN c;
END $$;

-- Whatever reads them reads them so.
DO $$
DECLARE
  routine oid;
BEGIN
  FOR routine IN
    SELECT p.oid FROM pg_proc p
    WHERE p.pronamespace = current_schema()::regnamespace AND p.proname <> 'newest_counters'
      AND p.prosrc LIKE '%FROM counters%'
  LOOP
    EXECUTE replace(pg_get_functiondef(routine), 'FROM counters', 'FROM newest_counters()');
  END LOOP;
END $$;

-- Whoever follows the log is told when it has grown, and only then; of the schema alone: what has changed is read.
CREATE OR REPLACE PROCEDURE keep_counters(c counters) LANGUAGE plpgsql ${byIndex} AS $$
DECLARE
  earlier counters := newest_counters();
BEGIN
  IF c = earlier THEN RETURN; END IF;
  IF c.head > earlier.head THEN PERFORM pg_notify('curfew', current_schema()); END IF;
  UPDATE counters
    SET head = c.head, last_event = c.last_event, active = c.active, everyone = c.everyone, time = c.time,
        number = c.number + 1
    WHERE number = c.number;
END $$;
`;
