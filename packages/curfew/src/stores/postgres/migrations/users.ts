/** The writes about users, accounts, keys and named sessions, and the ends of all. */
export const users = `
CREATE PROCEDURE end_user(owner text, why ending, spare text, INOUT c counters, INOUT answer jsonb)
LANGUAGE plpgsql AS $$
DECLARE
  s sessions;
  ended integer := active_of(owner, c);
  left_over integer := 0;
  moved integer;
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
  INSERT INTO users AS u VALUES (owner, 1, left_over, c.everyone)
    ON CONFLICT (id) DO UPDATE SET epoch = u.epoch + 1, active = left_over, everyone = c.everyone
    RETURNING epoch INTO moved;
  INSERT INTO epochs VALUES (owner, moved, why.at, why.actor, why.reason, c.head, false, why.at);
  c.active := c.active - ended + left_over;
  IF spare IS NOT NULL THEN
    UPDATE sessions SET epoch_user = moved, version = version + 1 WHERE id = spare;
  END IF;
  CALL tell('user.sessions_ended', why.at, owner, NULL, json_build_object('by', why.actor, 'reason', why.reason, 'details',
    json_strip_nulls(json_build_object('ended', ended - left_over, 'except', spare)))::text, c);
  answer := jsonb_build_object('kind', 'ended', 'sequence', c.head, 'ended', ended - left_over);
END $$;

CREATE PROCEDURE end_sessions_of_user(op jsonb, INOUT c counters, INOUT answer jsonb) LANGUAGE plpgsql AS $$
BEGIN
  CALL end_user(op->>'user_id', jsonb_populate_record(NULL::ending, op->'end'), op->>'except', c, answer);
END $$;

CREATE PROCEDURE end_everyone(op jsonb, INOUT c counters, INOUT answer jsonb) LANGUAGE plpgsql AS $$
DECLARE
  why ending := jsonb_populate_record(NULL::ending, op->'end');
  ended bigint := c.active;
BEGIN
  CALL note_change(why.at, NULL, NULL, c);
  c.everyone := c.everyone + 1;
  c.active := 0;
  INSERT INTO epochs VALUES ('', c.everyone, why.at, why.actor, why.reason, c.head, false, why.at);
  CALL tell('everyone.ended', why.at, NULL, NULL, json_build_object('by', why.actor, 'reason', why.reason, 'details',
    json_build_object('ended', ended))::text, c);
  answer := jsonb_build_object('sequence', c.head, 'ended', ended);
END $$;

-- The unique name of an account that another one has.
CREATE FUNCTION taken_name(a accounts) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT CASE
    WHEN EXISTS (SELECT FROM accounts o WHERE o.username = a.username AND o.id <> a.id) THEN 'username_taken'
    WHEN EXISTS (SELECT FROM accounts o WHERE o.email = a.email AND o.id <> a.id) THEN 'email_taken'
  END
$$;

CREATE PROCEDURE create_account(op jsonb, INOUT c counters, INOUT answer jsonb) LANGUAGE plpgsql AS $$
DECLARE
  a accounts := jsonb_populate_record(NULL::accounts, op->'account');
  taken text;
BEGIN
  answer := '"created"';
  IF EXISTS (SELECT FROM accounts WHERE id = a.id) THEN RETURN; END IF;
  taken := taken_name(a);
  IF taken IS NOT NULL THEN
    answer := to_jsonb(taken);
    RETURN;
  END IF;
  INSERT INTO accounts VALUES (a.*);
  CALL tell_asked(op->'event', c);
END $$;

CREATE PROCEDURE change_account(op jsonb, INOUT c counters, INOUT answer jsonb) LANGUAGE plpgsql AS $$
DECLARE
  a accounts := jsonb_populate_record(NULL::accounts, op->'account');
  version_there integer := (SELECT version FROM accounts WHERE id = a.id);
  taken text := taken_name(a);
  why ending := jsonb_populate_record(NULL::ending, op->'end');
BEGIN
  IF version_there IS NULL OR version_there <> (op->>'version')::integer OR taken IS NOT NULL THEN
    answer := jsonb_build_object('kind', CASE
      WHEN version_there IS NULL THEN 'not_found'
      WHEN version_there <> (op->>'version')::integer THEN 'conflict'
      ELSE taken END);
    RETURN;
  END IF;
  answer := '{}';
  IF why.at IS NOT NULL THEN
    CALL end_user(a.id, why, op->>'except', c, answer);
    -- The session it came from has just ended itself: then all of them end.
    IF answer->>'kind' = 'not_found' THEN CALL end_user(a.id, why, NULL, c, answer); END IF;
  END IF;
  UPDATE accounts SET username = a.username, email = a.email, version = a.version, data = a.data WHERE id = a.id;
  CALL tell_asked(op->'event', c);
  answer := answer || '{"kind": "changed"}';
END $$;

CREATE PROCEDURE delete_account(op jsonb, INOUT c counters, INOUT answer jsonb) LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM accounts WHERE id = op->>'id';
  IF NOT FOUND THEN
    answer := '{"kind": "not_found"}';
    RETURN;
  END IF;
  CALL end_user(op->>'id', jsonb_populate_record(NULL::ending, op->'end'), NULL, c, answer);
  CALL tell_asked(op->'event', c);
END $$;

CREATE PROCEDURE create_key(op jsonb, INOUT c counters, INOUT answer jsonb) LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO keys VALUES (op->>'id', (op->>'revoked_at')::bigint, op->>'data') ON CONFLICT DO NOTHING;
  IF FOUND THEN CALL tell_asked(op->'event', c); END IF;
END $$;

CREATE PROCEDURE revoke_key(op jsonb, INOUT c counters, INOUT answer jsonb) LANGUAGE plpgsql AS $$
BEGIN
  UPDATE keys SET revoked_at = (op->>'at')::bigint WHERE id = op->>'id' AND revoked_at IS NULL;
  IF FOUND THEN CALL tell_asked(op->'event', c); END IF;
  answer := (SELECT to_jsonb(k) FROM keys k WHERE k.id = op->>'id');
END $$;

CREATE PROCEDURE create_named(op jsonb, INOUT c counters, INOUT answer jsonb) LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO slots SELECT * FROM jsonb_populate_record(NULL::slots, op->'slot') ON CONFLICT DO NOTHING;
  answer := to_jsonb(CASE WHEN FOUND THEN 'created' ELSE 'exists' END);
  IF FOUND THEN CALL tell_asked(op->'event', c); END IF;
END $$;

CREATE PROCEDURE change_named(op jsonb, INOUT c counters, INOUT answer jsonb) LANGUAGE plpgsql AS $$
DECLARE
  slot slots;
BEGIN
  SELECT * INTO slot FROM slots WHERE name = op->>'name';
  IF NOT FOUND OR slot.version <> (op->>'version')::integer THEN
    answer := jsonb_build_object('kind', CASE WHEN slot.name IS NULL THEN 'not_found' ELSE 'conflict' END);
    RETURN;
  END IF;
  UPDATE slots
    SET config = coalesce(op->>'config', config), started = coalesce((op->>'started')::boolean, started), kept = true,
        updated_at = (op->>'now')::bigint, version = version + 1
    WHERE name = slot.name RETURNING * INTO slot;
  CALL tell_asked(op->'event', c);
  answer := jsonb_build_object('kind', 'changed', 'slot', to_jsonb(slot));
END $$;

CREATE PROCEDURE remove_named(op jsonb, INOUT c counters, INOUT answer jsonb) LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM slots WHERE name = op->>'name';
  IF FOUND THEN CALL tell_asked(op->'event', c); END IF;
END $$;

CREATE PROCEDURE append_event(op jsonb, INOUT c counters, INOUT answer jsonb) LANGUAGE plpgsql AS $$
BEGIN
  CALL tell_asked(op->'event', c);
END $$;
`;
