import { STATUS_CODES } from 'node:http';
import type { CurfewError } from '../../errors.ts';
import type { EncodedError } from '../answering.ts';
import { refusalOf } from './error-map.ts';

/**
 * One of our errors in WAHA's words. `name` is the session that the call named, `starting` whether it was to be
 * started: what exists already is told differently then.
 */
export function encodeError(error: CurfewError, name: string, starting: boolean): EncodedError {
  const refusal = refusalOf[error.callCode];
  switch (refusal.kind) {
    // These two have no `error` there: the status is all that they say.
    case 'unauthorized':
      return { status: 401, body: { message: 'Unauthorized', statusCode: 401 } };
    case 'forbidden':
      return { status: 403, body: { message: 'Forbidden', statusCode: 403 } };
    case 'exists':
      return answer(
        422,
        `Session '${name}' ${starting ? 'is already started.' : 'already exists. Use PUT to update it.'}`,
      );
    case 'invalid':
      return answer(400, reasonsOf(error));
    case 'status':
      return answer(refusal.status, refusal.text);
  }
}

function answer(status: number, message: string | readonly string[]): EncodedError {
  return { status, body: { message, error: STATUS_CODES[status], statusCode: status } };
}

/** What is wrong with which field, as a list of sentences. */
function reasonsOf({ facts, message }: CurfewError): string[] {
  const [field] = facts.errors ?? [];
  if (field) return [`${field.path.replace(/^\/(body|querystring|params)\/?/, '')} ${field.message}`.trim()];
  return [facts.detail ?? message];
}
