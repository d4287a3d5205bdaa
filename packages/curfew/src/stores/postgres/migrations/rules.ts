/*
 * The domain's rules in SQL, as far as a write has to know them: domain/session.ts says the same in TypeScript, and
 * the conformance suite holds both to it.
 */
export const rules = `
CREATE TYPE ending AS (at bigint, actor text, reason text, sequence bigint);

CREATE FUNCTION deadline_of(s sessions) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT least(s.expires_at, s.last_seen_at + s.idle)
$$;

-- Whether and how a session has ended: all null when it has not. An end by deadline that nobody wrote down has no
-- sequence.
CREATE FUNCTION end_of(s sessions, now bigint) RETURNS ending LANGUAGE plpgsql STABLE AS $$
DECLARE
  deadline bigint := least(s.expires_at, s.last_seen_at + s.idle);
  found_end ending;
  everyone ending;
BEGIN
  IF s.end_at IS NOT NULL THEN
    RETURN ROW(s.end_at, s.end_by, s.end_reason, s.end_sequence)::ending;
  END IF;
  -- The first end that an epoch gave it, the user's or everyone's.
  SELECT e.at, e.actor, e.reason, e.sequence INTO found_end
    FROM epochs e WHERE e.user_id = s.user_id AND e.number > s.epoch_user ORDER BY e.number LIMIT 1;
  SELECT e.at, e.actor, e.reason, e.sequence INTO everyone
    FROM epochs e WHERE e.user_id = '' AND e.number > s.epoch_everyone ORDER BY e.number LIMIT 1;
  IF found_end.at IS NULL OR everyone.sequence < found_end.sequence THEN
    found_end := everyone;
  END IF;
  IF now >= deadline AND (found_end.at IS NULL OR deadline < found_end.at) THEN
    RETURN ROW(deadline, 'policy', CASE WHEN deadline = s.expires_at THEN 'expired' ELSE 'idle' END, NULL)::ending;
  END IF;
  RETURN found_end;
END $$;

CREATE FUNCTION epoch_of(asked text) RETURNS integer LANGUAGE sql STABLE AS $$
  SELECT coalesce((SELECT epoch FROM users WHERE id = asked), 0)
$$;

-- Whether a session counts as active, whatever its deadlines.
CREATE FUNCTION is_active(s sessions, c counters) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT s.end_at IS NULL AND NOT s.suspended AND s.epoch_everyone = c.everyone AND s.epoch_user = epoch_of(s.user_id)
$$;

-- A user's active sessions under the present epochs, whatever their deadlines.
CREATE FUNCTION active_of(asked text, c counters) RETURNS integer LANGUAGE sql STABLE AS $$
  SELECT coalesce((SELECT active FROM users WHERE id = asked AND everyone = c.everyone), 0)
$$;

CREATE PROCEDURE count_active(owner text, change integer, INOUT c counters) LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO users AS u (id, active, everyone) VALUES (owner, change, c.everyone)
    ON CONFLICT (id) DO UPDATE
    SET active = CASE WHEN u.everyone = c.everyone THEN u.active ELSE 0 END + change, everyone = c.everyone;
  c.active := c.active + change;
END $$;

-- Appends to the change log; the entry's number is then the counters' head.
CREATE PROCEDURE note_change(at bigint, session_id text, user_id text, INOUT c counters) LANGUAGE plpgsql AS $$
BEGIN
  c.head := c.head + 1;
  c.time := greatest(c.time, at);
  INSERT INTO log VALUES (c.head, at, session_id, user_id);
END $$;

CREATE PROCEDURE tell(type text, at bigint, user_id text, session_id text, data text, INOUT c counters)
LANGUAGE plpgsql AS $$
BEGIN
  c.last_event := c.last_event + 1;
  c.time := greatest(c.time, at);
  INSERT INTO events VALUES (c.last_event, at, type, user_id, session_id, data);
END $$;

-- An event as the caller wrote it; none is no error.
CREATE PROCEDURE tell_asked(event jsonb, INOUT c counters) LANGUAGE plpgsql AS $$
BEGIN
  IF event->>'type' IS NULL THEN RETURN; END IF;
  CALL tell(event->>'type', (event->>'at')::bigint, event->>'user_id', event->>'session_id', event->>'data', c);
END $$;

-- Writes down an end that nothing had sequenced before; the session is then as it was written.
CREATE PROCEDURE write_end(INOUT s sessions, why ending, now bigint, INOUT c counters) LANGUAGE plpgsql AS $$
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
  IF counted THEN
    UPDATE users SET active = active - 1 WHERE id = s.user_id;
    c.active := c.active - 1;
  END IF;
  IF s.name IS NOT NULL THEN
    DELETE FROM slots WHERE name = s.name AND session_id = s.id AND NOT kept;
  END IF;
END $$;
`;
