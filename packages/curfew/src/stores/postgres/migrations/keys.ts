/*
 * A key that is revoked is revoked everywhere at once: the log tells of it, as of an end. And attaching a verifier takes a
 * scope of its own, which is given to the keys that could attach until now.
 *
 * A server of the version before takes such an entry for one that touches everything.
 */
export const keys = `
CALL lock_writers();

ALTER TABLE log ADD COLUMN key_id text;

CREATE OR REPLACE PROCEDURE revoke_key(op jsonb, INOUT c counters, INOUT answer jsonb) LANGUAGE plpgsql AS $$
DECLARE
  revoked keys;
BEGIN
  SELECT * INTO revoked FROM keys WHERE id = op->>'id';
  IF NOT FOUND THEN RETURN; END IF;
  IF revoked.revoked_at IS NULL THEN
    c.head := c.head + 1;
    c.time := greatest(c.time, (op->>'at')::bigint);
    INSERT INTO log (sequence, at, key_id) VALUES (c.head, (op->>'at')::bigint, op->>'id');
    CALL tell_asked(op->'event', c);
  END IF;
  -- Written as well when it was revoked already: the commit then waits for whatever the first one's had to wait for.
  UPDATE keys SET revoked_at = coalesce(revoked_at, (op->>'at')::bigint) WHERE id = op->>'id' RETURNING * INTO revoked;
  -- A server of the version before reads the row itself.
  answer := to_jsonb(revoked) || jsonb_build_object('key', to_jsonb(revoked), 'sequence', c.head);
END $$;

-- Rows are JSON text, in which a name may hold what jsonb may not. A quote within a name is escaped, so no name looks so.
UPDATE keys SET data = regexp_replace(data, '("scopes":\\[[^]]*"sessions\\.verify")', '\\1,"fence.attach"')
  WHERE data !~ '"scopes":\\[[^]]*"fence\\.attach"';
`;
