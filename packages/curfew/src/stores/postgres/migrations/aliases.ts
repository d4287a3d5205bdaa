/*
 * Aliases stand with their session, each as one text, and in a table of their own that the triggers keep: what writes or
 * forgets a session need not know of it. What follows kind and hash, the time at which an alias was spent, is no part of
 * its name. The triggers find their table whatever search path a person has who deletes a session by hand.
 */
export const aliases = `
ALTER TABLE sessions ADD COLUMN aliases text[] COLLATE "C";

CREATE TABLE aliases (
  alias text COLLATE "C" PRIMARY KEY,
  session_id text COLLATE "C" NOT NULL
);

CREATE FUNCTION hold_aliases() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  INSERT INTO aliases SELECT split_part(a, ':', 1) || ':' || split_part(a, ':', 2), NEW.id FROM unnest(NEW.aliases) AS a;
  RETURN NULL;
END $$;

CREATE FUNCTION free_aliases() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  DELETE FROM aliases WHERE alias = ANY (ARRAY(
    SELECT split_part(a, ':', 1) || ':' || split_part(a, ':', 2) FROM unnest(OLD.aliases) AS a
  ));
  RETURN NULL;
END $$;

CREATE TRIGGER hold_aliases AFTER INSERT ON sessions FOR EACH ROW WHEN (NEW.aliases IS NOT NULL)
  EXECUTE FUNCTION hold_aliases();
CREATE TRIGGER free_aliases AFTER DELETE ON sessions FOR EACH ROW WHEN (OLD.aliases IS NOT NULL)
  EXECUTE FUNCTION free_aliases();
`;
