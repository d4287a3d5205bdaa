/* What the servers' secret key is known by, so that another one is refused at the start; it says nothing of the key. */
export const fingerprint = `
CREATE TABLE secret_key (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  fingerprint text NOT NULL
);
`;
