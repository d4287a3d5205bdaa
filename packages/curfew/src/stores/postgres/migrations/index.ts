import { functions } from '../functions/index.ts';
import { aliases } from './aliases.ts';
import { content } from './content.ts';
import { counters } from './counters.ts';
import { earlierFunctions } from './earlier-functions.ts';
import { factors } from './factors.ts';
import { fingerprint } from './fingerprint.ts';
import { keys } from './keys.ts';
import { openAttempts } from './open-attempts.ts';
import { positions } from './positions.ts';
import { tables } from './tables.ts';
import { times } from './times.ts';
import { versions } from './versions.ts';

/** One step of the schema. */
export type Migration = { number: number; name: string; sql: string };

/**
 * A step that was released never changes: what is to be different comes as a later one. The last step is always the
 * functions, all of them. When they change, it gets the next number, because nothing is left of the functions before; that
 * is why numbers are missing.
 */
export const migrations: readonly Migration[] = [
  { number: 1, name: 'tables', sql: tables },
  { number: 3, name: 'positions', sql: positions },
  { number: 4, name: 'counters', sql: counters },
  { number: 8, name: 'keys', sql: keys },
  { number: 9, name: 'open attempts', sql: openAttempts },
  { number: 10, name: 'fingerprint', sql: fingerprint },
  { number: 11, name: 'factors', sql: factors },
  { number: 13, name: 'times', sql: times },
  { number: 15, name: 'versions', sql: versions },
  { number: 17, name: 'aliases', sql: aliases },
  { number: 18, name: 'content', sql: content },
  { number: 19, name: 'earlier functions', sql: earlierFunctions },
  { number: 22, name: 'functions', sql: functions },
];
