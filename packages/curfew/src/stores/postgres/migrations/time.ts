/* What a wrong clock wrote down as the latest moment is taken back. */
export const time = `
CREATE PROCEDURE mend_time(now bigint, longest bigint) LANGUAGE plpgsql AS $$
DECLARE
  c counters;
BEGIN
  CALL lock_writers();
  c := newest_counters();
  c.time := least(c.time, now);
  CALL keep_counters(c);
  DELETE FROM attempts WHERE reset_at > now + longest;
END $$;
`;
