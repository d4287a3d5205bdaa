/*
 * A user's row is written with every creation and every end. While somebody's transaction is open, no dead version of it
 * can be removed, and whoever looks the user up walks past all of them. So each version has a number of its own, one more
 * than the last, as those of the counters have, and the newest is the first one from the end of the user's part of the
 * index.
 *
 * The planner may not know better: it has seen a table with few rows.
 */
const byIndex = 'SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off';
const batchByIndex = 'SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off';

/** The newest version of a user's row, for a statement that runs by index. */
const newest = (id: string) =>
  `LEFT JOIN LATERAL (SELECT * FROM users v WHERE v.id = ${id} ORDER BY v.number DESC LIMIT 1) u ON true`;

export const versions = `
CALL lock_writers();

ALTER TABLE users ADD COLUMN number bigint NOT NULL DEFAULT 0;
ALTER TABLE users DROP CONSTRAINT users_pkey, ADD PRIMARY KEY (id, number);
ALTER TABLE users RESET (fillfactor);

-- All null for a user without a row.
CREATE FUNCTION newest_user(asked text) RETURNS users LANGUAGE plpgsql STABLE ${byIndex} AS $$
DECLARE
  u users;
BEGIN
  SELECT * INTO u FROM users WHERE id = asked ORDER BY number DESC LIMIT 1;
  RETURN u;
END $$;

-- Writes what follows a version that was read under the writers' lock; the sweep may have forgotten that one meanwhile.
CREATE PROCEDURE keep_user(u users) LANGUAGE plpgsql ${byIndex} AS $$
BEGIN
  UPDATE users SET epoch = u.epoch, active = u.active, everyone = u.everyone, number = u.number + 1
    WHERE id = u.id AND number = u.number;
  IF NOT FOUND THEN
    INSERT INTO users VALUES (u.id, u.epoch, u.active, u.everyone, coalesce(u.number + 1, 0));
  END IF;
END $$;

CREATE OR REPLACE FUNCTION epoch_of(asked text) RETURNS integer LANGUAGE sql STABLE AS $$
  SELECT coalesce((newest_user(asked)).epoch, 0)
$$;

CREATE FUNCTION active_in(u users, c counters) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN u.everyone = c.everyone THEN u.active ELSE 0 END
$$;

CREATE OR REPLACE FUNCTION active_of(asked text, c counters) RETURNS integer LANGUAGE sql STABLE AS $$
  SELECT active_in(newest_user(asked), c)
$$;

CREATE OR REPLACE PROCEDURE count_active(owner text, change integer, INOUT c counters) LANGUAGE plpgsql AS $$
DECLARE
  u users := newest_user(owner);
BEGIN
  CALL keep_user(ROW(owner, coalesce(u.epoch, 0), active_in(u, c) + change, c.everyone, u.number)::users);
  c.active := c.active + change;
END $$;

CREATE OR REPLACE PROCEDURE write_end(INOUT s sessions, why ending, now bigint, INOUT c counters) LANGUAGE plpgsql AS $$
DECLARE
  counted boolean := is_active(s, c);
BEGIN
  c.head := c.head + 1;
  c.last_event := c.last_event + 1;
  c.time := greatest(c.time, now, why.at);
  s.end_at := why.at;
  s.end_by := why.actor;
  s.end_reason := why.reason;
  s.end_sequence := c.head;
  s.written_at := now;
  s.version := s.version + 1;
  WITH logged AS (
    INSERT INTO log VALUES (c.head, now, s.id, NULL)
  ), told AS (
    INSERT INTO events VALUES (c.last_event, why.at, 'session.ended', s.user_id, s.id,
      json_build_object('by', why.actor, 'reason', why.reason)::text)
  )
  UPDATE sessions
    SET end_at = s.end_at, end_by = s.end_by, end_reason = s.end_reason, end_sequence = s.end_sequence,
        written_at = s.written_at, version = s.version
    WHERE id = s.id;
  IF counted THEN CALL count_active(s.user_id, -1, c); END IF;
  IF s.name IS NOT NULL THEN
    DELETE FROM slots WHERE name = s.name AND session_id = s.id AND NOT kept;
  END IF;
END $$;

CREATE OR REPLACE PROCEDURE end_user(owner text, why ending, spare text, INOUT c counters, INOUT answer jsonb)
LANGUAGE plpgsql AS $$
DECLARE
  u users := newest_user(owner);
  s sessions;
  ended integer := active_in(u, c);
  left_over integer := 0;
  moved integer := coalesce(u.epoch, 0) + 1;
BEGIN
  IF spare IS NOT NULL THEN
    SELECT * INTO s FROM sessions WHERE id = spare FOR UPDATE;
    IF NOT FOUND OR s.user_id <> owner OR (end_of(s, why.at)).at IS NOT NULL THEN
      answer := '{"kind": "not_found"}';
      RETURN;
    END IF;
    left_over := (NOT s.suspended)::integer;
  END IF;
  CALL note_change(why.at, NULL, owner, c);
  CALL keep_user(ROW(owner, moved, left_over, c.everyone, u.number)::users);
  INSERT INTO epochs VALUES (owner, moved, why.at, why.actor, why.reason, c.head, false, why.at);
  c.active := c.active - ended + left_over;
  IF spare IS NOT NULL THEN
    UPDATE sessions SET epoch_user = moved, version = version + 1 WHERE id = spare;
  END IF;
  CALL tell('user.sessions_ended', why.at, owner, NULL, json_build_object('by', why.actor, 'reason', why.reason, 'details',
    json_strip_nulls(json_build_object('ended', ended - left_over, 'except', spare)))::text, c);
  answer := jsonb_build_object('kind', 'ended', 'sequence', c.head, 'ended', ended - left_over);
END $$;

CREATE OR REPLACE PROCEDURE create_plain_sessions(ops jsonb, INOUT c counters, INOUT answers jsonb[])
LANGUAGE plpgsql ${batchByIndex} AS $$
DECLARE
  made record;
BEGIN
  FOR made IN
    WITH asked AS MATERIALIZED (
      SELECT x.place, x.op, coalesce(u.epoch, 0) AS epoch, u.number
      FROM jsonb_array_elements(ops) WITH ORDINALITY AS x (op, place) ${newest("x.op->'session'->>'user_id'")}
      WHERE x.op->>'do' = 'create_session' AND x.op->'session'->>'name' IS NULL AND x.op->'limit'->>'max' IS NULL
        AND NOT EXISTS (SELECT FROM sessions t WHERE t.id = x.op->'session'->>'id')
    ), plain AS MATERIALIZED (
      SELECT place, number, op->'event' AS event, row_number() OVER (ORDER BY place) AS nth,
        jsonb_populate_record(NULL::sessions,
          op->'session' || jsonb_build_object('epoch_user', epoch, 'epoch_everyone', c.everyone)) AS s
      FROM asked
      WHERE coalesce((op->'epochs'->>'user')::integer = epoch, true)
        AND coalesce((op->'epochs'->>'everyone')::integer = c.everyone, true)
    ), written AS (
      INSERT INTO sessions SELECT (s).* FROM plain
    ), counted AS MATERIALIZED (
      SELECT (s).user_id AS id, count(*) FILTER (WHERE NOT (s).suspended) AS active, max(number) AS number
      FROM plain GROUP BY (s).user_id
    ), kept AS (
      UPDATE users u SET active = active_in(u, c) + n.active, everyone = c.everyone, number = u.number + 1
        FROM counted n WHERE u.id = n.id AND u.number = n.number RETURNING u.id
    ), added AS (
      INSERT INTO users SELECT n.id, 0, n.active, c.everyone, coalesce(n.number + 1, 0)
        FROM counted n WHERE n.id <> ALL (ARRAY(SELECT k.id FROM kept k))
    ), told AS (
      INSERT INTO events SELECT c.last_event + nth, (event->>'at')::bigint, event->>'type', event->>'user_id',
        event->>'session_id', event->>'data' FROM plain
    )
    SELECT place, (s).epoch_user AS epoch, NOT (s).suspended AS active, (event->>'at')::bigint AS at FROM plain
  LOOP
    c.last_event := c.last_event + 1;
    c.active := c.active + made.active::integer;
    c.time := greatest(c.time, made.at);
    answers[made.place] := jsonb_build_object('kind', 'created', 'replaced', '[]'::jsonb, 'user', made.epoch,
      'everyone', c.everyone);
  END LOOP;
END $$;

CREATE OR REPLACE PROCEDURE end_plain_sessions(ops jsonb, INOUT c counters, INOUT answers jsonb[])
LANGUAGE plpgsql ${batchByIndex} AS $$
DECLARE
  ended record;
BEGIN
  FOR ended IN
    WITH asked AS MATERIALIZED (
      -- Whoever ends it a second time is told of the first.
      SELECT DISTINCT ON (x.op->>'id') x.place, x.op, jsonb_populate_record(NULL::ending, x.op->'end') AS why
      FROM jsonb_array_elements(ops) WITH ORDINALITY AS x (op, place)
      WHERE x.op->>'do' = 'end_session' ORDER BY x.op->>'id', x.place
    ), plain AS MATERIALIZED (
      SELECT a.place, a.why, t.id, t.user_id, NOT t.suspended AS counted, u.number,
        row_number() OVER (ORDER BY a.place) AS nth
      FROM asked a JOIN LATERAL (SELECT * FROM sessions WHERE id = a.op->>'id' FOR UPDATE) t ON true
        ${newest('t.user_id')}
      WHERE t.end_at IS NULL AND t.name IS NULL AND t.user_id = coalesce(a.op->>'user_id', t.user_id)
        AND t.epoch_everyone = c.everyone AND t.epoch_user = coalesce(u.epoch, 0)
        AND least(t.expires_at, t.last_seen_at + t.idle) > (a.why).at
    ), logged AS (
      INSERT INTO log SELECT c.head + nth, (why).at, id, NULL FROM plain
    ), told AS (
      INSERT INTO events SELECT c.last_event + nth, (why).at, 'session.ended', user_id, id,
        json_build_object('by', (why).actor, 'reason', (why).reason)::text FROM plain
    ), counted AS (
      UPDATE users u SET active = u.active - n.ended, number = u.number + 1
        FROM (SELECT user_id, count(*) AS ended, max(number) AS number FROM plain WHERE counted GROUP BY user_id) n
        WHERE u.id = n.user_id AND u.number = n.number
    )
    UPDATE sessions t
      SET end_at = (p.why).at, end_by = (p.why).actor, end_reason = (p.why).reason, end_sequence = c.head + p.nth,
          written_at = (p.why).at, version = t.version + 1
      FROM plain p WHERE t.id = p.id
      RETURNING p.place, p.counted, (p.why).at AS at, to_jsonb(t) AS session,
        jsonb_build_object('at', (p.why).at, 'actor', (p.why).actor, 'reason', (p.why).reason, 'sequence', c.head + p.nth)
        AS why
  LOOP
    answers[ended.place] := jsonb_build_object('kind', 'ended', 'session', ended.session, 'end', ended.why);
    c.head := c.head + 1;
    c.last_event := c.last_event + 1;
    c.active := c.active - ended.counted::integer;
    c.time := greatest(c.time, ended.at);
  END LOOP;
END $$;
`;
