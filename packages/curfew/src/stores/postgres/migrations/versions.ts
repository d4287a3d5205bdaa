/* Each version of a user's row gets a number of its own: see functions/users.ts. */
export const versions = `
ALTER TABLE users ADD COLUMN number bigint NOT NULL DEFAULT 0;
ALTER TABLE users DROP CONSTRAINT users_pkey, ADD PRIMARY KEY (id, number);
ALTER TABLE users RESET (fillfactor);
`;
