/*
 * The two writes that come in numbers, many in one statement: most of what a statement costs it costs once. They take
 * only what is plain (no name, no limit of a policy, no epoch or deadline in the way) and leave the rest without an
 * answer, to be done one at a time. A session that is in a batch twice is created by none of it: the batch fails, and
 * its operations are made one by one.
 *
 * Batches are small beside the tables, so whatever the planner knows of them: by index.
 */
const byIndex = 'SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off';

export const together = `
CREATE PROCEDURE create_plain_sessions(ops jsonb, INOUT c counters, INOUT answers jsonb[])
LANGUAGE plpgsql ${byIndex} AS $$
DECLARE
  made record;
BEGIN
  FOR made IN
    WITH asked AS MATERIALIZED (
      SELECT x.place, x.op, coalesce((SELECT u.epoch FROM users u WHERE u.id = x.op->'session'->>'user_id'), 0) AS epoch
      FROM jsonb_array_elements(ops) WITH ORDINALITY AS x (op, place)
      WHERE x.op->>'do' = 'create_session' AND x.op->'session'->>'name' IS NULL AND x.op->'limit'->>'max' IS NULL
        AND NOT EXISTS (SELECT FROM sessions t WHERE t.id = x.op->'session'->>'id')
    ), plain AS MATERIALIZED (
      SELECT place, op->'event' AS event, row_number() OVER (ORDER BY place) AS nth,
        jsonb_populate_record(NULL::sessions,
          op->'session' || jsonb_build_object('epoch_user', epoch, 'epoch_everyone', c.everyone)) AS s
      FROM asked
      WHERE coalesce((op->'epochs'->>'user')::integer = epoch, true)
        AND coalesce((op->'epochs'->>'everyone')::integer = c.everyone, true)
    ), written AS (
      INSERT INTO sessions SELECT (s).* FROM plain
    ), counted AS (
      INSERT INTO users AS u (id, active, everyone)
        SELECT (s).user_id, count(*) FILTER (WHERE NOT (s).suspended), c.everyone FROM plain GROUP BY (s).user_id
        ON CONFLICT (id) DO UPDATE
        SET active = CASE WHEN u.everyone = c.everyone THEN u.active ELSE 0 END + excluded.active, everyone = c.everyone
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

CREATE PROCEDURE end_plain_sessions(ops jsonb, INOUT c counters, INOUT answers jsonb[])
LANGUAGE plpgsql ${byIndex} AS $$
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
      SELECT a.place, a.why, t.id, t.user_id, NOT t.suspended AS counted, row_number() OVER (ORDER BY a.place) AS nth
      FROM asked a JOIN LATERAL (SELECT * FROM sessions WHERE id = a.op->>'id' FOR UPDATE) t ON true
      WHERE t.end_at IS NULL AND t.name IS NULL AND t.user_id = coalesce(a.op->>'user_id', t.user_id)
        AND t.epoch_everyone = c.everyone AND t.epoch_user = coalesce((SELECT u.epoch FROM users u WHERE u.id = t.user_id), 0)
        AND least(t.expires_at, t.last_seen_at + t.idle) > (a.why).at
    ), logged AS (
      INSERT INTO log SELECT c.head + nth, (why).at, id, NULL FROM plain
    ), told AS (
      INSERT INTO events SELECT c.last_event + nth, (why).at, 'session.ended', user_id, id,
        json_build_object('by', (why).actor, 'reason', (why).reason)::text FROM plain
    ), counted AS (
      INSERT INTO users AS u (id, active, everyone)
        SELECT user_id, -count(*), c.everyone FROM plain WHERE counted GROUP BY user_id
        ON CONFLICT (id) DO UPDATE SET active = u.active + excluded.active
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
