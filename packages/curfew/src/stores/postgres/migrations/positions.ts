/*
 * What tells one history of the store from another (docs/fence, R10): a mark on each entry of the log, the incarnation that
 * was confirmed last, and how far each node has followed the log.
 */
export const positions = `
ALTER TABLE log ADD COLUMN mark uuid NOT NULL DEFAULT gen_random_uuid();
-- The log has an entry at its head, although it may have been trimmed: the mark there proves which log it is.
INSERT INTO log (sequence, at) SELECT head, time FROM counters WHERE head > 0 ON CONFLICT DO NOTHING;

CREATE TABLE confirmed (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  incarnation text NOT NULL
);

-- Who is there is one table, and what each of them said last another: a row of nodes comes, goes, and is locked by
-- whoever changes what belongs to it.
CREATE TABLE renewals (
  id text,
  counter bigint,
  applied bigint NOT NULL,
  tail bigint NOT NULL,
  tail_mark text NOT NULL,
  PRIMARY KEY (id, counter)
);
INSERT INTO renewals SELECT id, counter, applied, 0, '' FROM nodes;
ALTER TABLE nodes DROP COLUMN counter, DROP COLUMN applied;
`;
