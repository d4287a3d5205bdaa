import type { Permission } from '../../domain/permissions.ts';
import type { CallErrorCode } from '../../errors.ts';

/*
 * The one table of this dialect: it maps each of Rocket.Chat's permissions to one of Curfew's, and each Curfew error to
 * one of Rocket.Chat's. A missing row does not compile.
 */

export const permissionsOf = {
  'view-device-management': 'sessions.read',
  'logout-device-management': 'sessions.end',
  'logout-other-user': 'sessions.end',
} as const satisfies Record<string, Permission>;

/** An error in Rocket.Chat's format. Its clients look for `[text]`. */
export type Refusal =
  | { kind: 'unauthorized' }
  | { kind: 'not-signed-in' }
  | { kind: 'forbidden' }
  | { kind: 'totp'; type: 'totp-required' | 'totp-invalid' | 'totp-max-attempts'; text: string }
  | { kind: 'invalid-params' }
  | { kind: 'too-many-requests' }
  | { kind: 'not-found'; text: string }
  | { kind: 'failed'; type: string; text: string }
  | { kind: 'refused'; text: string }
  | { kind: 'unavailable'; text: string };

const notSignedIn = { kind: 'not-signed-in' } as const;
const invalidParams = { kind: 'invalid-params' } as const;
const unavailable = { kind: 'unavailable', text: 'The server cannot answer now' } as const;
const failed = (type: string, text: string) => ({ kind: 'failed', type, text }) as const;

export const refusalOf: Record<CallErrorCode, Refusal> = {
  invalid_credentials: { kind: 'unauthorized' },
  signed_out_meanwhile: { kind: 'unauthorized' },
  account_disabled: { kind: 'unauthorized' },
  authentication_required: notSignedIn,
  token_malformed: notSignedIn,
  token_unknown: notSignedIn,
  widget_token_expired: notSignedIn,
  token_expired: notSignedIn,
  session_ended: notSignedIn,
  session_suspended: notSignedIn,
  key_revoked: notSignedIn,
  permission_missing: { kind: 'forbidden' },
  preview_of_another: { kind: 'forbidden' },
  widget_origin_refused: { kind: 'forbidden' },
  group_missing: { kind: 'forbidden' },
  cross_site_refused: { kind: 'forbidden' },
  fresh_sign_in_required: { kind: 'forbidden' },
  second_factor_required: { kind: 'totp', type: 'totp-required', text: 'TOTP Required' },
  second_factor_invalid: { kind: 'totp', type: 'totp-invalid', text: 'TOTP Invalid' },
  too_many_attempts: { kind: 'too-many-requests' },
  too_many_streams: { kind: 'too-many-requests' },
  session_not_found: { kind: 'not-found', text: 'Session not found' },
  alias_unknown: { kind: 'not-found', text: 'Session not found' },
  account_not_found: { kind: 'not-found', text: 'User not found' },
  key_not_found: { kind: 'not-found', text: 'Not found' },
  named_session_not_found: { kind: 'not-found', text: 'Not found' },
  route_not_found: { kind: 'not-found', text: 'Not found' },
  body_not_json: invalidParams,
  missing_field: invalidParams,
  unknown_field: invalidParams,
  wrong_type: invalidParams,
  invalid_value: invalidParams,
  limit_out_of_range: invalidParams,
  user_id_too_long: invalidParams,
  too_many_groups: invalidParams,
  session_data_too_large: invalidParams,
  metadata_too_large: invalidParams,
  cursor_invalid: invalidParams,
  cursor_of_another_query: invalidParams,
  preview_invalid: invalidParams,
  preview_expired: invalidParams,
  confirmation_required: invalidParams,
  body_too_large: invalidParams,
  unsupported_media_type: invalidParams,
  too_many_sessions: failed('error-too-many-sessions', 'Too many sessions'),
  too_many_to_change: failed('error-too-many-sessions', 'Too many sessions'),
  session_user_changed: failed('error-session-user-changed', 'The session belongs to another user'),
  name_taken: failed('error-name-taken', 'Name taken'),
  alias_taken: failed('error-not-allowed', 'Not allowed'),
  named_session_exists: failed('error-name-taken', 'Name taken'),
  named_session_stopped: failed('error-not-allowed', 'Not allowed'),
  username_taken: failed('error-field-unavailable', 'Username is already in use'),
  email_taken: failed('error-field-unavailable', 'Email is already in use'),
  email_not_pending: failed('error-field-unavailable', 'Email is not waiting to be confirmed'),
  last_administrator: failed('error-not-allowed', 'Not allowed'),
  factor_not_enrolled: failed('error-not-allowed', 'Not allowed'),
  factor_already_enrolled: failed('error-not-allowed', 'Not allowed'),
  changed_meanwhile: failed('error-conflict', 'Changed meanwhile'),
  clock_stepped_back: unavailable,
  store_unavailable: unavailable,
  store_full: unavailable,
  server_busy: unavailable,
  outcome_unknown: unavailable,
  shutting_down: unavailable,
  internal: { kind: 'unavailable', text: 'Internal server error' },
};
