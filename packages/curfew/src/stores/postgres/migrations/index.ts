import { aliases } from './aliases.ts';
import { commits } from './commits.ts';
import { content } from './content.ts';
import { counters } from './counters.ts';
import { factors } from './factors.ts';
import { fingerprint } from './fingerprint.ts';
import { keys } from './keys.ts';
import { locks } from './locks.ts';
import { openAttempts } from './open-attempts.ts';
import { positions } from './positions.ts';
import { retention } from './retention.ts';
import { rules } from './rules.ts';
import { sessions } from './sessions.ts';
import { sweep } from './sweep.ts';
import { sweeping } from './sweeping.ts';
import { tables } from './tables.ts';
import { time } from './time.ts';
import { times } from './times.ts';
import { together } from './together.ts';
import { users } from './users.ts';
import { versions } from './versions.ts';
import { witnesses } from './witnesses.ts';
import { writes } from './writes.ts';

/** One step of the schema. A step that was released never changes: what is to be different comes as a later one. */
export type Migration = { number: number; name: string; sql: string };

export const migrations: readonly Migration[] = [
  { number: 1, name: 'tables', sql: tables },
  { number: 2, name: 'functions', sql: [rules, sessions, together, users, writes, sweep].join('\n') },
  { number: 3, name: 'positions', sql: positions },
  { number: 4, name: 'counters', sql: counters },
  { number: 5, name: 'locks', sql: locks },
  { number: 6, name: 'time', sql: time },
  { number: 7, name: 'witnesses', sql: witnesses },
  { number: 8, name: 'keys', sql: keys },
  { number: 9, name: 'open attempts', sql: openAttempts },
  { number: 10, name: 'fingerprint', sql: fingerprint },
  { number: 11, name: 'factors', sql: factors },
  { number: 12, name: 'sweeping', sql: sweeping },
  { number: 13, name: 'times', sql: times },
  { number: 14, name: 'retention', sql: retention },
  { number: 15, name: 'versions', sql: versions },
  { number: 16, name: 'commits', sql: commits },
  { number: 17, name: 'aliases', sql: aliases },
  { number: 18, name: 'content', sql: content },
];
