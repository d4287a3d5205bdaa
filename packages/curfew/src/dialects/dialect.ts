import type { FastifyInstance } from 'fastify';
import type { AttemptRule } from '../domain/attempts.ts';
import type { Clock } from '../domain/ports.ts';
import type { Services } from '../http/operation.ts';

/** What the operator can set of a dialect, and what it works with besides the authority. Durations in milliseconds. */
export type DialectSettings = {
  /** Calls of one Rocket.Chat route from one address; `undefined` counts none. */
  rocketchatCalls: AttemptRule | undefined;
  /** How long a Directus access token is good for, and the cookie of its mode `session`. */
  directusAccess: number;
  directusSession: number;
  /** The longest that sessions live, without activity and whatever happens. */
  idle: number;
  absolute: number;
  clock: Clock;
  /** A key of 32 bytes of the servers' own, for the one use that is named. */
  keyFor(use: string): Uint8Array;
};

/** Another system's wire format: registers its routes under a prefix; everything it does is the authority's. */
export type Dialect = (app: FastifyInstance, services: Services, settings: DialectSettings) => void;
