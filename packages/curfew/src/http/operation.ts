import type { OutgoingHttpHeaders } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Static, TSchema } from 'typebox';
import type { Caller } from '../authority/caller.ts';
import type { Authority } from '../authority/index.ts';
import type { Widget } from '../authority/widget.ts';
import type { Permission } from '../domain/permissions.ts';
import type { StoredSession } from '../domain/session.ts';
import type { CurfewError, ErrorCode } from '../errors.ts';
import type { Readiness } from './readiness.ts';
import type { ServerState } from './server-state.ts';
import type { OpenStreams } from './streams.ts';

/*
 * An operation of the API is declared once: its route, its shapes, what it requires, its errors and what it does. The
 * server, the OpenAPI document, the client and the documentation derive from it.
 */

export type Services = {
  authority: Authority;
  /** Aborted when the server closes; ends streams. */
  closing: AbortSignal;
  readiness: Readiness;
  streams: OpenStreams;
  /** What administrators see of the server. @throws `store_unavailable` */
  state(): Promise<ServerState>;
  /** Counts an error, and writes it to the log if it is a fault of the server. */
  fault(error: CurfewError, request: FastifyRequest): void;
};

export type Context<Params, Query, Body> = Services & {
  caller: Caller;
  /** Whom the widget token is for, if the operation is one of the widget's. */
  widget?: Widget | undefined;
  /** Whether the code of the request was used up to authorise it: it would not be accepted again. */
  codeIsShown?: boolean | undefined;
  /** The session that `owner` has found to authorise the caller. */
  found?: StoredSession | undefined;
  params: Params;
  query: Query;
  body: Body;
  request: FastifyRequest;
  reply: FastifyReply;
};

/** What a person needs besides the permission; for `new-code`, a code that was given before does not count. */
export type Assurance = 'second-factor' | 'new-code' | 'fresh-sign-in';

/**
 * Who may call an operation.
 * - `open`: anybody.
 * - `signed-in`: anyone with a session or a key.
 * - `widget`: a page with a widget token of its origin, and nobody else.
 * - a permission, which a key has as a scope, and perhaps another (`and`); `person` is what a person needs besides.
 * - with `owner`: the owner needs no permission, only what `own` gives, if anything; anybody else needs the permission,
 *   and a person also what `others` gives.
 */
export type Access<Params, Query, Body> =
  | 'open'
  | 'signed-in'
  | 'widget'
  | { permission: Permission; and?: Permission; person?: Assurance }
  | {
      permission: Permission;
      /**
       * The owner's user id, or the session that has an owner; the operation gets that session as `found`, and must not
       * look for another one. `undefined` if it does not exist; the caller then counts as anybody else.
       */
      owner(context: Context<Params, Query, Body>): Promise<Owned> | Owned;
      own?: Assurance;
      others?: Assurance;
    };

type Owned = string | StoredSession | undefined;

type StaticOf<Schema> = Schema extends TSchema ? Static<Schema> : undefined;

type Declaration<P extends TSchema | undefined, Q extends TSchema | undefined, B extends TSchema | undefined> = {
  id: string;
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  tag: string;
  summary: string;
  description?: string;
  access: Access<StaticOf<P>, StaticOf<Q>, StaticOf<B>>;
  /** A cookie that is no longer valid is not refused: there is no caller then. */
  deadCookie?: 'no-caller';
  /**
   * What it writes to, if that has permissions itself: the caller must have all of them (authority/guard.ts). `account`
   * also covers what the sessions of an account may reach.
   */
  guards?: 'account' | 'key';
  /**
   * Applications call it for each of their own requests, so it has a fast path. Such an operation has a permission and
   * a body, and neither parameters nor a query.
   */
  fastPath?: boolean;
  /**
   * A proxy asks it whether to let a request through. So it answers every method, at its path and at any path below it,
   * and ignores bodies. Below its own path, where a proxy appends the visitor's path, the query is the visitor's: it is
   * ignored. It has a fast path, and is `open`, because it decides by itself what it lets through. Its `handle` uses of
   * `request` only what an `IncomingMessage` has, and returns {@link Passed}.
   */
  forProxies?: true;
  /** The most bytes of its body, if not `limits.bodyBytes`. */
  bodyBytes?: number;
  params?: P;
  query?: Q;
  body?: B;
  answer: {
    status: 200 | 201 | 204;
    description: string;
    schema?: TSchema;
    type?: string;
    headers?: Readonly<Record<string, TSchema>>;
    /** An answer that is neither a success nor an error: a 503 has the same shape as a success. */
    otherwise?: { status: 302 | 503; description: string };
  };
  /** The errors of the operation itself; those of its access checks and its shapes are added. */
  errors?: readonly ErrorCode[];
  handle(context: Context<StaticOf<P>, StaticOf<Q>, StaticOf<B>>): Promise<unknown>;
};

/** An answer without a body. */
export type Passed = { status: number; headers: OutgoingHttpHeaders };

/** An operation, with its types erased: they were checked at its declaration. */
export type Operation = Declaration<TSchema | undefined, TSchema | undefined, TSchema | undefined>;

export function operation<
  P extends TSchema | undefined = undefined,
  Q extends TSchema | undefined = undefined,
  B extends TSchema | undefined = undefined,
>(declaration: Declaration<P, Q, B>): Operation {
  return declaration as unknown as Operation;
}
