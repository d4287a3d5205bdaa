import { batchByIndex } from './by-index.ts';

/*
 * The one way to write what was decided elsewhere: many changes in one call, one transaction, one round trip. Each part
 * is a JSON array, or null; `of` is the place of the change that an element belongs to. A change is lost, with all its
 * parts, if one of the rows or epochs that it was decided on is not so any more; what was found is returned.
 */

/** The columns of a session that changes. */
const columns = [
  'suspended',
  'groups',
  'last_seen_at',
  'epoch_user',
  'token_hash',
  'refresh_hash',
  'previous_hash',
  'rotated_at',
  'rotations',
  'factor_at',
  'factor_shown',
  'version',
  'end_at',
  'end_by',
  'end_reason',
  'end_sequence',
  'written_at',
  'aliases',
  'content',
  'idle',
];

/** The newest version of a user's row, for a statement that runs by index. */
const newest = (id: string) =>
  `LEFT JOIN LATERAL (SELECT * FROM users v WHERE v.id = ${id} ORDER BY v.number DESC LIMIT 1) u ON true`;

/** Changes whenever a session of the user is created or ended. */
const revision = 'coalesce(u.number, -1)';

export const commit: string = `
-- A user's sessions under these epochs whose end is not recorded. Found by user alone: an index over all that have not
-- ended would be walked from end to end.
CREATE OR REPLACE FUNCTION live_of(asked text, epoch integer, everyone integer) RETURNS SETOF sessions LANGUAGE plpgsql STABLE
${batchByIndex} AS $$
BEGIN
  RETURN QUERY WITH own AS MATERIALIZED (SELECT * FROM sessions s WHERE s.user_id = asked)
    SELECT * FROM own WHERE own.end_at IS NULL AND own.epoch_user = epoch AND own.epoch_everyone = everyone;
END $$;

CREATE OR REPLACE FUNCTION without(part json, lost integer[]) RETURNS json LANGUAGE sql IMMUTABLE AS $$
  SELECT json_agg(e) FROM json_array_elements(part) AS e WHERE (e->>'of')::integer <> ALL (lost)
$$;

CREATE OR REPLACE FUNCTION commit_changes(
  asked_sessions json, asked_users json, asked_slots json, asked_accounts json, asked_names json, asked_keys json,
  made json, changed json, slots_put json, slots_gone json, accounts_put json, accounts_gone json, keys_put json,
  counts json, steps json, entries json, told json,
  OUT lost integer[], OUT present json, OUT head bigint, OUT ended bigint[]) LANGUAGE plpgsql ${batchByIndex} AS $$
DECLARE
  c counters;
  owner users;
  numbers integer[];
  step record;
  moved integer;
  was bigint;
  many integer;
  latest bigint;
BEGIN
  CALL lock_writers();
  c := newest_counters();
  head := c.head;
  lost := ARRAY(
    SELECT e.of FROM json_to_recordset(asked_sessions) AS e (of integer, id text, version integer, seen bigint)
      LEFT JOIN sessions s ON s.id = e.id
      WHERE coalesce(s.version, -1) <> e.version OR s.last_seen_at <> e.seen
    UNION ALL
    SELECT e.of FROM json_to_recordset(asked_users) AS e (of integer, id text, epoch integer, everyone integer, revision bigint)
      ${newest('e.id')}
      WHERE coalesce(u.epoch, 0) <> e.epoch OR c.everyone <> e.everyone OR ${revision} <> e.revision
    UNION ALL
    SELECT e.of FROM json_to_recordset(asked_slots) AS e (of integer, name text, version integer, session_id text)
      LEFT JOIN slots t ON t.name = e.name
      WHERE coalesce(t.version, -1) <> e.version OR t.session_id IS DISTINCT FROM e.session_id
    UNION ALL
    SELECT e.of FROM json_to_recordset(asked_accounts) AS e (of integer, id text, version integer)
      LEFT JOIN accounts a ON a.id = e.id WHERE coalesce(a.version, -1) <> e.version
    UNION ALL
    SELECT e.of FROM json_to_recordset(asked_names) AS e (of integer, id text, username text, email text)
      WHERE EXISTS (SELECT FROM accounts a WHERE a.username = e.username AND a.id <> e.id)
        OR EXISTS (SELECT FROM accounts a WHERE a.email = e.email AND a.id <> e.id)
    UNION ALL
    SELECT e.of FROM json_to_recordset(asked_keys) AS e (of integer, id text, there boolean, revoked_at bigint)
      LEFT JOIN keys k ON k.id = e.id
      WHERE (k.id IS NOT NULL) <> e.there OR k.revoked_at IS DISTINCT FROM e.revoked_at
    UNION ALL
    SELECT e.of FROM json_to_recordset(made) AS e (of integer, aliases text[])
      WHERE EXISTS (SELECT FROM aliases a WHERE a.alias = ANY (e.aliases))
  );
  IF cardinality(lost) > 0 THEN
    present := json_build_object(
      'sessions', (
        SELECT json_agg(x) FROM json_to_recordset(asked_sessions) AS e (of integer, id text)
        CROSS JOIN LATERAL (
          SELECT s.*, p.at AS epoch_end_at, p.actor AS epoch_end_by, p.reason AS epoch_end_reason,
            p.sequence AS epoch_end_sequence
          FROM sessions s LEFT JOIN LATERAL (
            (SELECT * FROM epochs y WHERE y.user_id = s.user_id AND y.number > s.epoch_user ORDER BY y.number LIMIT 1)
            UNION ALL
            (SELECT * FROM epochs y WHERE y.user_id = '' AND y.number > s.epoch_everyone ORDER BY y.number LIMIT 1)
            ORDER BY sequence LIMIT 1
          ) p ON s.end_at IS NULL WHERE s.id = ANY (ARRAY(
            SELECT e.id UNION ALL
            SELECT a.session_id FROM json_to_recordset(made) AS m (id text, aliases text[])
              JOIN aliases a ON a.alias = ANY (m.aliases) WHERE m.id = e.id
          ))
        ) x WHERE e.of = ANY (lost)
      ),
      'slots', (
        SELECT json_agg(t) FROM json_to_recordset(asked_slots) AS e (of integer, name text) JOIN slots t USING (name)
        WHERE e.of = ANY (lost)
      ),
      'accounts', (
        SELECT json_agg(a) FROM accounts a WHERE a.id = ANY (ARRAY(
          SELECT e.id FROM json_to_recordset(asked_accounts) AS e (of integer, id text) WHERE e.of = ANY (lost)
          UNION
          SELECT x.id FROM json_to_recordset(asked_names) AS e (of integer, username text, email text) CROSS JOIN LATERAL (
            SELECT y.id FROM accounts y WHERE y.username = e.username
            UNION ALL SELECT y.id FROM accounts y WHERE y.email = e.email
          ) x WHERE e.of = ANY (lost)
        ))
      ),
      'keys', (
        SELECT json_agg(k) FROM json_to_recordset(asked_keys) AS e (of integer, id text) JOIN keys k USING (id)
        WHERE e.of = ANY (lost)
      ),
      'users', (
        SELECT json_agg(json_build_object('of', e.of, 'user', coalesce(u.epoch, 0), 'everyone', c.everyone, 'revision',
          ${revision}))
        FROM json_to_recordset(asked_users) AS e (of integer, id text) ${newest('e.id')}
        WHERE e.of = ANY (lost)
      )
    );
    numbers := ARRAY(
      SELECT (sum(1) FILTER (WHERE e.of <> ALL (lost)) OVER (ORDER BY e.place))::integer
      FROM ROWS FROM (json_to_recordset(entries) AS (of integer)) WITH ORDINALITY AS e (of, place) ORDER BY e.place
    );
    made := without(made, lost);
    changed := without(changed, lost);
    slots_put := without(slots_put, lost);
    slots_gone := without(slots_gone, lost);
    accounts_put := without(accounts_put, lost);
    accounts_gone := without(accounts_gone, lost);
    keys_put := without(keys_put, lost);
    counts := without(counts, lost);
    steps := without(steps, lost);
    entries := without(entries, lost);
    told := without(told, lost);
  END IF;
  IF made IS NOT NULL THEN
    INSERT INTO sessions SELECT * FROM json_populate_recordset(NULL::sessions, made);
  END IF;
  IF changed IS NOT NULL THEN
    UPDATE sessions t SET (${columns.join(', ')}) = (
        SELECT ${columns.map(toPut).join(', ')} FROM json_populate_record(t, e.set) p
      )
      FROM json_to_recordset(changed) AS e (id text, before integer, seen bigint, entry integer, set json)
      WHERE t.id = e.id AND t.version = e.before AND coalesce(t.last_seen_at = e.seen, true);
    GET DIAGNOSTICS many = ROW_COUNT;
    -- What has no version, activity, came between the comparison and the change.
    IF many <> json_array_length(changed) THEN RAISE serialization_failure USING MESSAGE = 'a session changed'; END IF;
  END IF;
  IF slots_gone IS NOT NULL THEN
    DELETE FROM slots t USING json_to_recordset(slots_gone) AS e (name text) WHERE t.name = e.name;
  END IF;
  IF slots_put IS NOT NULL THEN
    INSERT INTO slots SELECT * FROM json_populate_recordset(NULL::slots, slots_put)
      ON CONFLICT (name) DO UPDATE SET started = excluded.started, kept = excluded.kept, session_id = excluded.session_id,
        updated_at = excluded.updated_at, version = excluded.version, config = excluded.config;
  END IF;
  IF accounts_gone IS NOT NULL THEN
    DELETE FROM accounts a USING json_to_recordset(accounts_gone) AS e (id text) WHERE a.id = e.id;
  END IF;
  IF accounts_put IS NOT NULL THEN
    INSERT INTO accounts SELECT * FROM json_populate_recordset(NULL::accounts, accounts_put)
      ON CONFLICT (id) DO UPDATE SET username = excluded.username, email = excluded.email, version = excluded.version,
        data = excluded.data;
  END IF;
  IF keys_put IS NOT NULL THEN
    INSERT INTO keys SELECT * FROM json_populate_recordset(NULL::keys, keys_put)
      ON CONFLICT (id) DO UPDATE SET revoked_at = excluded.revoked_at;
  END IF;
  IF steps IS NOT NULL THEN
    FOR step IN SELECT * FROM json_to_recordset(steps) AS e (user_id text, at bigint, actor text, reason text, remaining integer,
        type text, before text, after text, entry integer) LOOP
      IF step.user_id IS NULL THEN
        was := c.active;
        c.everyone := c.everyone + 1;
        c.active := 0;
        moved := c.everyone;
      ELSE
        owner := newest_user(step.user_id);
        was := active_in(owner, c);
        moved := coalesce(owner.epoch, 0) + 1;
        CALL keep_user(ROW(step.user_id, moved, step.remaining, c.everyone, owner.number)::users);
        c.active := c.active - was + step.remaining;
      END IF;
      INSERT INTO epochs VALUES (coalesce(step.user_id, ''), moved, step.at, step.actor, step.reason,
        c.head + coalesce(numbers[step.entry], step.entry), false, step.at);
      c.last_event := c.last_event + 1;
      c.time := greatest(c.time, step.at);
      INSERT INTO events VALUES (c.last_event, step.at, step.type, step.user_id, NULL,
        step.before || (was - step.remaining) || step.after);
      ended := ended || (was - step.remaining);
    END LOOP;
  END IF;
  IF counts IS NOT NULL THEN
    WITH asked AS MATERIALIZED (
      SELECT e.id, e.by, u.number FROM (
        SELECT a.id, sum(a.by)::integer AS by FROM json_to_recordset(counts) AS a (id text, by integer) GROUP BY a.id
      ) e ${newest('e.id')}
    ), kept AS (
      UPDATE users v SET active = active_in(v, c) + n.by, everyone = c.everyone, number = v.number + 1
        FROM asked n WHERE v.id = n.id AND v.number = n.number RETURNING v.id
    ), added AS (
      INSERT INTO users SELECT n.id, 0, n.by, c.everyone, coalesce(n.number + 1, 0)
        FROM asked n WHERE n.id <> ALL (ARRAY(SELECT k.id FROM kept k))
    )
    SELECT c.active + sum(by) INTO c.active FROM asked;
  END IF;
  IF told IS NOT NULL THEN
    WITH asked AS MATERIALIZED (
      SELECT * FROM ROWS FROM (json_to_recordset(told) AS (at bigint, type text, user_id text, session_id text, data text))
        WITH ORDINALITY AS e (at, type, user_id, session_id, data, place)
    ), written AS (
      INSERT INTO events SELECT c.last_event + place, at, type, user_id, session_id, data FROM asked
    )
    SELECT max(at), count(*) INTO latest, many FROM asked;
    c.last_event := c.last_event + many;
    c.time := greatest(c.time, latest);
  END IF;
  IF entries IS NOT NULL THEN
    WITH asked AS MATERIALIZED (
      SELECT * FROM ROWS FROM (json_to_recordset(entries) AS (at bigint, session_id text, user_id text, key_id text))
        WITH ORDINALITY AS e (at, session_id, user_id, key_id, place)
    ), written AS (
      INSERT INTO log (sequence, at, session_id, user_id, key_id)
        SELECT c.head + place, at, session_id, user_id, key_id FROM asked
    )
    SELECT max(at), count(*) INTO latest, many FROM asked;
    c.head := c.head + many;
    c.time := greatest(c.time, latest);
  END IF;
  CALL keep_counters(c);
END $$;
`;

function toPut(column: string): string {
  if (column === 'last_seen_at') return 'greatest(t.last_seen_at, p.last_seen_at)';
  // A sequence that the commit gives is that of an entry.
  if (column === 'end_sequence') return 'coalesce(c.head + coalesce(numbers[e.entry], e.entry), p.end_sequence)';
  return `p.${column}`;
}
