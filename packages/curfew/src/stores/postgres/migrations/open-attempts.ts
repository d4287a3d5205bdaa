/*
 * Which attempts are known to have failed, and when the last one was taken: the others may still turn out to be right, and
 * whoever finds no room left waits for them, on whichever node they are looked at.
 */
export const openAttempts = `
ALTER TABLE attempts
  ADD COLUMN failed integer NOT NULL DEFAULT 0,
  ADD COLUMN latest bigint NOT NULL DEFAULT 0;
`;
