import type { SessionQuery } from '../contract.ts';
import type { Statement } from './database.ts';

/* Every statement that reads, in one place; those that write are in functions/. */

const named = (name: string, text: string): Statement => ({ name: `curfew ${name}`, text });

/** A session's columns, and the end that an epoch gave it. */
const snapshot = `s.*, e.at AS epoch_end_at, e.actor AS epoch_end_by, e.reason AS epoch_end_reason,
  e.sequence AS epoch_end_sequence`;
const epochEnd = `LEFT JOIN LATERAL (
    (SELECT * FROM epochs x WHERE x.user_id = s.user_id AND x.number > s.epoch_user ORDER BY x.number LIMIT 1)
    UNION ALL
    (SELECT * FROM epochs x WHERE x.user_id = '' AND x.number > s.epoch_everyone ORDER BY x.number LIMIT 1)
    ORDER BY sequence LIMIT 1
  ) e ON s.end_at IS NULL`;

/** The same with the slot that a session holds. */
const candidate = `${snapshot}, to_json(t) AS slot`;
const ownSlot = 'LEFT JOIN slots t ON t.name = s.name AND t.session_id = s.id';

/** Callers must check that a primary answered. */
const standby = 'pg_is_in_recovery() AS standby';

export const reads = {
  times: named('times', `SELECT block, earliest, latest, ${standby} FROM event_times WHERE block BETWEEN $1 AND $2`),
  sessions: named('sessions', `SELECT ${snapshot}, ${standby} FROM sessions s ${epochEnd} WHERE s.id = ANY ($1)`),
  aliasedSession: named(
    'aliased session',
    `SELECT ${snapshot}, ${standby} FROM aliases a JOIN sessions s ON s.id = a.session_id ${epochEnd} WHERE a.alias = $1`,
  ),
  namedSession: named(
    'named session',
    `SELECT ${snapshot}, ${standby} FROM slots t JOIN sessions s ON s.id = t.session_id AND s.name = t.name ${epochEnd}
     WHERE t.name = $1`,
  ),
  /** A row for each of the users' sessions that have not ended, deadlines aside, on a page; a single one for a user without any. */
  sessionsOf: named(
    'sessions of',
    `SELECT asked.place, coalesce(u.epoch, 0) AS user, c.everyone, coalesce(u.number, -1) AS revision, s.*, ${standby}
     FROM unnest($1::text[], $2::text[], $3::integer[]) WITH ORDINALITY AS asked (id, after, most, place)
     CROSS JOIN newest_counters() c CROSS JOIN LATERAL newest_user(asked.id) u
     LEFT JOIN LATERAL (
       SELECT * FROM live_of(asked.id, coalesce(u.epoch, 0), c.everyone) l
       WHERE asked.most > 0 AND l.id > asked.after ORDER BY l.id LIMIT asked.most
     ) s ON true ORDER BY asked.place, s.id`,
  ),
  /** The newest steps, everyone's and users', that may have passed sessions whose ends are not recorded. */
  unsettled: named(
    'unsettled',
    `SELECT DISTINCT ON (user_id) user_id, number, swept, ${standby} FROM epochs WHERE NOT settled
     ORDER BY user_id, number DESC LIMIT $1`,
  ),
  slotsAndSessions: named(
    'slots and sessions',
    `SELECT to_json(t) AS slot, ${snapshot}, ${standby} FROM slots t
     LEFT JOIN sessions s ON s.id = t.session_id ${epochEnd} WHERE t.name = ANY ($1)`,
  ),
  users: named(
    'users',
    `SELECT asked.place, a.*, epoch_of(asked.id) AS epoch, c.everyone, ${standby}
     FROM unnest($1::text[]) WITH ORDINALITY AS asked (id, place) CROSS JOIN newest_counters() c
     LEFT JOIN accounts a ON a.id = asked.id`,
  ),
  accountBy: (column: 'username' | 'email') =>
    named(
      `account by ${column}`,
      `SELECT a.*, epoch_of(a.id) AS epoch, c.everyone, ${standby}
       FROM accounts a CROSS JOIN newest_counters() c WHERE a.${column} = $1`,
    ),
  accounts: named('accounts', `SELECT *, ${standby} FROM accounts WHERE username > $1 ORDER BY username LIMIT $2`),
  keysById: named('keys by id', `SELECT *, ${standby} FROM keys WHERE id = ANY ($1)`),
  keys: named('keys', `SELECT *, ${standby} FROM keys WHERE $1::text IS NULL OR id < $1 ORDER BY id DESC LIMIT $2`),
  slot: named('slot', `SELECT *, ${standby} FROM slots WHERE name = $1`),
  slots: named('slots', `SELECT *, ${standby} FROM slots WHERE name > $1 ORDER BY name LIMIT $2`),
  log: named('log', `SELECT *, ${standby} FROM log WHERE sequence >= $1 ORDER BY sequence LIMIT $2`),
  head: named('head', `SELECT *, ${standby} FROM log_head()`),
  counters: named('counters', `SELECT *, ${standby} FROM newest_counters()`),
  /** A row for each node; a single row even if there is none. */
  nodes: named(
    'nodes',
    `SELECT n.*, s.incarnation, s.incarnation = (SELECT c.incarnation FROM confirmed c) AS confirmed,
       $1::bigint = 0 OR coalesce(mark_at($1) = $2, false) AS follows, ${standby}
     FROM (SELECT incarnation() AS incarnation) s LEFT JOIN list_nodes() n ON true`,
  ),
  /** The active sessions, less those whose end by deadline is not recorded yet. */
  active: named('active', `SELECT c.active - count_due($1, c) AS count, ${standby} FROM newest_counters() c`),
  activeOfUser: named(
    'active of user',
    `SELECT active_of($2, c) - count_due_of($2, $1, c) AS count, ${standby} FROM newest_counters() c`,
  ),
  keyFingerprint: named('key fingerprint', `SELECT fingerprint, ${standby} FROM secret_key`),
  standby: named('ping', `SELECT ${standby}`),
} as const;

/** As in a sweep, a write that nobody waits for does not wait for a synchronous standby either. */
const waitingForNoStandby = "(SELECT set_config('synchronous_commit', 'local', true)) waits_for_no_standby";

export const writes = {
  touchKey: named(
    'touch key',
    `UPDATE keys SET data = $3 FROM ${waitingForNoStandby} WHERE id = $1 AND data = $2 RETURNING id`,
  ),
  commit: named(
    'commit',
    `SELECT * FROM commit_changes(${Array.from({ length: 17 }, (_, i) => `$${i + 1}`).join(', ')})`,
  ),
  /** Locked rows are left for later. */
  scanDue: named('scan due', `SELECT ${candidate} FROM due_at($1, $2) s ${epochEnd} ${ownSlot} ORDER BY s.armed, s.id`),
  scanPassed: named(
    'scan passed',
    `SELECT s.step_of, ${candidate} FROM (
       SELECT asked.user_id AS step_of, x.* FROM unnest($1::text[], $2::integer[], $3::text[]) AS asked (user_id, number, swept)
       CROSS JOIN LATERAL passed_by(asked.user_id, asked.number, asked.swept, $4) x LIMIT $4
     ) s ${epochEnd} ${ownSlot}`,
  ),
  settleSteps: named('settle steps', 'SELECT settle_steps($1, $2, $3, $4)'),
  /** Returns those that somebody else has locked, for another try. */
  touch: named(
    'touch',
    `WITH asked AS (
       SELECT id, max(at) AS at FROM unnest($1::text[], $2::bigint[]) AS a (id, at) CROSS JOIN ${waitingForNoStandby}
       GROUP BY id
     ), held AS (
       SELECT s.id FROM sessions s JOIN asked USING (id) ORDER BY s.id FOR UPDATE OF s SKIP LOCKED
     ), touched AS (
       UPDATE sessions s SET last_seen_at = a.at
       FROM asked a JOIN held h USING (id) CROSS JOIN newest_counters() c
       WHERE s.id = a.id AND s.end_at IS NULL AND a.at > s.last_seen_at AND a.at < deadline_of(s)
         AND s.epoch_user = epoch_of(s.user_id) AND s.epoch_everyone = c.everyone
     )
     SELECT a.id, a.at FROM asked a JOIN sessions s USING (id) LEFT JOIN held h USING (id) WHERE h.id IS NULL`,
  ),
  /** Counts at most one more than the rule allows, which means that the last one was not allowed. */
  attempt: named(
    'attempt',
    `INSERT INTO attempts AS a (bucket, taken, reset_at, latest) VALUES ($1, 1, $2::bigint + $3::bigint, $2)
     ON CONFLICT (bucket) DO UPDATE SET
       taken = CASE WHEN a.reset_at <= $2 THEN 1 ELSE least(a.taken + 1, $4::integer + 1) END,
       reset_at = CASE WHEN a.reset_at <= $2 THEN $2::bigint + $3::bigint ELSE a.reset_at END,
       failed = CASE WHEN a.reset_at <= $2 THEN 0 ELSE a.failed END,
       latest = CASE WHEN a.reset_at <= $2 OR a.taken < $4 THEN $2 ELSE a.latest END
     RETURNING taken, reset_at, greatest(least(taken, $4) - failed, 0) AS open, latest`,
  ),
  failAttempt: named('fail attempt', 'UPDATE attempts SET failed = failed + 1 WHERE bucket = $1 AND failed < taken'),
  clearAttempts: named('clear attempts', 'DELETE FROM attempts WHERE bucket = $1'),
  /** Returns the log's head. */
  renewNode: named('renew node', 'CALL renew_node($1, $2, $3, $4, $5, NULL, NULL, NULL, NULL)'),
  removeNode: named('remove node', 'SELECT remove_node($1, $2)'),
  confirm: named(
    'confirm',
    `INSERT INTO confirmed (incarnation) SELECT $1::text WHERE $1 = incarnation()
     ON CONFLICT (one) DO UPDATE SET incarnation = excluded.incarnation`,
  ),
  keepKeyFingerprint: named(
    'keep key fingerprint',
    `INSERT INTO secret_key AS k (fingerprint) VALUES ($1)
     ON CONFLICT (one) DO UPDATE SET
       fingerprint = CASE WHEN k.fingerprint = $2 THEN excluded.fingerprint ELSE k.fingerprint END
     RETURNING fingerprint`,
  ),
  // This needs room on the disk, unlike a change of existing rows, and is gone with its own commit.
  tryWriting: {
    text: `CREATE TEMP TABLE curfew_trial ON COMMIT DROP AS
      SELECT * FROM generate_series(1, 10000) AS given (number) CROSS JOIN ${waitingForNoStandby}`,
  },
  /**
   * Waits for a synchronous standby, if there is one, to have everything that was visible before: a commit whose wait for it
   * was cancelled is visible although it may be lost. Only one at a time may wait, as for any write.
   */
  awaitStandby: {
    text: `DO $$ BEGIN
      IF current_setting('synchronous_standby_names') <> '' THEN
        CALL lock_writers();
        PERFORM pg_logical_emit_message(true, 'curfew', '');
      END IF;
    END $$`,
  },
  mendTime: named('mend time', 'CALL mend_time($1, $2)'),
  sweepArmed: named('sweep armed', 'SELECT sweep_armed($1, $2) AS done'),
  sweepOld: named('sweep old', 'SELECT * FROM sweep_old($1, $2, $3, $4)'),
  sweepTimes: named('sweep times', 'SELECT sweep_times($1) AS done'),
  sweepSteps: named('sweep steps', 'SELECT sweep_steps($1, $2) AS done'),
} as const;

/** Events by sequence, upwards or downwards. */
export function eventsStatement(upwards: boolean): Statement {
  const [comparison, order] = directionOf(upwards);
  const text = `SELECT *, ${standby} FROM events WHERE sequence ${comparison} $1 ORDER BY sequence ${order} LIMIT $2`;
  return named(`events ${order}`, text);
}

/**
 * The matches among the next events, or the next events of a user, up to a limit. Each row has the number examined and
 * the last one's sequence; without a match there is a single row with only these two. Planned for its values: a user's
 * events are found by user if they are few. The event's JSON begins with the actor, spaced as a server writes it or as
 * PostgreSQL does; it is compared as text, because a cast fails on texts that JSON allows and `jsonb` does not.
 */
export function eventSearch(upwards: boolean, ofUser: boolean): Statement {
  const [comparison, order, last] = directionOf(upwards);
  return {
    text: `WITH looked AS MATERIALIZED (
       SELECT * FROM events WHERE sequence ${comparison} $1 AND ${ofUser ? 'user_id = $3' : '$3::text IS NULL'}
       ORDER BY sequence ${order} LIMIT $2
     )
     SELECT seen.*, found.*, ${standby}
     FROM (SELECT count(*)::integer AS looked, ${last}(sequence) AS reached FROM looked) seen
     LEFT JOIN (
       SELECT * FROM looked WHERE ($4::text[] IS NULL OR type = ANY ($4)) AND ($5::text IS NULL OR session_id = $5)
         AND ($7::text IS NULL OR starts_with(data, '{"by":' || $7) OR starts_with(data, '{"by" : ' || $7))
         AND ($8::bigint IS NULL OR at >= $8) AND ($9::bigint IS NULL OR at < $9)
     ) found ON true
     ORDER BY found.sequence ${order} LIMIT $6`,
  };
}

function directionOf(upwards: boolean): [comparison: string, order: string, last: string] {
  return upwards ? ['>', 'ASC', 'max'] : ['<', 'DESC', 'min'];
}

/**
 * A page of sessions, newest first. Planned for its values, because the best index depends on how common they are. The
 * status is derived here as in the domain; the caller searches for free text.
 */
export function listStatement(
  { filter, after, now }: Pick<SessionQuery, 'filter' | 'after' | 'now'>,
  limit: number,
): { statement: Statement; values: unknown[] } {
  const values: unknown[] = [];
  const value = (one: unknown) => `$${values.push(one)}`;
  const { userId, accessGroup, name, ip, status } = filter;
  const tests: string[] = [];
  if (after !== undefined) tests.push(`s.id < ${value(after)}`);
  if (userId !== undefined) tests.push(`s.user_id = ${value(userId)}`);
  if (accessGroup !== undefined) tests.push(`s.groups @> ARRAY[${value(accessGroup)}]`);
  if (name !== undefined) tests.push(`s.name = ${value(name)}`);
  if (ip !== undefined) tests.push(`s.ip = ${value(ip)}`);
  const indexed = [userId, accessGroup, name, ip].some((one) => one !== undefined);
  if (status === 'ended' && !indexed) tests.push(`s.id = ANY (ARRAY(${endedIds(value(now), tests, limit)}))`);
  else if (status === 'ended') tests.push(`NOT (${liveNow(value(now))})`);
  else if (status !== undefined) {
    tests.push(liveNow(value(now)), status === 'suspended' ? 's.suspended' : 'NOT s.suspended');
  }
  const where = tests.length > 0 ? `WHERE ${tests.join(' AND ')}` : '';
  const text = `SELECT ${snapshot}, ${standby} FROM sessions s ${epochEnd} ${where} ORDER BY s.id DESC LIMIT ${value(limit)}`;
  return { statement: { text }, values };
}

const liveNow = (now: string) => `s.end_at IS NULL AND s.epoch_everyone = (SELECT everyone FROM newest_counters())
  AND s.epoch_user = epoch_of(s.user_id) AND deadline_of(s) > ${now}`;

/** Ids of ended sessions, each kind from where it is found fast: recorded, due, and left behind by epochs. */
function endedIds(now: string, tests: readonly string[], limit: number): string {
  const more = tests.map((one) => ` AND ${one}`).join('');
  const newest = `ORDER BY s.id DESC LIMIT ${limit}`;
  return `SELECT id FROM (
    (SELECT s.id FROM sessions s WHERE s.end_at IS NOT NULL ${more} ${newest})
    UNION
    (SELECT s.id FROM sessions s WHERE s.end_at IS NULL AND s.armed <= ${now} AND deadline_of(s) <= ${now} ${more} ${newest})
    UNION
    (SELECT s.id FROM sessions s
     WHERE s.end_at IS NULL AND s.epoch_everyone < (SELECT everyone FROM newest_counters()) ${more} ${newest})
    UNION
    (SELECT s.id FROM (SELECT user_id, max(number) AS number FROM epochs WHERE NOT settled GROUP BY user_id) x
     JOIN sessions s ON s.user_id = x.user_id AND s.epoch_user < x.number AND s.end_at IS NULL WHERE true ${more} ${newest})
  ) found ORDER BY id DESC LIMIT ${limit}`;
}
