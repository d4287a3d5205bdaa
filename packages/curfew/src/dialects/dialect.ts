import type { FastifyInstance } from 'fastify';
import type { AttemptRule } from '../domain/attempts.ts';
import type { Clock } from '../domain/ports.ts';
import type { Services } from '../http/operation.ts';

/** The settings of the dialects, and what they need besides the authority. Durations in milliseconds. */
export type DialectSettings = {
  /** The limit on calls of one Rocket.Chat route from one address; `undefined` means no limit. */
  rocketchatCalls: AttemptRule | undefined;
  /** How long a Directus access token is valid, and the cookie of its mode `session`. */
  directusAccess: number;
  directusSession: number;
  /** The longest lifetimes of sessions: without activity, and in any case. */
  idle: number;
  absolute: number;
  clock: Clock;
  /** A key of 32 bytes, derived from the servers' key for one named use. */
  keyFor(use: string): Uint8Array;
};

/** Another system's wire format: registers its routes under a prefix; the authority does all the work. */
export type Dialect = (app: FastifyInstance, services: Services, settings: DialectSettings) => void;
