/*
 * The domain's rules in SQL, as far as a write has to know them: domain/session.ts says the same in TypeScript, and
 * the conformance suite holds both to it.
 */
export const rules = `
CREATE TYPE ending AS (at bigint, actor text, reason text, sequence bigint);

-- The first end that an epoch gave a session.
CREATE FUNCTION epoch_end(s sessions) RETURNS ending LANGUAGE sql STABLE AS $$
  SELECT ROW(e.at, e.actor, e.reason, e.sequence)::ending FROM (
    (SELECT * FROM epochs WHERE user_id = s.user_id AND number > s.epoch_user ORDER BY number LIMIT 1)
    UNION ALL
    (SELECT * FROM epochs WHERE user_id = '' AND number > s.epoch_everyone ORDER BY number LIMIT 1)
  ) e ORDER BY e.sequence LIMIT 1
$$;

CREATE FUNCTION deadline_of(s sessions) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT least(s.expires_at, s.last_seen_at + s.idle)
$$;

-- Whether and how a session has ended: all null when it has not. An end by deadline that nobody wrote down has no
-- sequence.
CREATE FUNCTION end_of(s sessions, now bigint) RETURNS ending LANGUAGE plpgsql STABLE AS $$
DECLARE
  deadline bigint := deadline_of(s);
  epoch ending;
BEGIN
  IF s.end_at IS NOT NULL THEN
    RETURN ROW(s.end_at, s.end_by, s.end_reason, s.end_sequence)::ending;
  END IF;
  epoch := epoch_end(s);
  IF now >= deadline AND (epoch.at IS NULL OR deadline < epoch.at) THEN
    RETURN ROW(deadline, 'policy', CASE WHEN deadline = s.expires_at THEN 'expired' ELSE 'idle' END, NULL)::ending;
  END IF;
  RETURN epoch;
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

-- Writes down an end that nothing had sequenced before.
CREATE PROCEDURE write_end(s sessions, why ending, now bigint, INOUT c counters) LANGUAGE plpgsql AS $$
DECLARE
  counted boolean := is_active(s, c);
BEGIN
  CALL note_change(now, s.id, NULL, c);
  CALL tell('session.ended', why.at, s.user_id, s.id, json_build_object('by', why.actor, 'reason', why.reason)::text, c);
  UPDATE sessions
    SET end_at = why.at, end_by = why.actor, end_reason = why.reason, end_sequence = c.head, written_at = now,
        version = version + 1
    WHERE id = s.id;
  IF counted THEN CALL count_active(s.user_id, -1, c); END IF;
  IF s.name IS NOT NULL THEN
    DELETE FROM slots WHERE name = s.name AND session_id = s.id AND NOT kept;
  END IF;
END $$;
`;
