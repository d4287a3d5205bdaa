/*
 * Removes the functions of the schemas before number 16, in which rules were written in SQL. They did not know what later
 * steps have added, so a server that still calls one now gets an error, and has changed nothing. The names are common words,
 * and an application may have some of them in the same schema: only where the type is, which nobody else has, are they ours.
 */
const earlier = [
  'append_event(jsonb, counters, jsonb)',
  'change_account(jsonb, counters, jsonb)',
  'change_groups(jsonb, counters, jsonb)',
  'change_named(jsonb, counters, jsonb)',
  'change_session(jsonb, counters, jsonb)',
  'count_active(text, integer, counters)',
  'create_account(jsonb, counters, jsonb)',
  'create_key(jsonb, counters, jsonb)',
  'create_named(jsonb, counters, jsonb)',
  'create_plain_sessions(jsonb, counters, jsonb[])',
  'create_session(jsonb, counters, jsonb)',
  'delete_account(jsonb, counters, jsonb)',
  'end_everyone(jsonb, counters, jsonb)',
  'end_of(sessions, bigint)',
  'end_plain_sessions(jsonb, counters, jsonb[])',
  'end_session(jsonb, counters, jsonb)',
  'end_sessions_of_user(jsonb, counters, jsonb)',
  'end_user(text, ending, text, counters, jsonb)',
  'groups_after(text[], text[], text[])',
  'note_change(bigint, text, text, counters)',
  'remove_named(jsonb, counters, jsonb)',
  'revoke_key(jsonb, counters, jsonb)',
  'sweep_deadlines(bigint, integer)',
  'sweep_ended_by_epochs(bigint, integer)',
  'sweep_epochs(bigint, integer)',
  'taken_name(accounts)',
  'tell(text, bigint, text, text, text, counters)',
  'tell_asked(jsonb, counters)',
  'witness_stands(jsonb)',
  'write(jsonb)',
  'write_end(sessions, ending, bigint, counters)',
  'write_epoch_ends(text[], bigint)',
];

export const earlierFunctions: string = `
DO $$
BEGIN
  IF NOT EXISTS (
    SELECT FROM pg_type WHERE typname = 'ending' AND typnamespace = current_schema()::regnamespace
  ) THEN RETURN; END IF;
${earlier.map((routine) => `  DROP ROUTINE IF EXISTS ${routine};`).join('\n')}
  DROP TYPE ending;
END $$;
`;
