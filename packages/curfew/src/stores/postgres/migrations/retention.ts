/*
 * How long what is old is kept, by the rules that hold on every engine: a tombstone from the moment at which its end was
 * written down; a user's epoch as long as there is any session of the user, live or ended; events up to the first that is
 * not old enough.
 *
 * An epoch that is old and still needed is looked at again when the user's last tombstone is forgotten. Two nodes that
 * forget one each would both see the other one's; so the sweep takes the lock of the epochs for that, always before the
 * writers' lock, and looks in a statement of its own, which begins with the lock.
 */
const byIndex =
  'SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off SET enable_hashjoin = off SET enable_mergejoin = off';

export const retention = `
CALL lock_writers();

-- A piece that was full before it came to its end has more to do: with sessions which an end of everyone ended, or with
-- sessions of some users, of which it wrote down fewer than it looked at, because their deadlines came before.
DO $$
DECLARE
  before text := pg_get_functiondef('sweep_ended_by_epochs(bigint, integer)'::regprocedure);
  changed text := replace(before, 'IF owners IS NULL THEN RETURN; END IF;',
    'IF owners IS NULL THEN
      more := progress > 0 AND EXISTS (SELECT FROM epochs e WHERE NOT e.settled);
      RETURN;
    END IF;');
BEGIN
  IF changed = before THEN RAISE EXCEPTION 'sweep_ended_by_epochs is not the function that this step changes'; END IF;
  EXECUTE changed;
END $$;

-- Forgets ended sessions, entries, events and attempts that are older than they are kept. What is not old enough is looked
-- at, and not locked: a lock is a write.
CREATE OR REPLACE FUNCTION sweep_old(now bigint, ended_until bigint, events_until bigint, most integer,
  OUT forgotten integer, OUT more boolean) LANGUAGE plpgsql ${byIndex} AS $$
DECLARE
  owners text[];
  trimmed integer;
  told integer;
BEGIN
  forgotten := 0;
  IF EXISTS (SELECT FROM sessions s WHERE s.end_at IS NOT NULL AND s.written_at <= ended_until) THEN
    PERFORM pg_advisory_xact_lock('epochs'::regclass::oid::bigint);
    WITH gone AS (
      DELETE FROM sessions WHERE id = ANY (ARRAY(
        SELECT s.id FROM sessions s WHERE s.end_at IS NOT NULL AND s.written_at <= ended_until
        ORDER BY s.written_at LIMIT most FOR UPDATE SKIP LOCKED
      )) RETURNING user_id
    )
    SELECT count(*), array_agg(DISTINCT user_id) INTO forgotten, owners FROM gone;
    DELETE FROM users WHERE id = ANY (ARRAY(
      SELECT u.id FROM users u WHERE u.id = ANY (owners) AND u.epoch = 0
        AND (u.active = 0 OR u.everyone < (SELECT everyone FROM newest_counters()))
      FOR UPDATE SKIP LOCKED
    ));
    UPDATE epochs e SET armed = e.at WHERE e.ctid = ANY (ARRAY(
      SELECT x.ctid FROM unnest(owners) AS o (id) CROSS JOIN LATERAL (
        SELECT y.ctid FROM epochs y WHERE y.user_id = o.id AND y.armed > y.at ORDER BY y.number FOR UPDATE
      ) x
      WHERE (SELECT s.id FROM sessions s WHERE s.user_id = o.id ORDER BY s.id LIMIT 1) IS NULL
    ));
  END IF;
  -- From the oldest on, without a gap, as far as they are too old; the newest of those stays, and so the log's newest does.
  WITH oldest AS MATERIALIZED (
    SELECT l.sequence, l.at FROM log l ORDER BY l.sequence LIMIT most * 4 + 1
  ), kept AS MATERIALIZED (
    SELECT coalesce(min(o.sequence) FILTER (WHERE o.at > ended_until) - 1, max(o.sequence)) AS sequence FROM oldest o
  )
  DELETE FROM log WHERE sequence = ANY (ARRAY(
    SELECT l.sequence FROM log l WHERE l.sequence < (SELECT k.sequence FROM kept k)
    ORDER BY l.sequence FOR UPDATE SKIP LOCKED
  ));
  GET DIAGNOSTICS trimmed = ROW_COUNT;
  -- So are events: an old one stays as long as one before it.
  WITH oldest AS MATERIALIZED (
    SELECT e.sequence, e.at FROM events e ORDER BY e.sequence LIMIT most * 4
  ), kept AS MATERIALIZED (
    SELECT coalesce(min(o.sequence) FILTER (WHERE o.at > events_until), max(o.sequence) + 1) AS sequence FROM oldest o
  )
  DELETE FROM events WHERE sequence = ANY (ARRAY(
    SELECT e.sequence FROM events e WHERE e.sequence < (SELECT k.sequence FROM kept k)
    ORDER BY e.sequence FOR UPDATE SKIP LOCKED
  ));
  GET DIAGNOSTICS told = ROW_COUNT;
  DELETE FROM attempts WHERE bucket = ANY (ARRAY(
    SELECT a.bucket FROM attempts a WHERE a.reset_at <= now LIMIT most * 4 FOR UPDATE SKIP LOCKED
  ));
  more := forgotten >= most OR trimmed >= most * 4 OR told >= most * 4;
END $$;

-- Forgets the steps of epochs that are settled and old. A user's last step carries the present number, so it stays as
-- long as there is any session of the user, live or ended; everyone's last stays for good.
CREATE OR REPLACE FUNCTION sweep_steps(ended_until bigint, most integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  step epochs;
  done integer := 0;
  never constant bigint := ${Number.MAX_SAFE_INTEGER};
BEGIN
  IF NOT EXISTS (SELECT FROM epochs WHERE settled AND armed <= ended_until) THEN RETURN 0; END IF;
  PERFORM pg_advisory_xact_lock('epochs'::regclass::oid::bigint);
  CALL lock_writers();
  FOR step IN SELECT * FROM epochs WHERE settled AND armed <= ended_until ORDER BY armed LIMIT most LOOP
    done := done + 1;
    IF EXISTS (SELECT FROM epochs e WHERE e.user_id = step.user_id AND e.number > step.number) THEN
      DELETE FROM epochs e WHERE e.user_id = step.user_id AND e.number = step.number;
    ELSIF step.user_id <> '' AND NOT EXISTS (SELECT FROM sessions s WHERE s.user_id = step.user_id) THEN
      DELETE FROM epochs e WHERE e.user_id = step.user_id;
      DELETE FROM users WHERE id = step.user_id;
    ELSE
      -- The steps before it are older.
      DELETE FROM epochs e WHERE e.user_id = step.user_id AND e.number < step.number;
      UPDATE epochs e SET armed = never WHERE e.user_id = step.user_id AND e.number = step.number;
    END IF;
  END LOOP;
  RETURN done;
END $$;
`;
