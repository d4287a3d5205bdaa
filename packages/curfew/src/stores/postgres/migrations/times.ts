/* The index by which a search of events skips what is outside the requested time: see `sweep_times`. */
export const times = `
CREATE TABLE event_times (
  block bigint PRIMARY KEY,
  earliest bigint NOT NULL,
  latest bigint NOT NULL
);
`;
