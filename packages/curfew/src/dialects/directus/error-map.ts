import type { CallErrorCode } from '../../errors.ts';

/*
 * The one table of this dialect: it maps each Curfew error to one of Directus's, in general or for one place. A missing
 * row does not compile.
 */

/** An error in Directus's format; its clients look for `code`. */
export type Refusal =
  | { kind: 'plain'; status: number; code: string; message: string }
  /** `reason` is set if it differs from the error's own detail. */
  | { kind: 'invalid-payload'; reason?: string }
  | { kind: 'too-many-requests' }
  | { kind: 'route-not-found' }
  | { kind: 'unavailable'; reason: string };

/** Where an error occurred, if that matters: reading an access token, signing in, changing the second factor. */
export type Place = 'access-token' | 'login' | 'factor';

const plain = (status: number, code: string, message: string): Refusal => ({ kind: 'plain', status, code, message });
const invalidPayload = (reason: string): Refusal => ({ kind: 'invalid-payload', reason });
const unavailable = (reason: string): Refusal => ({ kind: 'unavailable', reason });

const credentials = plain(401, 'INVALID_CREDENTIALS', 'Invalid user credentials.');
const otp = plain(401, 'INVALID_OTP', 'Invalid user OTP.');
const forbidden = plain(403, 'FORBIDDEN', "You don't have permission to access this.");
const payload: Refusal = { kind: 'invalid-payload' };
const notStored = unavailable('The store does not answer');
const internal = plain(500, 'INTERNAL_SERVER_ERROR', 'An unexpected error occurred.');

export const refusalAt: Record<Place, Partial<Record<CallErrorCode, Refusal>>> = {
  'access-token': { token_malformed: plain(403, 'INVALID_TOKEN', 'Invalid token.') },
  login: { second_factor_required: otp, second_factor_invalid: otp },
  factor: {
    second_factor_invalid: invalidPayload('"otp" is invalid'),
    second_factor_required: invalidPayload('TFA is not enabled for this user'),
    factor_not_enrolled: invalidPayload('No TFA secret was generated for this user'),
    factor_already_enrolled: invalidPayload('TFA Secret is already set for this user'),
  },
};

export const refusalOf: Record<CallErrorCode, Refusal> = {
  invalid_credentials: credentials,
  authentication_required: credentials,
  signed_out_meanwhile: credentials,
  account_disabled: credentials,
  token_malformed: credentials,
  token_unknown: credentials,
  widget_token_expired: credentials,
  session_ended: credentials,
  session_suspended: credentials,
  key_revoked: credentials,
  token_expired: plain(401, 'TOKEN_EXPIRED', 'Token expired.'),
  second_factor_required: otp,
  second_factor_invalid: otp,
  permission_missing: forbidden,
  preview_of_another: forbidden,
  widget_origin_refused: forbidden,
  group_missing: forbidden,
  cross_site_refused: forbidden,
  fresh_sign_in_required: forbidden,
  session_not_found: forbidden,
  alias_unknown: forbidden,
  account_not_found: forbidden,
  key_not_found: forbidden,
  named_session_not_found: forbidden,
  too_many_sessions: plain(403, 'LIMIT_EXCEEDED', 'Session limit exceeded.'),
  too_many_to_change: plain(403, 'LIMIT_EXCEEDED', 'Session limit exceeded.'),
  too_many_attempts: { kind: 'too-many-requests' },
  too_many_streams: { kind: 'too-many-requests' },
  route_not_found: { kind: 'route-not-found' },
  body_too_large: plain(413, 'CONTENT_TOO_LARGE', 'Uploaded content is too large.'),
  body_not_json: payload,
  unsupported_media_type: payload,
  missing_field: payload,
  unknown_field: payload,
  wrong_type: payload,
  invalid_value: payload,
  limit_out_of_range: payload,
  user_id_too_long: payload,
  too_many_groups: payload,
  session_data_too_large: payload,
  metadata_too_large: payload,
  cursor_invalid: payload,
  cursor_of_another_query: payload,
  preview_invalid: payload,
  preview_expired: payload,
  confirmation_required: payload,
  session_user_changed: payload,
  name_taken: payload,
  alias_taken: payload,
  named_session_exists: payload,
  named_session_stopped: payload,
  username_taken: payload,
  email_taken: payload,
  email_not_pending: payload,
  last_administrator: payload,
  factor_not_enrolled: payload,
  factor_already_enrolled: payload,
  changed_meanwhile: unavailable('It was changed by somebody else at the same moment'),
  clock_stepped_back: unavailable("The server's clock has gone back"),
  store_unavailable: notStored,
  store_full: unavailable('The store has no room left'),
  server_busy: unavailable('Too many calls are waiting for their turn'),
  outcome_unknown: unavailable('The store did not say whether the change was made'),
  shutting_down: unavailable('The server is shutting down'),
  internal,
};
