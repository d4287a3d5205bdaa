/*
 * What tells one history of the store from another (docs/fence, R10): a mark on each entry of the log, the incarnation of
 * the server, and how far each node has followed the log.
 *
 * A renewal is written hundreds of times a second, and its dead versions stay for as long as somebody's transaction is
 * open. So each has a key of its own, (id, counter), by which the newest is found without a look at those before it.
 * The planner may not know better: it has seen a table with a handful of rows.
 */
const byIndex = 'SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off';

export const positions = `
CALL lock_writers();

ALTER TABLE log ADD COLUMN mark uuid NOT NULL DEFAULT gen_random_uuid();

-- The log has an entry at its head, whatever was trimmed or imported: the mark there proves which log it is.
CREATE PROCEDURE complete_log() LANGUAGE sql AS $$
  INSERT INTO log (sequence, at) SELECT head, time FROM counters WHERE head > 0
    ON CONFLICT DO NOTHING
$$;
CALL complete_log();

-- What was acknowledged before may be gone when this is another: after a promotion (the timeline; the one of the control
-- file lags behind), on another server, and in a database or a schema that was restored from a copy. Null on a standby.
CREATE FUNCTION incarnation() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  IF pg_is_in_recovery() THEN RETURN NULL; END IF;
  RETURN concat_ws('/', (SELECT system_identifier FROM pg_control_system()),
    substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8),
    (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()), 'log'::regclass::oid);
END $$;

CREATE FUNCTION log_head(OUT sequence bigint, OUT mark text, OUT incarnation text, OUT now bigint)
LANGUAGE plpgsql ${byIndex} AS $$
BEGIN
  SELECT l.sequence, l.mark INTO sequence, mark FROM log l ORDER BY l.sequence DESC LIMIT 1;
  sequence := coalesce(sequence, 0);
  mark := coalesce(mark, '');
  incarnation := incarnation();
  now := extract(epoch FROM clock_timestamp()) * 1000;
END $$;

-- The incarnation that was confirmed last, if any.
CREATE TABLE confirmed (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  incarnation text NOT NULL
);

-- Who is there is one table, and what each of them said last another: a row of nodes comes, goes, and is locked by
-- whoever changes what belongs to it.
CREATE TABLE renewals (
  id text,
  counter bigint,
  applied bigint NOT NULL,
  tail bigint NOT NULL,
  tail_mark text NOT NULL,
  PRIMARY KEY (id, counter)
);
INSERT INTO renewals SELECT id, counter, applied, 0, '' FROM nodes;
ALTER TABLE nodes DROP COLUMN counter, DROP COLUMN applied;

CREATE FUNCTION last_counter(node text) RETURNS bigint LANGUAGE plpgsql ${byIndex} AS $$
BEGIN
  RETURN (SELECT r.counter FROM renewals r WHERE r.id = node ORDER BY r.counter DESC LIMIT 1);
END $$;

CREATE PROCEDURE write_node(node text, raised bigint, applied bigint, tail bigint, tail_mark text)
LANGUAGE plpgsql ${byIndex} AS $$
DECLARE
  known bigint;
BEGIN
  LOOP
    PERFORM FROM nodes n WHERE n.id = node FOR UPDATE;
    EXIT WHEN FOUND;
    INSERT INTO nodes VALUES (node) ON CONFLICT DO NOTHING;
  END LOOP;
  known := last_counter(node);
  IF known IS NULL THEN
    INSERT INTO renewals VALUES (node, raised, applied, tail, tail_mark);
  ELSE
    -- One that was under way for long does not undo a later one.
    UPDATE renewals r SET counter = raised, applied = write_node.applied, tail = write_node.tail,
        tail_mark = write_node.tail_mark
      WHERE r.id = node AND r.counter = known AND raised >= known;
  END IF;
END $$;

-- The head is read in a statement that begins after the commit: what it finds was visible when the row was.
CREATE PROCEDURE renew_node(node text, raised bigint, applied bigint, tail bigint, tail_mark text,
  INOUT sequence bigint, INOUT mark text, INOUT incarnation text, INOUT now bigint) LANGUAGE plpgsql AS $$
BEGIN
  CALL write_node(node, raised, applied, tail, tail_mark);
  COMMIT;
  SELECT * INTO sequence, mark, incarnation, now FROM log_head();
END $$;

CREATE FUNCTION remove_node(node text, judged bigint) RETURNS void LANGUAGE plpgsql ${byIndex} AS $$
DECLARE
  known bigint;
BEGIN
  PERFORM FROM nodes n WHERE n.id = node FOR UPDATE;
  known := last_counter(node);
  IF known <> judged THEN RETURN; END IF;
  DELETE FROM renewals r WHERE r.id = node AND r.counter = known;
  DELETE FROM nodes n WHERE n.id = node;
END $$;

CREATE FUNCTION list_nodes()
RETURNS TABLE (id text, counter bigint, applied bigint, tail bigint, tail_mark text, current boolean)
LANGUAGE plpgsql STABLE ${byIndex} AS $$
BEGIN
  RETURN QUERY SELECT r.*, r.tail = 0 OR EXISTS (
      SELECT FROM log l WHERE l.sequence = r.tail AND l.mark::text = r.tail_mark
    )
    FROM nodes n CROSS JOIN LATERAL (
      SELECT * FROM renewals x WHERE x.id = n.id ORDER BY x.counter DESC LIMIT 1
    ) r;
END $$;

-- Forgets ended sessions, entries, events and attempts that are older than they are kept.
CREATE OR REPLACE FUNCTION sweep_old(now bigint, ended_until bigint, events_until bigint, most integer,
  OUT forgotten integer, OUT more boolean) LANGUAGE plpgsql AS $$
DECLARE
  owners text[];
  trimmed integer;
  told integer;
BEGIN
  WITH gone AS (
    DELETE FROM sessions WHERE id = ANY (ARRAY(
      SELECT s.id FROM sessions s WHERE s.end_at IS NOT NULL AND s.written_at <= ended_until
      ORDER BY s.written_at LIMIT most FOR UPDATE SKIP LOCKED
    )) RETURNING user_id
  )
  SELECT count(*), array_agg(DISTINCT user_id) INTO forgotten, owners FROM gone;
  DELETE FROM users WHERE id = ANY (ARRAY(
    SELECT u.id FROM users u WHERE u.id = ANY (owners) AND u.epoch = 0
      AND (u.active = 0 OR u.everyone < (SELECT everyone FROM counters))
    FOR UPDATE SKIP LOCKED
  ));
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
  DELETE FROM events WHERE at <= events_until AND sequence = ANY (ARRAY(
    SELECT e.sequence FROM events e ORDER BY e.sequence LIMIT most * 4 FOR UPDATE SKIP LOCKED
  ));
  GET DIAGNOSTICS told = ROW_COUNT;
  DELETE FROM attempts WHERE bucket = ANY (ARRAY(
    SELECT a.bucket FROM attempts a WHERE a.reset_at <= now LIMIT most * 4 FOR UPDATE SKIP LOCKED
  ));
  more := forgotten >= most OR trimmed >= most * 4 OR told >= most * 4;
END $$;
`;
