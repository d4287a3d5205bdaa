/*
 * The one way to write what a verification, a list or the audit trail may tell: a batch of operations in one call, one
 * transaction, one round trip. The writers' lock is held from here until the commit is visible (PostgreSQL lets locks go
 * after it has made a transaction visible), so numbers are dense and become visible in their order. Whoever waits for
 * the lock reads on with a new snapshot, because each statement of a function that may write has its own.
 */
export const writes = `
CREATE PROCEDURE lock_writers() LANGUAGE plpgsql AS $$
BEGIN
  -- The table's own number, so that stores in other schemas of the database are not waited for.
  PERFORM pg_advisory_xact_lock('counters'::regclass::oid::bigint);
  IF current_setting('transaction_isolation') <> 'read committed' OR pg_is_in_recovery() THEN
    RAISE read_only_sql_transaction USING MESSAGE = 'the store takes writes on a primary, in read committed, alone';
  END IF;
END $$;

-- Whoever follows the log is told when it has grown, and only then; of the schema alone: what has changed is read.
CREATE PROCEDURE keep_counters(c counters) LANGUAGE plpgsql AS $$
BEGIN
  IF c.head > (SELECT head FROM counters) THEN
    PERFORM pg_notify('curfew', current_schema());
  END IF;
  UPDATE counters SET head = c.head, last_event = c.last_event, active = c.active, everyone = c.everyone, time = c.time;
END $$;

CREATE FUNCTION write(ops jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  c counters;
  op jsonb;
  place bigint;
  answer jsonb;
  answers jsonb[] := array_fill(NULL::jsonb, ARRAY[jsonb_array_length(ops)]);
BEGIN
  CALL lock_writers();
  SELECT * INTO c FROM counters;
  -- What is in one batch was asked for at the same time, so its order is free: first what can be done together.
  CALL create_plain_sessions(ops, c, answers);
  CALL end_plain_sessions(ops, c, answers);
  FOR op, place IN SELECT x.op, x.place FROM jsonb_array_elements(ops) WITH ORDINALITY AS x (op, place) LOOP
    CONTINUE WHEN answers[place] IS NOT NULL;
    answer := NULL;
    CASE op->>'do'
      WHEN 'create_session' THEN CALL create_session(op, c, answer);
      WHEN 'end_session' THEN CALL end_session(op, c, answer);
      WHEN 'change_session' THEN CALL change_session(op, c, answer);
      WHEN 'end_sessions_of_user' THEN CALL end_sessions_of_user(op, c, answer);
      WHEN 'end_everyone' THEN CALL end_everyone(op, c, answer);
      WHEN 'change_groups' THEN CALL change_groups(op, c, answer);
      WHEN 'create_account' THEN CALL create_account(op, c, answer);
      WHEN 'change_account' THEN CALL change_account(op, c, answer);
      WHEN 'delete_account' THEN CALL delete_account(op, c, answer);
      WHEN 'create_key' THEN CALL create_key(op, c, answer);
      WHEN 'revoke_key' THEN CALL revoke_key(op, c, answer);
      WHEN 'create_named' THEN CALL create_named(op, c, answer);
      WHEN 'change_named' THEN CALL change_named(op, c, answer);
      WHEN 'remove_named' THEN CALL remove_named(op, c, answer);
      WHEN 'append_event' THEN CALL append_event(op, c, answer);
    END CASE;
    answers[place] := coalesce(answer, 'null');
  END LOOP;
  CALL keep_counters(c);
  RETURN to_jsonb(answers);
END $$;
`;
