import { STATUS_CODES } from 'node:http';
import type { CurfewError } from '../../errors.ts';
import type { EncodedError } from '../answering.ts';
import { refusalOf } from './error-map.ts';

/**
 * A Curfew error in WAHA's format. `name` is the session that the call named, `starting` whether the call was to start
 * it: then the message for an existing session is different.
 */
export function encodeError(error: CurfewError, name: string, starting: boolean): EncodedError {
  const refusal = refusalOf[error.callCode];
  switch (refusal.kind) {
    // These two have no `error` in WAHA, only a status.
    case 'unauthorized':
      return { status: 401, body: { message: 'Unauthorized', statusCode: 401 } };
    case 'forbidden':
      return { status: 403, body: { message: 'Forbidden', statusCode: 403 } };
    case 'exists':
      return answer(
        422,
        `Session '${name}' ${starting ? 'is already started.' : 'already exists. Use PUT to update it.'}`,
      );
    // To WAHA, a session that is not started does not exist for the calls that use it.
    case 'not-started':
      return answer(
        404,
        `We didn't find a session with name '${name}'.\nPlease start it first by using POST /api/sessions/${name}/start request`,
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

/** The invalid fields and their errors, as a list of sentences. */
function reasonsOf({ facts, message }: CurfewError): string[] {
  const [field] = facts.errors ?? [];
  if (field) return [`${field.path.replace(/^\/(body|querystring|params)\/?/, '')} ${field.message}`.trim()];
  return [facts.detail ?? message];
}
