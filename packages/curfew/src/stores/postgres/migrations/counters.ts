/* Each version of the counters gets a number of its own: see functions/counters.ts. */
export const counters = `
ALTER TABLE counters DROP COLUMN one, ADD COLUMN number bigint PRIMARY KEY DEFAULT 0;
ALTER TABLE counters RESET (fillfactor);
`;
