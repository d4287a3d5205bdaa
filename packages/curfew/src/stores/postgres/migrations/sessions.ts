/** The writes about single sessions, each one operation of the contract: what it was asked, in; what it answers, out. */
export const sessions = `
CREATE PROCEDURE create_session(op jsonb, INOUT c counters, INOUT answer jsonb) LANGUAGE plpgsql AS $$
DECLARE
  now bigint := (op->>'now')::bigint;
  most integer := (op->'limit'->>'max')::integer;
  s sessions := jsonb_populate_record(NULL::sessions, op->'session');
  there sessions;
  slot slots;
  live text[];
  over integer := 0;
BEGIN
  SELECT * INTO there FROM sessions WHERE id = s.id;
  IF FOUND THEN
    answer := jsonb_build_object('kind', 'created', 'there', to_jsonb(there));
    RETURN;
  END IF;
  s.epoch_user := epoch_of(s.user_id);
  s.epoch_everyone := c.everyone;
  IF (op->'epochs'->>'user')::integer <> s.epoch_user OR (op->'epochs'->>'everyone')::integer <> c.everyone THEN
    answer := '{"kind": "epoch_moved"}';
    RETURN;
  END IF;
  IF s.name IS NOT NULL THEN
    SELECT * INTO slot FROM slots WHERE name = s.name;
    IF FOUND THEN
      SELECT * INTO there FROM sessions WHERE id = slot.session_id;
      IF FOUND AND (end_of(there, now)).at IS NULL THEN
        answer := '{"kind": "name_taken"}';
        RETURN;
      END IF;
      IF NOT slot.started THEN
        answer := '{"kind": "name_stopped"}';
        RETURN;
      END IF;
    END IF;
  END IF;
  answer := '{"kind": "created", "replaced": []}';
  IF most IS NOT NULL THEN
    live := ARRAY(
      SELECT o.id FROM sessions o
      WHERE o.user_id = s.user_id AND o.end_at IS NULL AND o.epoch_user = s.epoch_user
        AND o.epoch_everyone = c.everyone AND deadline_of(o) > now
      ORDER BY o.id
    );
    over := cardinality(live) + 1 - most;
    IF over > 0 AND op->'limit'->>'excess' = 'refuse' THEN
      answer := jsonb_build_object('kind', 'too_many', 'active', cardinality(live));
      RETURN;
    END IF;
    FOR there IN SELECT * FROM sessions o WHERE o.id = ANY (live[1:over]) ORDER BY o.id FOR UPDATE LOOP
      CALL write_end(there, ROW(now, 'policy', 'replaced', NULL)::ending, now, c);
    END LOOP;
    IF over > 0 THEN
      answer := jsonb_build_object('kind', 'created', 'replaced', to_jsonb(live[1:over]), 'sequence', c.head);
    END IF;
  END IF;
  INSERT INTO sessions VALUES (s.*);
  CALL count_active(s.user_id, CASE WHEN s.suspended THEN 0 ELSE 1 END, c);
  IF s.name IS NOT NULL THEN
    INSERT INTO slots AS t VALUES (s.name, true, false, s.id, now, now, 1, '{}')
      ON CONFLICT (name) DO UPDATE SET session_id = s.id, updated_at = now, version = t.version + 1;
  END IF;
  CALL tell_asked(op->'event', c);
  answer := answer || jsonb_build_object('user', s.epoch_user, 'everyone', s.epoch_everyone);
END $$;

CREATE PROCEDURE change_session(op jsonb, INOUT c counters, INOUT answer jsonb) LANGUAGE plpgsql AS $$
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
    factor_at = next.factor_at, last_seen_at = next.last_seen_at, version = next.version
    WHERE id = s.id;
  IF counts <> 0 THEN CALL count_active(s.user_id, counts, c); END IF;
  answer := jsonb_build_object('kind', 'changed', 'session', to_jsonb(next));
  IF (op->>'logged')::boolean THEN
    CALL note_change(now, s.id, NULL, c);
    answer := answer || jsonb_build_object('sequence', c.head);
  END IF;
  CALL tell_asked(op->'event', c);
END $$;

CREATE PROCEDURE end_session(op jsonb, INOUT c counters, INOUT answer jsonb) LANGUAGE plpgsql AS $$
DECLARE
  asked ending := jsonb_populate_record(NULL::ending, op->'end');
  earlier ending;
  s sessions;
BEGIN
  SELECT * INTO s FROM sessions WHERE id = op->>'id' FOR UPDATE;
  IF NOT FOUND OR s.user_id <> op->>'user_id' THEN
    answer := '{"kind": "not_found"}';
    RETURN;
  END IF;
  earlier := end_of(s, asked.at);
  answer := jsonb_build_object('kind', CASE WHEN earlier.at IS NULL THEN 'ended' ELSE 'already' END);
  IF earlier.sequence IS NULL THEN
    IF earlier.at IS NULL THEN earlier := asked; END IF;
    CALL write_end(s, earlier, asked.at, c);
    earlier.sequence := c.head;
  END IF;
  answer := answer || jsonb_build_object('session', s, 'end', earlier);
END $$;

-- What a session's access groups are after a change: removed first, then added, each once, in the order they came.
CREATE FUNCTION groups_after(groups text[], gone text[], more text[]) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
  WITH kept AS (
    SELECT array(
      SELECT g FROM unnest(groups) WITH ORDINALITY AS x (g, i) WHERE g <> ALL (gone) OR g = ANY (more) ORDER BY i
    ) AS groups
  )
  SELECT kept.groups || array(
    SELECT g FROM unnest(more) WITH ORDINALITY AS x (g, i) WHERE g <> ALL (kept.groups) GROUP BY g ORDER BY min(i)
  ) FROM kept
$$;

CREATE PROCEDURE change_groups(op jsonb, INOUT c counters, INOUT answer jsonb) LANGUAGE plpgsql AS $$
DECLARE
  now bigint := (op->>'now')::bigint;
  owner text := op->>'user_id';
  lone text := op->>'only';
  gone text[] := ARRAY(SELECT jsonb_array_elements_text(op->'remove'));
  more text[] := ARRAY(SELECT jsonb_array_elements_text(op->'add'));
  chosen text[];
  changed text[];
  largest integer;
BEGIN
  chosen := ARRAY(
    SELECT s.id FROM sessions s
    WHERE s.user_id = owner AND (lone IS NULL OR s.id = lone) AND s.end_at IS NULL
      AND s.epoch_user = epoch_of(owner) AND s.epoch_everyone = c.everyone AND deadline_of(s) > now
    ORDER BY s.id FOR UPDATE
  );
  IF lone IS NOT NULL AND cardinality(chosen) = 0 THEN
    answer := '{"kind": "not_found"}';
    RETURN;
  END IF;
  SELECT array_agg(s.id), max(cardinality(groups_after(s.groups, gone, more))) INTO changed, largest
    FROM sessions s WHERE s.id = ANY (chosen) AND s.groups <> groups_after(s.groups, gone, more);
  IF largest > (op->>'most')::integer THEN
    answer := jsonb_build_object('kind', 'too_many_groups', 'groups', largest);
    RETURN;
  END IF;
  IF changed IS NOT NULL THEN
    UPDATE sessions SET groups = groups_after(groups, gone, more), version = version + 1 WHERE id = ANY (changed);
    CALL note_change(now, NULL, owner, c);
    CALL tell('groups.changed', now, owner, lone, json_build_object('by', op->>'by', 'details', json_build_object(
      'add', op->'add', 'remove', op->'remove', 'updated', cardinality(changed)))::text, c);
  END IF;
  answer := jsonb_build_object('kind', 'changed', 'updated', coalesce(cardinality(changed), 0), 'sequence', c.head);
END $$;
`;
