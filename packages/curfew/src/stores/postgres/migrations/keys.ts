/*
 * A key that is revoked is revoked everywhere at once: the log tells of it, as of an end. And attaching a verifier takes a
 * scope of its own, which is given to the keys that could attach until now.
 */
export const keys = `
ALTER TABLE log ADD COLUMN key_id text;

-- Rows are JSON text, in which a name may hold what jsonb may not. A quote within a name is escaped, so no name looks so.
UPDATE keys SET data = regexp_replace(data, '("scopes":\\[[^]]*"sessions\\.verify")', '\\1,"fence.attach"')
  WHERE data !~ '"scopes":\\[[^]]*"fence\\.attach"';
`;
