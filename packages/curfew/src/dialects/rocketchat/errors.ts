import { type CurfewError, type ErrorCode, errors } from '../../errors.ts';
import type { EncodedError } from '../answering.ts';
import type { WrongSort } from './decode.ts';
import { type Refusal, refusalOf } from './error-map.ts';

/** Where an error occurred: the same error has different answers there. */
export type Place = 'login' | 'second-factor' | 'user' | WrongSort | 'elsewhere';

/** A Curfew error in Rocket.Chat's format. */
export function encodeError(error: CurfewError, place: Place): EncodedError {
  const refusal = ofPlace[place]?.[error.code] ?? refusalOf[error.callCode];
  switch (refusal.kind) {
    case 'unauthorized':
      return { status: 401, body: unauthorized('Unauthorized') };
    case 'not-signed-in':
      return { status: 401, body: unauthorized('You must be logged in to do this.') };
    case 'forbidden':
      return failure(403, 'User does not have the permissions required for this action [error-unauthorized]');
    case 'totp':
      return place === 'login' ? totpAtLogin(refusal, error) : totp(refusal, error);
    case 'invalid-params':
      return {
        status: 400,
        body: { success: false, errorType: 'invalid-params', error: `${reasonOf(error)} [invalid-params]` },
      };
    case 'too-many-requests':
      return failure(429, tooManyText(error.facts.retryAfter ?? 1), 'error-too-many-requests');
    case 'not-found':
      return failure(404, refusal.text);
    case 'failed':
      return failure(400, `${refusal.text} [${refusal.type}]`, refusal.type);
    case 'refused':
      return failure(400, refusal.text);
    case 'unavailable':
      return failure(errors[error.callCode].status, refusal.text);
  }
}

const ofPlace: Partial<Record<Place, Partial<Record<ErrorCode, Refusal>>>> = {
  // Rocket.Chat's own spelling.
  'second-factor': {
    too_many_attempts: { kind: 'totp', type: 'totp-max-attempts', text: 'TOTP Maximun Failed Attempts Reached' },
  },
  // As in Rocket.Chat, a user without sessions counts as unknown.
  user: {
    session_not_found: { kind: 'failed', type: 'error-invalid-user-id', text: 'Invalid user id' },
    user_id_too_long: { kind: 'failed', type: 'error-invalid-user-id', text: 'Invalid user id' },
    invalid_value: { kind: 'failed', type: 'error-invalid-user-id', text: 'Invalid user id' },
  },
  'wrong-sort': {
    invalid_value: { kind: 'failed', type: 'error-invalid-sort', text: 'Invalid sort parameter provided' },
  },
  'wrong-sort-key': { invalid_value: { kind: 'refused', text: 'error-invalid-sort-keys' } },
};

function unauthorized(text: string): object {
  return { success: false, status: 'error', error: text, message: text };
}

type TotpRefusal = Extract<Refusal, { kind: 'totp' }>;

/** Rocket.Chat's login puts the code of the error alone into `error`; its other calls put it into `errorType`. */
function totpAtLogin({ type, text }: TotpRefusal, error: CurfewError): EncodedError {
  const details = detailsOf(type, error);
  return { status: 401, body: { success: false, status: 'error', error: type, message: text, ...details } };
}

function totp({ type, text }: TotpRefusal, error: CurfewError): EncodedError {
  return failure(400, `${text} [${type}]`, type, detailsOf(type, error));
}

function detailsOf(type: TotpRefusal['type'], error: CurfewError): { details?: object } {
  if (type === 'totp-max-attempts') return {};
  const details = { method: 'totp', codeGenerated: false };
  if (type === 'totp-invalid') return { details };
  // A backup code goes into the same header, so Rocket.Chat does not list it as a method.
  const availableMethods = (error.facts.methods ?? []).filter((method) => method === 'totp');
  return { details: { ...details, availableMethods } };
}

/** The validator's message: Rocket.Chat uses the same validator, and passes its messages on. */
function reasonOf(error: CurfewError): string {
  const said = (error.cause as { validation?: { message?: string }[] } | undefined)?.validation?.[0]?.message;
  return said ?? error.facts.detail ?? 'invalid body';
}

function tooManyText(seconds: number): string {
  return `Error, too many requests. Please slow down. You must wait ${seconds} seconds before trying this endpoint again. [error-too-many-requests]`;
}

function failure(status: number, error: string, errorType?: string, more: object = {}): EncodedError {
  return { status, body: { success: false, error, ...(errorType !== undefined && { errorType }), ...more } };
}
