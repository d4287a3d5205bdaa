import { byIndex } from './by-index.ts';

/*
 * A user's row is written with every creation and every end, so each version has a number of its own, as those of the
 * counters have.
 */
export const users: string = `
-- All null for a user without a row.
CREATE OR REPLACE FUNCTION newest_user(asked text) RETURNS users LANGUAGE plpgsql STABLE ${byIndex} AS $$
DECLARE
  u users;
BEGIN
  SELECT * INTO u FROM users WHERE id = asked ORDER BY number DESC LIMIT 1;
  RETURN u;
END $$;

-- Writes what follows a version that was read under the writers' lock; the sweep may have forgotten that one meanwhile.
CREATE OR REPLACE PROCEDURE keep_user(u users) LANGUAGE plpgsql ${byIndex} AS $$
BEGIN
  UPDATE users SET epoch = u.epoch, active = u.active, everyone = u.everyone, number = u.number + 1
    WHERE id = u.id AND number = u.number;
  IF NOT FOUND THEN
    INSERT INTO users VALUES (u.id, u.epoch, u.active, u.everyone, coalesce(u.number + 1, 0));
  END IF;
END $$;

CREATE OR REPLACE FUNCTION epoch_of(asked text) RETURNS integer LANGUAGE sql STABLE AS $$
  SELECT coalesce((newest_user(asked)).epoch, 0)
$$;

CREATE OR REPLACE FUNCTION active_in(u users, c counters) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN u.everyone = c.everyone THEN u.active ELSE 0 END
$$;

CREATE OR REPLACE FUNCTION active_of(asked text, c counters) RETURNS integer LANGUAGE sql STABLE AS $$
  SELECT active_in(newest_user(asked), c)
$$;

-- Whether a session counts as active, whatever its deadlines.
CREATE OR REPLACE FUNCTION is_active(s sessions, c counters) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT s.end_at IS NULL AND NOT s.suspended AND s.epoch_everyone = c.everyone AND s.epoch_user = epoch_of(s.user_id)
$$;
`;
