import type { CallErrorCode } from '../../errors.ts';

/*
 * The one table of this dialect: it maps each Curfew error to one of Altogic's. There are no permissions: a caller with
 * a session can only act on the sessions of its user. A missing row does not compile.
 */

/** An error in Altogic's format. `status` is set if it differs from Curfew's. */
export type Refusal = { code: string; status?: number; message?: string };

/** The errors for a missing credential; those for a session make the client drop the session that it keeps. */
export const missing = {
  key: { code: 'missing_api_key', message: 'An API key is required: Authorization, apikey or X-Client-Key.' },
  session: { code: 'missing_session_token', message: 'A session token is required in the header Session.' },
} as const;
export const invalid = {
  key: { code: 'invalid_api_key', message: 'The API key is not valid.' },
  session: { code: 'invalid_session_token', message: 'The session token is not valid: the session has ended.' },
} as const;

const credentials = {
  code: 'invalid_credentials',
  status: 400,
  message: 'The e-mail address or the password is wrong.',
};
const validation = { code: 'validation_error' } as const;
const denied = { code: 'access_denied', message: 'This is not allowed.' } as const;
const conflict = { code: 'conflict', message: 'It cannot be done in the present state.' } as const;
const unavailable = { code: 'service_unavailable', message: 'The server cannot answer now.' } as const;
const notFound = (code: string, message: string) => ({ code, message });

/** `missing` and `invalid` refer to {@link missing} and {@link invalid}, which differ for a key and a session. */
export const refusalOf: Record<CallErrorCode, Refusal | 'missing' | 'invalid'> = {
  authentication_required: 'missing',
  token_malformed: 'invalid',
  token_unknown: 'invalid',
  widget_token_expired: 'invalid',
  token_expired: 'invalid',
  key_revoked: 'invalid',
  session_ended: 'invalid',
  session_suspended: 'invalid',
  invalid_credentials: credentials,
  signed_out_meanwhile: credentials,
  account_disabled: credentials,
  second_factor_required: {
    code: 'second_factor_required',
    status: 400,
    message: 'The account has a second factor: send its code in the header x-2fa-code.',
  },
  second_factor_invalid: { code: 'second_factor_invalid', status: 400, message: 'The second factor is wrong.' },
  too_many_attempts: { code: 'too_many_requests', message: 'Too many attempts; wait for the seconds of retry-after.' },
  too_many_streams: { code: 'too_many_requests', message: 'Too many streams; wait for the seconds of retry-after.' },
  permission_missing: denied,
  preview_of_another: denied,
  widget_origin_refused: denied,
  group_missing: denied,
  fresh_sign_in_required: denied,
  cross_site_refused: denied,
  session_not_found: notFound('session_not_found', 'The user has no such session.'),
  alias_unknown: notFound('session_not_found', 'The user has no such session.'),
  named_session_not_found: notFound('session_not_found', 'There is no such session.'),
  account_not_found: notFound('user_not_found', 'There is no such user.'),
  key_not_found: notFound('key_not_found', 'There is no such key.'),
  route_not_found: notFound('endpoint_not_found', 'There is no such endpoint.'),
  body_not_json: { ...validation, message: 'The body is not a JSON object.' },
  missing_field: validation,
  unknown_field: validation,
  wrong_type: validation,
  invalid_value: validation,
  limit_out_of_range: validation,
  user_id_too_long: validation,
  too_many_groups: validation,
  session_data_too_large: validation,
  metadata_too_large: validation,
  cursor_invalid: validation,
  cursor_of_another_query: validation,
  preview_invalid: validation,
  preview_expired: validation,
  confirmation_required: validation,
  body_too_large: { ...validation, message: 'The body is too large.' },
  unsupported_media_type: { code: 'content_type_error', message: 'The content type is not supported.' },
  session_user_changed: conflict,
  name_taken: conflict,
  alias_taken: conflict,
  named_session_exists: conflict,
  named_session_stopped: conflict,
  too_many_sessions: conflict,
  too_many_to_change: conflict,
  username_taken: conflict,
  email_taken: conflict,
  email_not_pending: conflict,
  last_administrator: conflict,
  factor_not_enrolled: conflict,
  factor_already_enrolled: conflict,
  changed_meanwhile: conflict,
  clock_stepped_back: unavailable,
  store_unavailable: unavailable,
  store_full: unavailable,
  server_busy: unavailable,
  outcome_unknown: unavailable,
  shutting_down: unavailable,
  internal: { code: 'internal_error', message: 'Something went wrong in the server.' },
};
