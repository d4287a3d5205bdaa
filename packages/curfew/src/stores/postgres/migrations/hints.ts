/** So that whoever follows the log need not wait until it is read again. */
export const hints = `
-- A hint for whoever follows the log. Only the schema is told: what has changed is read.
CREATE FUNCTION hint() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('curfew', TG_TABLE_SCHEMA);
  RETURN NULL;
END $$;
CREATE TRIGGER hint AFTER INSERT ON log FOR EACH STATEMENT EXECUTE FUNCTION hint();
`;
