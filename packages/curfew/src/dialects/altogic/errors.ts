import { type CurfewError, errors } from '../../errors.ts';
import type { EncodedError } from '../answering.ts';
import { invalid, missing, type Refusal, refusalOf } from './error-map.ts';

/** The credential that an error is about: the application's key, or the user's session. */
export type Place = 'key' | 'session';

/** A Curfew error in Altogic's format. */
export function encodeError(error: CurfewError, place: Place): EncodedError {
  const row = refusalOf[error.callCode];
  const refusal: Refusal = row === 'missing' ? missing[place] : row === 'invalid' ? invalid[place] : row;
  const status = refusal.status ?? errors[error.callCode].status;
  const origin = status >= 500 ? 'server_error' : 'client_error';
  const message = refusal.message ?? error.facts.detail ?? 'A value is not allowed.';
  return { status, body: { errors: [{ origin, code: refusal.code, message }] } };
}
