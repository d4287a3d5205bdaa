/*
 * Settings of functions. The planner decides while the tables are almost empty, or in the middle of a batch, and its plans
 * stay: an EXISTS over the log became a hash table of the whole log, and a search for one user's sessions a walk through
 * everybody's. So these leave it the indexes alone.
 */

/** One table, in the order of an index. */
export const byIndex = 'SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off';

/** Several tables, in the order of an index. */
export const joinedByIndex: string = `${byIndex} SET enable_hashjoin = off SET enable_mergejoin = off`;

/** Several tables, and a batch that may be sorted, because it is small beside them. */
export const batchByIndex =
  'SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off';
