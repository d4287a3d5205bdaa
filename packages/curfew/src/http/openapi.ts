import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger';
import type { FastifySchema } from 'fastify';
import { type ErrorCode, errors } from '../errors.ts';
import { authenticationErrors } from './checks/authenticate.ts';
import { accessErrors, asksForCode, describeAccess } from './checks/index.ts';
import { sameSiteErrors } from './checks/same-site.ts';
import type { Operation } from './operation.ts';
import { Problem, ref } from './schemas.ts';

/** Errors of any operation. */
const always: readonly ErrorCode[] = ['store_unavailable', 'shutting_down', 'internal'];
/** Errors of operations with parameters or a body. */
const ofShapes: readonly ErrorCode[] = ['missing_field', 'unknown_field', 'wrong_type', 'invalid_value'];
const ofBodies: readonly ErrorCode[] = ['body_not_json', 'body_too_large', 'unsupported_media_type'];
const ofWrites: readonly ErrorCode[] = ['store_full', 'outcome_unknown'];

/** Errors that many operations share; the documentation explains them once. */
export const commonErrors: readonly ErrorCode[] = [
  ...authenticationErrors,
  ...sameSiteErrors,
  ...ofShapes,
  ...ofBodies,
  ...ofWrites,
  ...always,
];

/** Every error of an operation, each once. */
export function errorsOf(operation: Operation): ErrorCode[] {
  const { body, query, params, method } = operation;
  return [
    ...new Set([
      ...(operation.errors ?? []),
      ...accessErrors(operation),
      ...(body || query || params ? ofShapes : []),
      ...(body ? ofBodies : []),
      ...(method === 'GET' ? [] : ofWrites),
      ...always,
    ]),
  ];
}

const codeHeader = {
  type: 'object',
  properties: {
    'x-2fa-code': { type: 'string', description: 'A second factor: a code from the authenticator, or a backup code.' },
  },
};

function securityOf(access: Operation['access']): Record<string, never[]>[] {
  if (access === 'open') return [];
  return access === 'widget' ? [{ widget: [] }] : [{ bearer: [] }, { cookie: [] }];
}

/** An operation's schema for Fastify and the OpenAPI document. */
export function schemaOf(operation: Operation): FastifySchema {
  const { answer, summary, description, id, tag, access } = operation;
  const paragraphs = [description, describeAccess(operation)].filter((text) => text !== undefined);
  return {
    operationId: id,
    tags: [tag],
    summary,
    description: paragraphs.join('\n\n'),
    security: securityOf(access),
    ...(operation.params && { params: operation.params }),
    ...(operation.query && { querystring: operation.query }),
    ...(operation.body && { body: operation.body }),
    ...(asksForCode(operation) && { headers: codeHeader }),
    response: {
      [answer.status]: answer.schema
        ? { ...answer.schema, description: answer.description }
        : { type: 'null', description: answer.description, ...(answer.headers && { headers: answer.headers }) },
      ...withOtherwise(answer, problemsOf(errorsOf(operation))),
    },
  } as FastifySchema;
}

type Answers = Record<number, { description: string; type?: 'null'; content?: Record<string, { schema: object }> }>;

/** Adds the `otherwise` answer: to the problems of the same status, if there are any. */
function withOtherwise({ otherwise, schema }: Operation['answer'], problems: Answers): Answers {
  if (!otherwise) return problems;
  const { status, description } = otherwise;
  if (!schema || !problems[status]) return { ...problems, [status]: { description, type: 'null' } };
  const { description: codes, content } = problems[status];
  const both = { 'application/json': { schema }, ...content };
  return { ...problems, [status]: { description: `${description}\n\n${codes}`, content: both } };
}

/** One answer for each status, which names its codes. */
function problemsOf(codes: readonly ErrorCode[]): Answers {
  const byStatus = Map.groupBy(codes, (code) => errors[code].status);
  return Object.fromEntries(
    [...byStatus].map(([status, ofStatus]) => [
      status,
      {
        description: ofStatus.map((code) => `\`${code}\`: ${errors[code].title}.`).join('\n\n'),
        content: { 'application/problem+json': { schema: ref(Problem) } },
      },
    ]),
  );
}

export const openApiOptions: FastifyDynamicSwaggerOptions = {
  openapi: {
    openapi: '3.1.0',
    info: {
      title: 'Curfew',
      version: '1',
      summary: 'End any session, anywhere, now.',
      description:
        'Errors are problem documents (RFC 9457) with a `code`, and a `remedy` that says what to do. Times are RFC 3339. ' +
        'Every call that ends or changes a session returns a receipt.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    // Relative to the document, which a proxy may serve under a path of its own.
    servers: [{ url: '.', description: 'This server.' }],
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'An API key (`cfk_…`) or a session token (`cfs_…`).' },
        widget: { type: 'http', scheme: 'bearer', description: 'A widget token (`cfw_…`).' },
        cookie: { type: 'apiKey', in: 'cookie', name: '__Host-curfew', description: 'The session cookie.' },
      },
    },
  },
  // No path begins with the server's base path; to strip it, the URL would have to be absolute.
  stripBasePath: false,
  refResolver: { buildLocalReference: (json) => String(json['$id']) },
  transformObject(given) {
    const document = 'openapiObject' in given ? given.openapiObject : {};
    for (const path of Object.values(document.paths ?? {})) {
      for (const { requestBody } of Object.values(path as Record<string, { requestBody?: Body }>)) {
        if (requestBody && mayBeNull(requestBody)) requestBody.required = false;
      }
    }
    return document;
  },
};

type Body = { required?: boolean; content: Record<string, { schema?: { type?: unknown } }> };

/** Whether there need be no body; the generator says of each that it is required. */
function mayBeNull({ content }: Body): boolean {
  return Object.values(content).some(({ schema }) => [schema?.type].flat().includes('null'));
}
