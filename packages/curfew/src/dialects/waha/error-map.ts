import type { Permission } from '../../domain/permissions.ts';
import type { CallErrorCode } from '../../errors.ts';

/*
 * The one table of this dialect: each of WAHA's calls requires one of Curfew's permissions, as a scope of the key, and
 * each Curfew error is mapped to one of WAHA's. A missing row does not compile.
 */

export const permissionsOf = {
  read: 'sessions.read',
  create: 'sessions.create',
  update: 'sessions.create',
  start: 'sessions.create',
  stop: 'sessions.end',
  restart: 'sessions.end',
  logout: 'sessions.end',
  delete: 'sessions.end',
} as const satisfies Record<string, Permission>;

export type Act = keyof typeof permissionsOf;

/** An error in WAHA's format: a bare status, a status with a text, or the findings of its validator. */
export type Refusal =
  | { kind: 'unauthorized' }
  | { kind: 'forbidden' }
  | { kind: 'exists' }
  | { kind: 'not-started' }
  | { kind: 'invalid' }
  | { kind: 'status'; status: 400 | 404 | 409 | 413 | 415 | 422 | 429 | 500 | 503; text: string };

const unauthorized = { kind: 'unauthorized' } as const;
const forbidden = { kind: 'forbidden' } as const;
const invalid = { kind: 'invalid' } as const;
const status = (code: Extract<Refusal, { kind: 'status' }>['status'], text: string) =>
  ({ kind: 'status', status: code, text }) as const;
const notFound = status(404, 'Session not found');
const conflict = status(409, 'Conflict');
const unavailable = status(503, 'The server cannot answer now');

export const refusalOf: Record<CallErrorCode, Refusal> = {
  authentication_required: unauthorized,
  token_malformed: unauthorized,
  token_unknown: unauthorized,
  widget_token_expired: unauthorized,
  token_expired: unauthorized,
  key_revoked: unauthorized,
  invalid_credentials: unauthorized,
  session_ended: unauthorized,
  session_suspended: unauthorized,
  permission_missing: forbidden,
  preview_of_another: forbidden,
  widget_origin_refused: forbidden,
  group_missing: forbidden,
  second_factor_required: forbidden,
  second_factor_invalid: forbidden,
  fresh_sign_in_required: forbidden,
  cross_site_refused: forbidden,
  named_session_not_found: notFound,
  session_not_found: notFound,
  alias_unknown: notFound,
  account_not_found: notFound,
  key_not_found: notFound,
  route_not_found: status(404, 'Not Found'),
  named_session_exists: { kind: 'exists' },
  named_session_stopped: { kind: 'not-started' },
  // The only field that any call requires.
  missing_field: status(422, 'Session name is required'),
  body_not_json: status(400, 'The body is not a JSON object'),
  unknown_field: invalid,
  wrong_type: invalid,
  invalid_value: invalid,
  limit_out_of_range: invalid,
  user_id_too_long: invalid,
  too_many_groups: invalid,
  session_data_too_large: invalid,
  metadata_too_large: invalid,
  cursor_invalid: invalid,
  cursor_of_another_query: invalid,
  preview_invalid: invalid,
  preview_expired: invalid,
  confirmation_required: invalid,
  body_too_large: status(413, 'The body is too large'),
  unsupported_media_type: status(415, 'The content type is not supported'),
  too_many_attempts: status(429, 'Too Many Requests'),
  too_many_streams: status(429, 'Too Many Requests'),
  changed_meanwhile: conflict,
  signed_out_meanwhile: conflict,
  session_user_changed: conflict,
  name_taken: conflict,
  alias_taken: conflict,
  too_many_sessions: conflict,
  too_many_to_change: conflict,
  account_disabled: conflict,
  username_taken: conflict,
  email_taken: conflict,
  email_not_pending: conflict,
  last_administrator: conflict,
  factor_not_enrolled: conflict,
  factor_already_enrolled: conflict,
  clock_stepped_back: unavailable,
  store_unavailable: unavailable,
  store_full: unavailable,
  server_busy: unavailable,
  outcome_unknown: unavailable,
  shutting_down: unavailable,
  internal: status(500, 'Internal server error'),
};
