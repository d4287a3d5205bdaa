/*
 * A change of an account that holds only as long as another account is what it was: the last administrator must not go
 * while the one before is going. And a deletion is compare-and-set like every other change.
 */
export const witnesses = `
CALL lock_writers();

-- Whether the account that a change depends on is as it was read; a change that names none depends on none.
CREATE FUNCTION witness_stands(op jsonb) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT op->'witness'->>'id' IS NULL OR EXISTS (
    SELECT FROM accounts WHERE id = op->'witness'->>'id' AND version = (op->'witness'->>'version')::integer
  )
$$;

CREATE OR REPLACE PROCEDURE change_account(op jsonb, INOUT c counters, INOUT answer jsonb) LANGUAGE plpgsql AS $$
DECLARE
  a accounts := jsonb_populate_record(NULL::accounts, op->'account');
  version_there integer := (SELECT version FROM accounts WHERE id = a.id);
  taken text := taken_name(a);
  why ending := jsonb_populate_record(NULL::ending, op->'end');
BEGIN
  IF version_there IS NULL THEN
    answer := '{"kind": "not_found"}';
    RETURN;
  END IF;
  IF version_there <> (op->>'version')::integer OR NOT witness_stands(op) THEN
    answer := '{"kind": "conflict"}';
    RETURN;
  END IF;
  IF taken IS NOT NULL THEN
    answer := jsonb_build_object('kind', taken);
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

CREATE OR REPLACE PROCEDURE delete_account(op jsonb, INOUT c counters, INOUT answer jsonb) LANGUAGE plpgsql AS $$
DECLARE
  version_there integer := (SELECT version FROM accounts WHERE id = op->>'id');
BEGIN
  IF version_there IS NULL THEN
    answer := '{"kind": "not_found"}';
    RETURN;
  END IF;
  -- A server of the version before names no version.
  IF version_there <> coalesce((op->>'version')::integer, version_there) OR NOT witness_stands(op) THEN
    answer := '{"kind": "conflict"}';
    RETURN;
  END IF;
  DELETE FROM accounts WHERE id = op->>'id';
  CALL end_user(op->>'id', jsonb_populate_record(NULL::ending, op->'end'), NULL, c, answer);
  CALL tell_asked(op->'event', c);
END $$;
`;
