import { CurfewError, type ErrorCode, errors, isCurfewError } from '../errors.ts';

export const problemType = 'application/problem+json; charset=utf-8';

/** An error as a caller sees it (RFC 9457). Its cause is only logged. */
export function problemOf(error: CurfewError, requestId: string) {
  const { title, status } = errors[error.code];
  const { detail, errors: fields, methods, reason } = error.facts;
  return {
    type: `urn:curfew:error:${error.code}`,
    title,
    status,
    code: error.code,
    detail: status === 500 ? undefined : detail,
    remedy: error.remedy,
    instance: requestId,
    errors: fields,
    methods,
    reason,
  };
}

/** Our codes for Fastify's own errors. */
const ofFastify: Record<string, ErrorCode> = {
  FST_ERR_CTP_INVALID_JSON_BODY: 'body_not_json',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'body_not_json',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'body_not_json',
  FST_ERR_CTP_BODY_TOO_LARGE: 'body_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  FST_ERR_CTP_INVALID_TYPE: 'unsupported_media_type',
  FST_ERR_ASYNC_CONSTRAINT: 'route_not_found',
  FST_ERR_BAD_URL: 'route_not_found',
  FST_ERR_NOT_FOUND: 'route_not_found',
};

type ValidationFault = {
  keyword: string;
  instancePath: string;
  message?: string;
  params: Record<string, unknown>;
  parentSchema?: Record<string, unknown>;
};

/** Any error as a `CurfewError`; an unexpected one becomes `internal`. */
export function asCurfewError(error: unknown): CurfewError {
  if (isCurfewError(error)) return error;
  const { code, validation, validationContext, statusCode, message } = error as {
    code?: string;
    validation?: ValidationFault[];
    validationContext?: string;
    statusCode?: number;
    message?: string;
  };
  if (validation?.[0]) return ofValidation(validation[0], validationContext ?? 'body', error);
  if (code === 'FST_ERR_MAX_PARAM_LENGTH') {
    return new CurfewError('invalid_value', { detail: 'A part of the path is too long.' }, error);
  }
  const known = code === undefined ? undefined : ofFastify[code];
  if (known) return new CurfewError(known, {}, error);
  // A file outside its folder, or one that nobody may read, counts as missing.
  if (statusCode === 403 || statusCode === 404) return new CurfewError('route_not_found', {}, error);
  // A body that is not JSON gives a plain SyntaxError; the parser also refuses one that contains `__proto__`.
  if (statusCode === 400) return new CurfewError('body_not_json', { detail: message ?? '' }, error);
  // Anything else that the framework refuses is the request's fault too, such as a range that a file does not have.
  if (statusCode !== undefined && statusCode > 400 && statusCode < 500) {
    return new CurfewError('invalid_value', { detail: message ?? '' }, error);
  }
  return new CurfewError('internal', { detail: message ?? '' }, error);
}

function ofValidation(fault: ValidationFault, where: string, cause: unknown): CurfewError {
  const { keyword, instancePath, params, parentSchema } = fault;
  const name = (params['missingProperty'] ?? params['additionalProperty']) as string | undefined;
  const path = `/${where}${instancePath}${name === undefined ? '' : `/${name}`}`;
  if (where === 'body' && instancePath === '' && keyword === 'type') return new CurfewError('body_not_json', {}, cause);
  const told = sentence(fault);
  const facts = { detail: `${path} ${told}.`, errors: [{ path, message: told }] };
  return new CurfewError(codeOf(keyword, parentSchema), facts, cause);
}

/** What is wrong with a value, to follow its path in a sentence. */
function sentence({ keyword, params, message = 'is not allowed' }: ValidationFault): string {
  switch (keyword) {
    case 'required':
      return 'is required';
    case 'additionalProperties':
      return 'is unknown';
    case 'enum':
      return `must be one of ${(params['allowedValues'] as string[]).join(', ')}`;
    default:
      return message;
  }
}

function codeOf(keyword: string, schema: Record<string, unknown> | undefined): ErrorCode {
  if (keyword === 'required') return 'missing_field';
  if (keyword === 'additionalProperties' || keyword === 'unevaluatedProperties') return 'unknown_field';
  if (keyword === 'type') return 'wrong_type';
  return (schema?.['x-codes'] as Record<string, ErrorCode> | undefined)?.[keyword] ?? 'invalid_value';
}
