import { eventsPerBlock } from '../../event-times.ts';

/*
 * The index by which a search of events skips what is outside the requested time. The sweep writes it, so that recording an
 * event costs nothing more.
 */
const byIndex =
  'SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off SET enable_hashjoin = off SET enable_mergejoin = off';

export const times = `
CREATE TABLE event_times (
  block bigint PRIMARY KEY,
  earliest bigint NOT NULL,
  latest bigint NOT NULL
);

-- Records the times of complete blocks of events, and forgets those of blocks whose events are gone. Events become visible
-- in the order of their sequences, so a block whose last event is visible is complete.
CREATE FUNCTION sweep_times(most integer) RETURNS integer LANGUAGE plpgsql ${byIndex} AS $$
DECLARE
  size CONSTANT bigint := ${eventsPerBlock};
  oldest bigint := (SELECT e.sequence FROM events e ORDER BY e.sequence LIMIT 1) / size;
  next bigint := greatest(oldest, (SELECT t.block + 1 FROM event_times t ORDER BY t.block DESC LIMIT 1));
  complete bigint := ((SELECT e.sequence FROM events e ORDER BY e.sequence DESC LIMIT 1) + 1) / size;
  done integer := 0;
BEGIN
  IF oldest IS NULL THEN RETURN 0; END IF;
  -- A block in which nothing is left gets a span that contains no time.
  INSERT INTO event_times
    SELECT b.block, coalesce(seen.earliest, 0), coalesce(seen.latest, -1)
    FROM generate_series(next, least(next + most, complete) - 1) AS b (block) CROSS JOIN LATERAL (
      SELECT min(e.at) AS earliest, max(e.at) AS latest FROM events e
      WHERE e.sequence >= b.block * size AND e.sequence < (b.block + 1) * size
    ) seen
    ON CONFLICT DO NOTHING;
  GET DIAGNOSTICS done = ROW_COUNT;
  DELETE FROM event_times WHERE block = ANY (ARRAY(
    SELECT t.block FROM event_times t WHERE t.block < oldest ORDER BY t.block LIMIT most FOR UPDATE SKIP LOCKED
  ));
  RETURN done;
END $$;
`;
