/*
 * The sweep in pieces, each a transaction of its own. What needs no number takes no writers' lock; what needs one takes
 * it first, so that nobody who has it ever waits for a row of somebody who wants it. Rows that anybody else has locked
 * are skipped: any number of nodes may sweep at once.
 */
export const sweep = `
-- Writes down, session by session, what epochs ended at once: no entry and no event, the epoch had its own.
CREATE FUNCTION sweep_epochs(now bigint, most integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  step record;
  room integer;
  stale text[];
  written integer;
  done integer := 0;
BEGIN
  FOR step IN
    SELECT DISTINCT ON (user_id) user_id, number, swept FROM epochs WHERE NOT settled ORDER BY user_id, number DESC
  LOOP
    EXIT WHEN done >= most;
    room := most - done;
    IF step.user_id = '' THEN
      stale := ARRAY(SELECT s.id FROM sessions s WHERE s.end_at IS NULL AND s.epoch_everyone < step.number
        ORDER BY s.epoch_everyone, s.id LIMIT room FOR UPDATE SKIP LOCKED);
    ELSE
      -- From where the last piece stopped: those that are written down stand in the index as well.
      stale := ARRAY(SELECT s.id FROM sessions s WHERE s.user_id = step.user_id AND s.id > step.swept AND s.end_at IS NULL
        AND s.epoch_user < step.number ORDER BY s.id LIMIT room FOR UPDATE SKIP LOCKED);
      UPDATE epochs e SET swept = CASE WHEN cardinality(stale) < room THEN '' ELSE stale[room] END
        WHERE e.user_id = step.user_id AND e.number = step.number;
    END IF;
    -- One whose deadline came before is left to sweep_deadlines: that end has an entry and an event of its own.
    WITH ended AS (
      SELECT s.id, (end_of(s, now)).* FROM sessions s WHERE s.id = ANY (stale)
    )
    UPDATE sessions s
      SET end_at = e.at, end_by = e.actor, end_reason = e.reason, end_sequence = e.sequence, written_at = now,
          version = s.version + 1
      FROM ended e WHERE s.id = e.id AND e.sequence IS NOT NULL;
    GET DIAGNOSTICS written = ROW_COUNT;
    done := done + written;
    DELETE FROM slots WHERE name = ANY (ARRAY(
      SELECT t.name FROM slots t JOIN sessions s ON s.id = t.session_id AND s.end_at IS NOT NULL
      WHERE s.id = ANY (stale) AND NOT t.kept FOR UPDATE OF t SKIP LOCKED
    ));
    -- A walk that another node took part in may have passed some over: then it begins anew.
    CONTINUE WHEN cardinality(stale) = room;
    IF NOT EXISTS (SELECT FROM sessions s WHERE s.end_at IS NULL AND s.epoch_everyone < step.number
        AND step.user_id = '')
      AND NOT EXISTS (SELECT FROM sessions s WHERE s.end_at IS NULL AND s.user_id = step.user_id
        AND s.epoch_user < step.number)
    THEN
      UPDATE epochs e SET settled = true WHERE e.user_id = step.user_id AND e.number <= step.number AND NOT e.settled;
    END IF;
  END LOOP;
  RETURN done;
END $$;

-- Arms those anew that were active meanwhile.
CREATE FUNCTION sweep_armed(now bigint, most integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  done integer;
BEGIN
  UPDATE sessions s SET armed = deadline_of(s) WHERE s.id = ANY (ARRAY(
    SELECT x.id FROM sessions x WHERE x.end_at IS NULL AND x.armed <= now AND deadline_of(x) > now
    ORDER BY x.armed LIMIT most FOR UPDATE SKIP LOCKED
  ));
  GET DIAGNOSTICS done = ROW_COUNT;
  RETURN done;
END $$;

-- Ends those whose deadline has come.
CREATE FUNCTION sweep_deadlines(now bigint, most integer, OUT looked integer, OUT expired integer)
LANGUAGE plpgsql AS $$
DECLARE
  c counters;
  s sessions;
  why ending;
BEGIN
  looked := 0;
  expired := 0;
  IF NOT EXISTS (SELECT FROM sessions x WHERE x.end_at IS NULL AND x.armed <= now AND deadline_of(x) <= now) THEN
    RETURN;
  END IF;
  CALL lock_writers();
  SELECT * INTO c FROM counters;
  FOR s IN SELECT * FROM sessions x WHERE x.end_at IS NULL AND x.armed <= now AND deadline_of(x) <= now
    ORDER BY x.armed, x.id LIMIT most FOR UPDATE SKIP LOCKED
  LOOP
    looked := looked + 1;
    why := end_of(s, now);
    IF why.sequence IS NULL THEN
      CALL write_end(s, why, now, c);
      expired := expired + 1;
    ELSE
      UPDATE sessions x SET end_at = why.at, end_by = why.actor, end_reason = why.reason, end_sequence = why.sequence,
        written_at = now, version = x.version + 1 WHERE x.id = s.id;
      DELETE FROM slots t WHERE t.name = s.name AND t.session_id = s.id AND NOT t.kept;
    END IF;
  END LOOP;
  CALL keep_counters(c);
END $$;

-- Forgets ended sessions, entries, events and attempts that are older than they are kept.
CREATE FUNCTION sweep_old(now bigint, ended_until bigint, events_until bigint, most integer,
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
  DELETE FROM log WHERE at <= ended_until AND sequence = ANY (ARRAY(
    SELECT l.sequence FROM log l ORDER BY l.sequence LIMIT most * 4 FOR UPDATE SKIP LOCKED
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

-- Forgets the steps of epochs that are settled and old. A user's last step carries the present number, so it stays as
-- long as a live session is stamped with it; everyone's last stays for good.
CREATE FUNCTION sweep_steps(ended_until bigint, most integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  step epochs;
  done integer := 0;
  later constant bigint := 3600000;
BEGIN
  IF NOT EXISTS (SELECT FROM epochs WHERE settled AND armed <= ended_until) THEN RETURN 0; END IF;
  CALL lock_writers();
  FOR step IN SELECT * FROM epochs WHERE settled AND armed <= ended_until ORDER BY armed LIMIT most LOOP
    done := done + 1;
    IF EXISTS (SELECT FROM epochs e WHERE e.user_id = step.user_id AND e.number > step.number) THEN
      DELETE FROM epochs e WHERE e.user_id = step.user_id AND e.number = step.number;
    ELSIF step.user_id = '' OR EXISTS (
      SELECT FROM sessions s WHERE s.user_id = step.user_id AND s.end_at IS NULL
    ) THEN
      UPDATE epochs e SET armed = ended_until + later WHERE e.user_id = step.user_id AND e.number = step.number;
    ELSE
      DELETE FROM epochs e WHERE e.user_id = step.user_id;
      DELETE FROM users WHERE id = step.user_id;
    END IF;
  END LOOP;
  RETURN done;
END $$;
`;
