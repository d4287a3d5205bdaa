import { byIndex, joinedByIndex } from './by-index.ts';

/*
 * What tells one history of the store from another (docs/fence, R10): a mark on each entry of the log, the incarnation of
 * the server, and how far each node has followed the log.
 *
 * A renewal is written hundreds of times a second. Each has a key of its own, (id, counter), by which the newest is found
 * without a look at the dead versions before it.
 */
export const nodes: string = `
-- What was acknowledged before may be gone when this is another: after a promotion (the timeline; the one of the control
-- file lags behind), on another server, and in a database or a schema that was restored from a copy. Null on a standby.
CREATE OR REPLACE FUNCTION incarnation() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  IF pg_is_in_recovery() THEN RETURN NULL; END IF;
  RETURN concat_ws('/', (SELECT system_identifier FROM pg_control_system()),
    substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8),
    (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()), 'log'::regclass::oid);
END $$;

CREATE OR REPLACE FUNCTION log_head(OUT sequence bigint, OUT mark text, OUT incarnation text, OUT now bigint)
LANGUAGE plpgsql ${byIndex} AS $$
BEGIN
  SELECT l.sequence, l.mark INTO sequence, mark FROM log l ORDER BY l.sequence DESC LIMIT 1;
  sequence := coalesce(sequence, 0);
  mark := coalesce(mark, '');
  incarnation := incarnation();
  now := extract(epoch FROM clock_timestamp()) * 1000;
END $$;

-- The mark of an entry of the log; null where there is no such entry.
CREATE OR REPLACE FUNCTION mark_at(place bigint) RETURNS text LANGUAGE plpgsql STABLE ${byIndex} AS $$
BEGIN
  RETURN (SELECT l.mark::text FROM log l WHERE l.sequence = place);
END $$;

-- The log has an entry at its head, whatever was trimmed or imported: the mark there proves which log it is.
CREATE OR REPLACE PROCEDURE complete_log() LANGUAGE sql AS $$
  INSERT INTO log (sequence, at) SELECT head, time FROM newest_counters() WHERE head > 0
    ON CONFLICT DO NOTHING
$$;

CREATE OR REPLACE FUNCTION last_counter(node text) RETURNS bigint LANGUAGE plpgsql ${byIndex} AS $$
BEGIN
  RETURN (SELECT r.counter FROM renewals r WHERE r.id = node ORDER BY r.counter DESC LIMIT 1);
END $$;

CREATE OR REPLACE PROCEDURE write_node(node text, raised bigint, applied bigint, tail bigint, tail_mark text)
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
CREATE OR REPLACE PROCEDURE renew_node(node text, raised bigint, applied bigint, tail bigint, tail_mark text,
  INOUT sequence bigint, INOUT mark text, INOUT incarnation text, INOUT now bigint) LANGUAGE plpgsql AS $$
BEGIN
  CALL write_node(node, raised, applied, tail, tail_mark);
  COMMIT;
  SELECT * INTO sequence, mark, incarnation, now FROM log_head();
END $$;

CREATE OR REPLACE FUNCTION remove_node(node text, judged bigint) RETURNS void LANGUAGE plpgsql ${byIndex} AS $$
DECLARE
  known bigint;
BEGIN
  PERFORM FROM nodes n WHERE n.id = node FOR UPDATE;
  known := last_counter(node);
  IF known <> judged THEN RETURN; END IF;
  DELETE FROM renewals r WHERE r.id = node AND r.counter = known;
  DELETE FROM nodes n WHERE n.id = node;
END $$;

CREATE OR REPLACE FUNCTION list_nodes()
RETURNS TABLE (id text, counter bigint, applied bigint, tail bigint, tail_mark text, current boolean)
LANGUAGE plpgsql STABLE ${joinedByIndex} AS $$
BEGIN
  RETURN QUERY SELECT r.*, r.tail = 0 OR coalesce(
      (SELECT l.mark::text FROM log l WHERE l.sequence = r.tail) = r.tail_mark, false
    )
    FROM nodes n CROSS JOIN LATERAL (
      SELECT * FROM renewals x WHERE x.id = n.id ORDER BY x.counter DESC LIMIT 1
    ) r;
END $$;
`;
