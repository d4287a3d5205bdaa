import { byIndex } from './by-index.ts';

/*
 * While somebody's transaction is open (a dump, a report), no dead version of a row can be removed that it might still see,
 * and a search for the current version walks past all of them. So each version of the counters has a number of its own, one
 * more than the last, and the newest is the first one from the end of its index.
 *
 * A process that holds the writers' lock waits for no other lock for longer than a moment: all other writers would wait
 * with it, for as long as an operator looks at one row. Its transaction is undone instead, and the store asks again later.
 * The wait for the writers' lock itself is not cut short: its holder is done within that moment.
 */
export const counters: string = `
CREATE OR REPLACE PROCEDURE lock_writers() LANGUAGE plpgsql AS $$
BEGIN
  -- The table's own number, so that stores in other schemas of the database are not waited for.
  PERFORM pg_advisory_xact_lock('counters'::regclass::oid::bigint);
  PERFORM set_config('lock_timeout', '50ms', true);
  IF current_setting('transaction_isolation') <> 'read committed' OR pg_is_in_recovery() THEN
    RAISE read_only_sql_transaction USING MESSAGE = 'the store takes writes on a primary, in read committed, alone';
  END IF;
END $$;

CREATE OR REPLACE FUNCTION newest_counters() RETURNS counters LANGUAGE plpgsql STABLE ${byIndex} AS $$
DECLARE
  c counters;
BEGIN
  SELECT * INTO c FROM counters ORDER BY number DESC LIMIT 1;
  RETURN c;
END $$;

-- Servers that follow the log are told when it has grown, and only then; of the schema alone: what has changed is read.
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

-- Takes back what a wrong clock recorded as the latest time.
CREATE OR REPLACE PROCEDURE mend_time(now bigint, longest bigint) LANGUAGE plpgsql AS $$
DECLARE
  c counters;
BEGIN
  CALL lock_writers();
  c := newest_counters();
  c.time := least(c.time, now);
  CALL keep_counters(c);
  DELETE FROM attempts WHERE reset_at > now + longest;
END $$;
`;
