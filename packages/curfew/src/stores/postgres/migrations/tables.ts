/*
 * The tables. Text is compared byte by byte (collation "C"), as ids, names and pages need it. Times are milliseconds.
 * What nobody searches for is kept as JSON text, not `jsonb`: it may hold what PostgreSQL's own text may not (U+0000).
 */
export const tables = `
-- One row: what is counted. It is read and written only under the writers' lock.
CREATE TABLE counters (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  head bigint NOT NULL DEFAULT 0,
  last_event bigint NOT NULL DEFAULT 0,
  active bigint NOT NULL DEFAULT 0,
  everyone integer NOT NULL DEFAULT 0,
  time bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 10);
INSERT INTO counters DEFAULT VALUES;

CREATE TABLE sessions (
  id text COLLATE "C" PRIMARY KEY,
  user_id text COLLATE "C" NOT NULL,
  name text COLLATE "C",
  suspended boolean NOT NULL,
  groups text[] COLLATE "C" NOT NULL,
  ip text COLLATE "C",
  created_at bigint NOT NULL,
  authenticated_at bigint NOT NULL,
  last_seen_at bigint NOT NULL,
  expires_at bigint NOT NULL,
  idle bigint NOT NULL,
  epoch_user integer NOT NULL,
  epoch_everyone integer NOT NULL,
  token_hash bytea NOT NULL,
  refresh_hash bytea NOT NULL,
  previous_hash bytea,
  rotated_at bigint,
  rotations integer NOT NULL,
  factor_at bigint,
  version integer NOT NULL,
  data text NOT NULL,
  -- When the sweep looks at it: the deadline, as it was when the sweep last looked. Activity does not move it.
  armed bigint NOT NULL,
  end_at bigint,
  end_by text,
  end_reason text,
  end_sequence bigint,
  -- When the end was written down.
  written_at bigint
) WITH (fillfactor = 85);
CREATE INDEX sessions_of_user ON sessions (user_id, id);
CREATE INDEX sessions_by_address ON sessions (ip, id) WHERE ip IS NOT NULL;
CREATE INDEX sessions_by_name ON sessions (name, id) WHERE name IS NOT NULL;
CREATE INDEX sessions_by_group ON sessions USING gin (groups);
CREATE INDEX sessions_live ON sessions (epoch_everyone, id) WHERE end_at IS NULL;
CREATE INDEX sessions_armed ON sessions (armed) WHERE end_at IS NULL;
CREATE INDEX sessions_suspended ON sessions (id) WHERE suspended AND end_at IS NULL;
CREATE INDEX sessions_ended ON sessions (id) WHERE end_at IS NOT NULL;
CREATE INDEX sessions_written ON sessions (written_at) WHERE end_at IS NOT NULL;

-- A user's epoch, and how many active sessions they have under it and everyone's epoch \`everyone\`, deadlines aside.
-- A row that would say epoch 0 and none active says as much as no row.
CREATE TABLE users (
  id text COLLATE "C" PRIMARY KEY,
  epoch integer NOT NULL DEFAULT 0,
  active integer NOT NULL DEFAULT 0,
  everyone integer NOT NULL DEFAULT 0
) WITH (fillfactor = 70);

-- The steps of the epochs: what ended everything that was stamped with a lower number. '' is everyone.
CREATE TABLE epochs (
  user_id text COLLATE "C",
  number integer,
  at bigint NOT NULL,
  actor text NOT NULL,
  reason text NOT NULL,
  sequence bigint NOT NULL,
  -- Whether the end of every session that it ended is written down with the session.
  settled boolean NOT NULL DEFAULT false,
  -- When the sweep looks whether it can be forgotten.
  armed bigint NOT NULL,
  -- Up to which of the user's sessions the sweep has come that writes the end down, in the order of ids.
  swept text COLLATE "C" NOT NULL DEFAULT '',
  PRIMARY KEY (user_id, number)
);
CREATE INDEX epochs_unsettled ON epochs (user_id) WHERE NOT settled;
CREATE INDEX epochs_armed ON epochs (armed) WHERE settled;

-- A session, a user, or (neither) everything.
CREATE TABLE log (
  sequence bigint PRIMARY KEY,
  at bigint NOT NULL,
  session_id text,
  user_id text
);

CREATE TABLE events (
  sequence bigint PRIMARY KEY,
  at bigint NOT NULL,
  type text NOT NULL,
  user_id text COLLATE "C",
  session_id text COLLATE "C",
  data text NOT NULL
);
CREATE INDEX events_of_user ON events (user_id, sequence);

CREATE TABLE accounts (
  id text COLLATE "C" PRIMARY KEY,
  username text COLLATE "C" NOT NULL UNIQUE,
  email text COLLATE "C" UNIQUE,
  version integer NOT NULL,
  data text NOT NULL
);

CREATE TABLE keys (
  id text COLLATE "C" PRIMARY KEY,
  revoked_at bigint,
  data text NOT NULL
);

CREATE TABLE slots (
  name text COLLATE "C" PRIMARY KEY,
  started boolean NOT NULL,
  kept boolean NOT NULL,
  session_id text,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  version integer NOT NULL,
  config text NOT NULL
);

CREATE TABLE nodes (
  id text PRIMARY KEY,
  counter bigint NOT NULL,
  applied bigint NOT NULL
);

-- Need not outlive a crash.
CREATE UNLOGGED TABLE attempts (
  bucket text PRIMARY KEY,
  taken integer NOT NULL,
  reset_at bigint NOT NULL
);
CREATE INDEX attempts_reset ON attempts (reset_at);
`;
