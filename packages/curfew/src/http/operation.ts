import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Static, TSchema } from 'typebox';
import type { Caller } from '../authority/caller.ts';
import type { Authority } from '../authority/index.ts';
import type { Permission } from '../domain/permissions.ts';
import type { CurfewError, ErrorCode } from '../errors.ts';
import type { Readiness } from './readiness.ts';
import type { OpenStreams } from './streams.ts';

/*
 * An operation of the API is declared once: its route, its shapes, what it takes to call it, its errors and what it
 * does. The server, the OpenAPI document, the client and the documentation derive from it.
 */

export type Services = {
  authority: Authority;
  /** Aborted when the server closes: ends streams. */
  closing: AbortSignal;
  readiness: Readiness;
  streams: OpenStreams;
  /** Counts an error, and writes it to the log if it is a fault of the server. */
  fault(error: CurfewError, request: FastifyRequest): void;
};

export type Context<Params, Query, Body> = Services & {
  caller: Caller;
  params: Params;
  query: Query;
  body: Body;
  request: FastifyRequest;
  reply: FastifyReply;
};

/** What it takes, of a person, besides the permission. */
export type Assurance = 'second-factor' | 'fresh-sign-in';

/**
 * Who may call an operation.
 * - `open`: anybody.
 * - `signed-in`: whoever has a session or a key.
 * - a permission, which a key has as a scope; `person` says what a person must show besides.
 * - with `owner`: a person whose own it is needs no permission, but perhaps `own`; for others' it takes the permission
 *   and `others`.
 */
export type Access<Params, Query, Body> =
  | 'open'
  | 'signed-in'
  | { permission: Permission; person?: Assurance }
  | {
      permission: Permission;
      /** Whose it is: a user's id. `undefined` when there is no such thing: then as for others'. */
      owner(context: Context<Params, Query, Body>): Promise<string | undefined> | string | undefined;
      own?: Assurance;
      others?: Assurance;
    };

type StaticOf<Schema> = Schema extends TSchema ? Static<Schema> : undefined;

type Declaration<P extends TSchema | undefined, Q extends TSchema | undefined, B extends TSchema | undefined> = {
  id: string;
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  tag: string;
  summary: string;
  description?: string;
  access: Access<StaticOf<P>, StaticOf<Q>, StaticOf<B>>;
  /** A cookie that leads nowhere any more is no refusal: then there is no caller. */
  deadCookie?: 'no-caller';
  /**
   * What it writes to, where that may do something itself: the caller must hold all of it (authority/guard.ts). `account`
   * is also what the sessions of an account may reach.
   */
  guards?: 'account' | 'key';
  /** Asked at every request of an application: takes the fast path. It takes a scope and a body, and no more. */
  fastPath?: boolean;
  params?: P;
  query?: Q;
  body?: B;
  answer: {
    status: 200 | 201 | 204;
    description: string;
    schema?: TSchema;
    type?: string;
    /** The same shape, when it is no success and no error either. */
    otherwise?: { status: 503; description: string };
  };
  /** What the operation itself may refuse with; what its access and its shapes may refuse with is added. */
  errors?: readonly ErrorCode[];
  handle(context: Context<StaticOf<P>, StaticOf<Q>, StaticOf<B>>): Promise<unknown>;
};

/** An operation whose types were checked where it was declared. */
export type Operation = Declaration<TSchema | undefined, TSchema | undefined, TSchema | undefined>;

export function operation<
  P extends TSchema | undefined = undefined,
  Q extends TSchema | undefined = undefined,
  B extends TSchema | undefined = undefined,
>(declaration: Declaration<P, Q, B>): Operation {
  return declaration as unknown as Operation;
}
