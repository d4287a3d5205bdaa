/*
 * What nodes do all the time, however many rows there are.
 *
 * The planner decides while the tables are almost empty, and its plans stay: an EXISTS over the log became a hash table of
 * the whole log for each list of nodes, and a search for one user's sessions a walk through everybody's. So the settings
 * leave it the indexes alone, and a subquery with one result leaves it no hash table.
 */
const byIndex =
  'SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off SET enable_hashjoin = off SET enable_mergejoin = off';

export const sweeping = `
CALL lock_writers();

-- The mark of an entry of the log; null where there is no such entry.
CREATE FUNCTION mark_at(place bigint) RETURNS text LANGUAGE plpgsql STABLE ${byIndex} AS $$
BEGIN
  RETURN (SELECT l.mark::text FROM log l WHERE l.sequence = place);
END $$;

CREATE OR REPLACE FUNCTION list_nodes()
RETURNS TABLE (id text, counter bigint, applied bigint, tail bigint, tail_mark text, current boolean)
LANGUAGE plpgsql STABLE ${byIndex} AS $$
BEGIN
  RETURN QUERY SELECT r.*, r.tail = 0 OR coalesce(
      (SELECT l.mark::text FROM log l WHERE l.sequence = r.tail) = r.tail_mark, false
    )
    FROM nodes n CROSS JOIN LATERAL (
      SELECT * FROM renewals x WHERE x.id = n.id ORDER BY x.counter DESC LIMIT 1
    ) r;
END $$;

-- Writes down, with sessions that the caller has locked, that an epoch ended them. A session whose deadline came before is
-- left to sweep_deadlines: that end has an entry and an event of its own.
CREATE FUNCTION write_epoch_ends(stale text[], now bigint) RETURNS integer LANGUAGE plpgsql ${byIndex} AS $$
DECLARE
  written integer;
BEGIN
  IF cardinality(stale) = 0 THEN RETURN 0; END IF;
  WITH ended AS (
    SELECT s.id, why.* FROM sessions s CROSS JOIN LATERAL end_of(s, now) AS why
    WHERE s.id = ANY (stale) AND why.sequence IS NOT NULL
  )
  UPDATE sessions s
    SET end_at = e.at, end_by = e.actor, end_reason = e.reason, end_sequence = e.sequence, written_at = now,
        version = s.version + 1
    FROM ended e WHERE s.id = e.id;
  GET DIAGNOSTICS written = ROW_COUNT;
  DELETE FROM slots WHERE name = ANY (ARRAY(
    SELECT t.name FROM sessions s JOIN slots t ON t.name = s.name AND t.session_id = s.id
    WHERE s.id = ANY (stale) AND s.end_at IS NOT NULL AND NOT t.kept FOR UPDATE OF t SKIP LOCKED
  ));
  RETURN written;
END $$;

-- Records, session by session, what epochs ended at once: no entry and no event, the epoch had its own. One node at a
-- time: two would look for the same sessions and wait for each other's rows. It handles so many sessions, and so many
-- users, at most; \`more\` says that some may be left.
CREATE FUNCTION sweep_ended_by_epochs(now bigint, most integer, OUT written integer, OUT more boolean)
LANGUAGE plpgsql ${byIndex} AS $$
DECLARE
  -- Users that are handled together.
  together constant integer := 100;
  everyone integer;
  after text := '';
  room integer;
  owners text[];
  numbers integer[];
  places text[];
  stale text[];
  owners_of_stale text[];
  unfinished text;
  users_left integer := most;
  settled_now integer;
  progress integer;
BEGIN
  written := 0;
  more := false;
  IF NOT EXISTS (SELECT FROM epochs WHERE NOT settled) THEN RETURN; END IF;
  PERFORM pg_advisory_xact_lock('epochs'::regclass::oid::bigint);
  SELECT max(number) INTO everyone FROM epochs WHERE user_id = '' AND NOT settled;
  IF everyone IS NOT NULL THEN
    stale := ARRAY(SELECT s.id FROM sessions s WHERE s.end_at IS NULL AND s.epoch_everyone < everyone
      ORDER BY s.epoch_everyone, s.id LIMIT most FOR UPDATE SKIP LOCKED);
    written := write_epoch_ends(stale, now);
    IF cardinality(stale) < most
      AND NOT EXISTS (SELECT FROM sessions s WHERE s.end_at IS NULL AND s.epoch_everyone < everyone)
    THEN
      UPDATE epochs e SET settled = true WHERE e.user_id = '' AND e.number <= everyone AND NOT e.settled;
    END IF;
  END IF;
  progress := written;
  WHILE written < most AND users_left > 0 LOOP
    SELECT array_agg(p.user_id), array_agg(p.number), array_agg(p.swept) INTO owners, numbers, places FROM (
      SELECT DISTINCT ON (e.user_id) e.user_id, e.number, e.swept FROM epochs e WHERE NOT e.settled AND e.user_id > after
      ORDER BY e.user_id, e.number DESC LIMIT together
    ) p;
    IF owners IS NULL THEN RETURN; END IF;
    users_left := users_left - cardinality(owners);
    room := most - written;
    -- Each from where the last piece stopped, because recorded sessions are in the index as well.
    SELECT coalesce(array_agg(f.user_id), '{}'), coalesce(array_agg(f.id), '{}') INTO owners_of_stale, stale FROM (
      SELECT p.user_id, c.id FROM unnest(owners, numbers, places) AS p (user_id, number, swept) CROSS JOIN LATERAL (
        SELECT s.id FROM sessions s WHERE s.user_id = p.user_id AND s.id > p.swept AND s.end_at IS NULL
          AND s.epoch_user < p.number ORDER BY s.id LIMIT room FOR UPDATE SKIP LOCKED
      ) c LIMIT room
    ) f;
    written := written + write_epoch_ends(stale, now);
    -- If there was room for no more, the walk stopped among the sessions of the last of them.
    unfinished := owners_of_stale[room];
    UPDATE epochs e SET swept = stale[room]
      WHERE e.user_id = unfinished AND e.number = numbers[array_position(owners, unfinished)];
    -- By row, so that no plan looks at everybody's epochs for each of these users.
    UPDATE epochs e SET settled = true WHERE e.ctid = ANY (ARRAY(
      SELECT x.ctid FROM unnest(owners, numbers) AS p (user_id, number) CROSS JOIN LATERAL (
        SELECT y.ctid FROM epochs y WHERE y.user_id = p.user_id AND y.number <= p.number AND NOT y.settled
        ORDER BY y.number FOR UPDATE
      ) x
      WHERE (unfinished IS NULL OR p.user_id COLLATE "C" < unfinished)
        AND (SELECT s.id FROM sessions s WHERE s.user_id = p.user_id AND s.end_at IS NULL AND s.epoch_user < p.number
          ORDER BY s.id LIMIT 1) IS NULL
    ));
    GET DIAGNOSTICS settled_now = ROW_COUNT;
    progress := progress + cardinality(stale) + settled_now;
    -- A walk that skipped locked rows begins anew.
    UPDATE epochs e SET swept = '' WHERE e.ctid = ANY (ARRAY(
      SELECT x.ctid FROM unnest(owners, numbers) AS p (user_id, number) CROSS JOIN LATERAL (
        SELECT y.ctid FROM epochs y WHERE y.user_id = p.user_id AND y.number = p.number AND NOT y.settled
          AND y.swept <> '' ORDER BY y.number FOR UPDATE
      ) x
      WHERE unfinished IS NULL OR p.user_id COLLATE "C" < unfinished
    ));
    after := coalesce(unfinished, owners[cardinality(owners)]);
  END LOOP;
  -- What others have locked is left for later, not tried at once again.
  more := progress > 0;
END $$;

-- Servers of an earlier version call it so.
CREATE OR REPLACE FUNCTION sweep_epochs(now bigint, most integer) RETURNS integer LANGUAGE sql AS $$
  SELECT written FROM sweep_ended_by_epochs(now, most)
$$;

-- Forgets ended sessions, entries, events and attempts that are older than they are kept. What is not old enough is looked
-- at, and not locked: a lock is a write.
CREATE OR REPLACE FUNCTION sweep_old(now bigint, ended_until bigint, events_until bigint, most integer,
  OUT forgotten integer, OUT more boolean) LANGUAGE plpgsql ${byIndex} AS $$
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
      AND (u.active = 0 OR u.everyone < (SELECT everyone FROM newest_counters()))
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
  DELETE FROM events WHERE sequence = ANY (ARRAY(
    SELECT e.sequence FROM events e WHERE e.sequence = ANY (ARRAY(
      SELECT o.sequence FROM (SELECT x.sequence, x.at FROM events x ORDER BY x.sequence LIMIT most * 4) o
      WHERE o.at <= events_until
    )) FOR UPDATE SKIP LOCKED
  ));
  GET DIAGNOSTICS told = ROW_COUNT;
  DELETE FROM attempts WHERE bucket = ANY (ARRAY(
    SELECT a.bucket FROM attempts a WHERE a.reset_at <= now LIMIT most * 4 FOR UPDATE SKIP LOCKED
  ));
  more := forgotten >= most OR trimmed >= most * 4 OR told >= most * 4;
END $$;
`;
