import { limits } from '../../../domain/limits.ts';
import { eventsPerBlock } from '../../event-times.ts';
import { batchByIndex, byIndex, joinedByIndex } from './by-index.ts';

/*
 * A write that nobody waits for does not wait for a synchronous standby either: while none answers, such a wait ends
 * neither with the statement's time nor with its connection, and each one would occupy a connection of the server.
 */
const waitsForNoStandby = "PERFORM set_config('synchronous_commit', 'local', true);";

/*
 * The sweep in pieces, each a transaction of its own. What needs no number takes no writers' lock; what needs one takes it
 * first, so that nobody who has it ever waits for a row of somebody who wants it. Rows that anybody else has locked are
 * skipped: any number of nodes may sweep at once.
 *
 * An epoch that is old and still needed is looked at again when the user's last tombstone is forgotten. Two nodes that
 * forget one each would both see the other one's; so the sweep takes the lock of the epochs for that, always before the
 * writers' lock, and looks in a statement of its own, which begins with the lock.
 */
export const sweep: string = `
CREATE OR REPLACE FUNCTION deadline_of(s sessions) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT least(s.expires_at, s.last_seen_at + s.idle)
$$;

-- The sessions that count as active although their deadline has passed, because no sweep has recorded that yet.
CREATE OR REPLACE FUNCTION count_due(moment bigint, c counters) RETURNS bigint LANGUAGE sql STABLE ${byIndex} AS $$
  SELECT count(*) FROM (
    SELECT s FROM sessions s WHERE s.end_at IS NULL AND s.armed <= moment ORDER BY s.armed LIMIT ${limits.dueCounted}
  ) due
  WHERE deadline_of(due.s) <= moment AND is_active(due.s, c)
$$;

-- The same of a user. Their own sessions are looked through, because there may be far more due ones of others.
CREATE OR REPLACE FUNCTION count_due_of(asked text, moment bigint, c counters) RETURNS bigint LANGUAGE sql STABLE ${byIndex} AS $$
  SELECT count(*) FROM (
    SELECT s FROM sessions s WHERE s.end_at IS NULL AND s.armed <= moment AND s.user_id = asked
    ORDER BY s.id LIMIT ${limits.dueCounted}
  ) due
  WHERE deadline_of(due.s) <= moment AND is_active(due.s, c)
$$;

-- Arms those anew that were active meanwhile.
CREATE OR REPLACE FUNCTION sweep_armed(now bigint, most integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  done integer;
BEGIN
  ${waitsForNoStandby}
  UPDATE sessions s SET armed = deadline_of(s) WHERE s.id = ANY (ARRAY(
    SELECT x.id FROM sessions x WHERE x.end_at IS NULL AND x.armed <= now AND deadline_of(x) > now
    ORDER BY x.armed LIMIT most FOR UPDATE SKIP LOCKED
  ));
  GET DIAGNOSTICS done = ROW_COUNT;
  RETURN done;
END $$;

-- Sessions whose deadline has passed; the sweep writes their ends down. Locked ones are left for later.
CREATE OR REPLACE FUNCTION due_at(now bigint, most integer) RETURNS SETOF sessions LANGUAGE plpgsql ${batchByIndex} AS $$
BEGIN
  ${waitsForNoStandby}
  RETURN QUERY SELECT * FROM sessions s WHERE s.end_at IS NULL AND s.armed <= now AND deadline_of(s) <= now
    ORDER BY s.armed LIMIT most FOR UPDATE SKIP LOCKED;
END $$;

-- Sessions that a step of a user, or of everyone (''), has passed, after a place in the order of ids.
CREATE OR REPLACE FUNCTION passed_by(owner text, step integer, after text, most integer) RETURNS SETOF sessions LANGUAGE plpgsql
${joinedByIndex} AS $$
BEGIN
  ${waitsForNoStandby}
  IF owner = '' THEN
    RETURN QUERY SELECT * FROM sessions s WHERE s.end_at IS NULL AND s.epoch_everyone < step
      ORDER BY s.epoch_everyone, s.id LIMIT most FOR UPDATE SKIP LOCKED;
  ELSE
    RETURN QUERY SELECT * FROM sessions s WHERE s.user_id = owner AND s.id > after AND s.end_at IS NULL
      AND s.epoch_user < step ORDER BY s.user_id, s.id LIMIT most FOR UPDATE SKIP LOCKED;
  END IF;
END $$;

-- Notes how far a walk over what steps have passed has come: up to a session of an owner, or to its end. A walk that
-- passed over locked rows begins anew.
CREATE OR REPLACE FUNCTION settle_steps(owners text[], numbers integer[], unfinished text, place text) RETURNS void LANGUAGE plpgsql
${batchByIndex} AS $$
DECLARE
  step record;
  nothing_left boolean;
BEGIN
  ${waitsForNoStandby}
  PERFORM pg_advisory_xact_lock('epochs'::regclass::oid::bigint);
  FOR step IN SELECT * FROM unnest(owners, numbers) AS p (user_id, number)
    WHERE unfinished IS NULL OR p.user_id COLLATE "C" <= unfinished LOOP
    IF step.user_id = unfinished THEN
      UPDATE epochs e SET swept = place WHERE e.user_id = step.user_id AND e.number = step.number AND e.user_id <> '';
      CONTINUE;
    END IF;
    IF step.user_id = '' THEN
      nothing_left := (SELECT s.id FROM sessions s WHERE s.end_at IS NULL AND s.epoch_everyone < step.number
        ORDER BY s.epoch_everyone, s.id LIMIT 1) IS NULL;
    ELSE
      nothing_left := (SELECT s.id FROM sessions s WHERE s.user_id = step.user_id AND s.end_at IS NULL
        AND s.epoch_user < step.number ORDER BY s.user_id, s.id LIMIT 1) IS NULL;
    END IF;
    IF nothing_left THEN
      UPDATE epochs e SET settled = true WHERE e.user_id = step.user_id AND e.number <= step.number AND NOT e.settled;
    ELSE
      UPDATE epochs e SET swept = '' WHERE e.user_id = step.user_id AND e.number = step.number AND e.swept <> '';
    END IF;
  END LOOP;
END $$;

-- Forgets ended sessions, entries, events and attempts that are older than they are kept. What is not old enough is looked
-- at, and not locked: a lock is a write.
CREATE OR REPLACE FUNCTION sweep_old(now bigint, ended_until bigint, events_until bigint, most integer,
  OUT forgotten integer, OUT more boolean) LANGUAGE plpgsql ${joinedByIndex} AS $$
DECLARE
  owners text[];
  trimmed integer;
  told integer;
BEGIN
  ${waitsForNoStandby}
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
  ${waitsForNoStandby}
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

-- Records the times of complete blocks of events, and forgets those of blocks whose events are gone. Events become visible
-- in the order of their sequences, so a block whose last event is visible is complete.
CREATE OR REPLACE FUNCTION sweep_times(most integer) RETURNS integer LANGUAGE plpgsql ${joinedByIndex} AS $$
DECLARE
  size CONSTANT bigint := ${eventsPerBlock};
  oldest bigint := (SELECT e.sequence FROM events e ORDER BY e.sequence LIMIT 1) / size;
  next bigint := greatest(oldest, (SELECT t.block + 1 FROM event_times t ORDER BY t.block DESC LIMIT 1));
  complete bigint := ((SELECT e.sequence FROM events e ORDER BY e.sequence DESC LIMIT 1) + 1) / size;
  done integer := 0;
BEGIN
  ${waitsForNoStandby}
  IF oldest IS NULL THEN RETURN 0; END IF;
  -- A block in which nothing is left gets a span that contains no time.
  INSERT INTO event_times
    SELECT b.block, coalesce(seen.earliest, 0), coalesce(seen.latest, -1)
    FROM generate_series(next, least(next + most, complete) - 1) AS b (block) CROSS JOIN LATERAL (
      SELECT min(e.at) AS earliest, max(e.at) AS latest FROM events e
      WHERE e.sequence >= b.block * size AND e.sequence < (b.block + 1) * size
    ) seen
    ON CONFLICT DO NOTHING;
  GET DIAGNOSTICS done = ROW_COUNT;
  DELETE FROM event_times WHERE block = ANY (ARRAY(
    SELECT t.block FROM event_times t WHERE t.block < oldest ORDER BY t.block LIMIT most FOR UPDATE SKIP LOCKED
  ));
  RETURN done;
END $$;
`;
