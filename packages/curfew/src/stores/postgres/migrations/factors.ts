/*
 * What a second factor was shown for stands beside when. The column of the moment alone stays, for servers of the version
 * before: they go on remembering what was shown to them, and nothing that a present server has seen or forgotten.
 */
export const factors = `
CALL lock_writers();

ALTER TABLE sessions ADD COLUMN factor_shown text;

CREATE OR REPLACE PROCEDURE change_session(op jsonb, INOUT c counters, INOUT answer jsonb) LANGUAGE plpgsql AS $$
DECLARE
  now bigint := (op->>'now')::bigint;
  s sessions;
  next sessions;
  counts integer;
BEGIN
  SELECT * INTO s FROM sessions WHERE id = op->>'id' FOR UPDATE;
  IF NOT FOUND THEN
    answer := '{"kind": "not_found"}';
    RETURN;
  END IF;
  IF (end_of(s, now)).at IS NOT NULL THEN
    answer := '{"kind": "ended"}';
    RETURN;
  END IF;
  IF s.version <> (op->>'version')::integer THEN
    answer := '{"kind": "conflict"}';
    RETURN;
  END IF;
  next := jsonb_populate_record(s, op->'set');
  next.version := s.version + 1;
  next.last_seen_at := greatest(s.last_seen_at, next.last_seen_at);
  counts := is_active(next, c)::integer - is_active(s, c)::integer;
  UPDATE sessions SET
    suspended = next.suspended, token_hash = next.token_hash, refresh_hash = next.refresh_hash,
    previous_hash = next.previous_hash, rotated_at = next.rotated_at, rotations = next.rotations,
    factor_at = CASE WHEN op->'set' ? 'factor_shown' THEN NULL ELSE next.factor_at END,
    factor_shown = next.factor_shown, last_seen_at = next.last_seen_at, version = next.version
    WHERE id = s.id;
  IF counts <> 0 THEN CALL count_active(s.user_id, counts, c); END IF;
  answer := jsonb_build_object('kind', 'changed', 'session', to_jsonb(next));
  IF (op->>'logged')::boolean THEN
    CALL note_change(now, s.id, NULL, c);
    answer := answer || jsonb_build_object('sequence', c.head);
  END IF;
  CALL tell_asked(op->'event', c);
END $$;
`;
