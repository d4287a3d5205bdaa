import type { FastifyInstance } from 'fastify';
import type { AttemptRule } from '../domain/attempts.ts';
import type { Services } from '../http/operation.ts';

/** What the operator can set of a dialect. */
export type DialectSettings = {
  /** Calls of one Rocket.Chat route from one address; `undefined` counts none. */
  rocketchatCalls: AttemptRule | undefined;
};

/** Another system's wire format: registers its routes under a prefix; everything it does is the authority's. */
export type Dialect = (app: FastifyInstance, services: Services, settings: DialectSettings) => void;
