/*
 * The only registry of Curfew's errors. The API, the OpenAPI document, the dialects and `docs/errors.md` derive from
 * it. `title` says what is wrong, `remedy` what to do about it; neither contains a secret.
 */

type Entry = { status: number; title: string; remedy: string };

/** What a call can be answered with. Each dialect has its own answer for each of these. */
export const callErrors = {
  // The request itself
  body_not_json: {
    status: 400,
    title: 'The body is not valid JSON',
    remedy: 'Send one JSON object with `content-type: application/json`.',
  },
  missing_field: {
    status: 400,
    title: 'A required field is missing',
    remedy: 'Add the field that `errors` names.',
  },
  unknown_field: {
    status: 400,
    title: 'A field is unknown',
    remedy: 'Remove or rename the field that `errors` names. Unknown fields are never ignored.',
  },
  wrong_type: {
    status: 400,
    title: 'A value has the wrong type',
    remedy: 'Send the type that `errors` names for the field.',
  },
  invalid_value: {
    status: 400,
    title: 'A value is not allowed',
    remedy: 'Send a value within the bounds that `errors` or `detail` names.',
  },
  limit_out_of_range: {
    status: 400,
    title: 'The page limit is out of range',
    remedy: 'Ask for 1 to 100 items per page and follow `nextCursor` for more.',
  },
  user_id_too_long: {
    status: 400,
    title: 'The user id is too long',
    remedy: 'Use an id of 1 to 255 bytes in UTF-8.',
  },
  too_many_groups: {
    status: 400,
    title: 'Too many access groups',
    remedy: 'Give a session at most 100 access groups.',
  },
  metadata_too_large: {
    status: 400,
    title: 'The metadata is too large',
    remedy: 'Keep the metadata within 4,096 bytes of JSON and 8 levels of nesting.',
  },
  session_data_too_large: {
    status: 400,
    title: 'The data of the session is too large',
    remedy: 'Keep at most 65,536 bytes with a session, and the rest in a database.',
  },
  cursor_invalid: {
    status: 400,
    title: 'The cursor is invalid',
    remedy: 'Pass `nextCursor` of the previous page unchanged, or no cursor for the first page.',
  },
  cursor_of_another_query: {
    status: 400,
    title: 'The cursor belongs to another query',
    remedy: 'Repeat the filters and the order of the page that returned this cursor, or start again without a cursor.',
  },
  preview_invalid: {
    status: 400,
    title: 'The preview is invalid',
    remedy: 'Pass `preview` of the latest answer unchanged, or count the sessions again.',
  },
  preview_expired: {
    status: 410,
    title: 'The preview has expired',
    remedy: 'Count the sessions again. What was ended with the preview stays ended.',
  },
  confirmation_required: {
    status: 400,
    title: 'Ending everybody requires a confirmation',
    remedy: 'Send `{"confirm": "everyone"}`.',
  },
  body_too_large: {
    status: 413,
    title: 'The body is too large',
    remedy: 'Send a body of at most 64 KiB.',
  },
  unsupported_media_type: {
    status: 415,
    title: 'The content type is not supported',
    remedy: 'Send JSON with `content-type: application/json`.',
  },
  route_not_found: {
    status: 404,
    title: 'There is no such route',
    remedy: 'See /docs for the routes and their methods.',
  },

  // Authentication and permissions
  authentication_required: {
    status: 401,
    title: 'Sign in first',
    remedy: 'Send `Authorization: Bearer` with an API key or a session token, or the session cookie.',
  },
  invalid_credentials: {
    status: 401,
    title: 'The user name or the password is wrong',
    remedy: 'Check both and try again. An administrator can set a new password.',
  },
  token_malformed: {
    status: 401,
    title: 'The token is mistyped or cut off',
    remedy: 'Copy the whole token, from its prefix to its last character.',
  },
  token_unknown: {
    status: 401,
    title: 'The token is not valid',
    remedy: 'Sign in again, or use the newest token. A sign-in or a refresh replaces the previous one.',
  },
  widget_token_expired: {
    status: 401,
    title: 'The widget token has expired',
    remedy: 'Ask the application for a new one.',
  },
  token_expired: {
    status: 401,
    title: 'The access token has expired',
    remedy: 'Get a new one with the refresh token.',
  },
  session_ended: {
    status: 401,
    title: 'The session has ended',
    remedy: 'Sign in again.',
  },
  session_suspended: {
    status: 401,
    title: 'The session is suspended',
    remedy: 'Start its named session again, or sign in again.',
  },
  key_revoked: {
    status: 401,
    title: 'The API key is revoked',
    remedy: 'Use another key; `curfew keys create` makes one.',
  },
  signed_out_meanwhile: {
    status: 409,
    title: "The user's sessions were ended while this one was being created",
    remedy: 'Sign in again.',
  },
  permission_missing: {
    status: 403,
    title: 'The permission for this is missing',
    remedy: 'Ask an administrator for the permission or the key scope that `detail` names.',
  },
  widget_origin_refused: {
    status: 403,
    title: 'The widget token belongs to pages of another origin',
    remedy: 'Use it only on pages of the origin that it was made for.',
  },
  preview_of_another: {
    status: 403,
    title: 'The preview belongs to another caller',
    remedy: 'Count the sessions yourself. Only the caller that counted them can end them with the preview.',
  },
  group_missing: {
    status: 403,
    title: 'The session is not in the access group that is required here',
    remedy: 'Ask an administrator for the access group that `detail` names.',
  },
  second_factor_required: {
    status: 403,
    title: 'A second factor is required',
    remedy:
      'Send a code in the header `x-2fa-code`. If no factor is enrolled, enrol one first (`curfew accounts totp`).',
  },
  second_factor_invalid: {
    status: 403,
    title: 'The second factor is wrong',
    remedy: 'Send the current, unused code of the authenticator, or an unused backup code.',
  },
  fresh_sign_in_required: {
    status: 403,
    title: 'This requires a fresh sign-in',
    remedy: 'Sign in again within the last 15 minutes, or send a code in the header `x-2fa-code`.',
  },
  cross_site_refused: {
    status: 403,
    title: 'Cross-site requests may not use the session cookie here',
    remedy: 'Send the request from the page that the server itself serves, or use a bearer token.',
  },
  too_many_attempts: {
    status: 429,
    title: 'Too many attempts',
    remedy: 'Wait for the seconds that `retry-after` names.',
  },
  too_many_streams: {
    status: 429,
    title: 'Too many streams are open',
    remedy:
      'Close streams that are not needed any more, or try again after the seconds that `retry-after` names. A verifier ' +
      'tries again by itself; if more are needed, give the applications separate keys, or run more servers.',
  },

  // What the request names
  session_not_found: {
    status: 404,
    title: 'There is no such session',
    remedy: 'Check the id or token, and whose it is; a session that ended long ago is no longer kept.',
  },
  name_taken: {
    status: 409,
    title: 'The session name is in use',
    remedy: 'End the session that has the name, or choose another name.',
  },
  session_user_changed: {
    status: 409,
    title: 'The session belongs to another user',
    remedy: 'Begin a new session when another user signs in: `request.session.regenerate` in Express.',
  },
  alias_taken: {
    status: 409,
    title: 'An alias belongs to another session',
    remedy: 'Sign the user in anew, without the alias. It is free again once its ended session is no longer kept.',
  },
  alias_unknown: {
    status: 404,
    title: 'There is no session with that alias',
    remedy: 'Let the user sign in. The session is no longer kept, or the alias was exchanged for tokens some time ago.',
  },
  named_session_not_found: {
    status: 404,
    title: 'There is no such named session',
    remedy: 'Create it with `POST /v1/named-sessions`, or check its name.',
  },
  named_session_exists: {
    status: 409,
    title: 'The named session exists already',
    remedy: 'Change it with `PUT /v1/named-sessions/{name}`.',
  },
  named_session_stopped: {
    status: 409,
    title: 'The named session is stopped',
    remedy: 'Start it first.',
  },
  too_many_sessions: {
    status: 409,
    title: 'The user has as many sessions as the policy allows',
    remedy: 'End one of them first, or let the policy replace the oldest.',
  },
  too_many_to_change: {
    status: 409,
    title: 'The user has too many sessions to change at once',
    remedy: 'End some of them first, or change one at a time: `sessionId` names it. Nothing was changed.',
  },
  account_not_found: {
    status: 404,
    title: 'There is no such account',
    remedy: 'Check the id; `curfew accounts list` shows them.',
  },
  account_disabled: {
    status: 409,
    title: 'The account is disabled',
    remedy: 'Enable the account first.',
  },
  username_taken: {
    status: 409,
    title: 'The user name is in use',
    remedy: 'Choose another user name.',
  },
  email_taken: {
    status: 409,
    title: 'The e-mail address is in use',
    remedy: 'Choose another address.',
  },
  email_not_pending: {
    status: 409,
    title: 'No change to that address is pending',
    remedy: 'Read the account, and confirm the address in its `pendingEmail`.',
  },
  last_administrator: {
    status: 409,
    title: 'The last administrator cannot be changed like this',
    remedy:
      'Make another account an administrator first: without one, nobody could get in. `curfew accounts recover` lets one in again.',
  },
  factor_not_enrolled: {
    status: 409,
    title: 'No second factor is enrolled',
    remedy: 'Enrol one with `POST /v1/accounts/{id}/totp`.',
  },
  factor_already_enrolled: {
    status: 409,
    title: 'A second factor is enrolled already',
    remedy: 'Remove it first with `DELETE /v1/accounts/{id}/totp`.',
  },
  key_not_found: {
    status: 404,
    title: 'There is no such API key',
    remedy: 'Check the id; `curfew keys list` shows them.',
  },
  changed_meanwhile: {
    status: 409,
    title: 'It was changed by somebody else at the same moment',
    remedy: 'Read it again and repeat the request.',
  },

  // The server and its store
  clock_stepped_back: {
    status: 503,
    title: "The server's clock has gone back",
    remedy:
      'Correct the clock. If it is correct now, restart the server; with an embedded store, run `curfew doctor --mend-time` first. Sessions can still be ended. Nothing was changed.',
  },
  store_unavailable: {
    status: 503,
    title: 'The store does not answer',
    remedy: 'Nothing was changed. Try again; `curfew doctor` says what is wrong.',
  },
  store_full: {
    status: 503,
    title: 'The store has no room left',
    remedy:
      'Free space on its disk (of a Redis that has used up its memory: raise maxmemory) and try again. Nothing was changed, and nothing acknowledged was lost.',
  },
  server_busy: {
    status: 503,
    title: 'Too many calls are waiting for their turn',
    remedy: 'Try again after the seconds that `retry-after` names. Nothing was changed.',
  },
  outcome_unknown: {
    status: 503,
    title: 'The store did not say whether the change was made',
    remedy:
      'Repeat the request: an end or a change takes effect once. A creation may have been made already: look for it first.',
  },
  shutting_down: {
    status: 503,
    title: 'The server is shutting down',
    remedy: 'Try again at once. Another server will answer, or this one after its restart.',
  },
  internal: {
    status: 500,
    title: 'Something went wrong in the server',
    remedy: 'Nothing is known to have changed. The log holds the details under the id in `instance`.',
  },
} as const satisfies Record<string, Entry>;

/**
 * What stops a server, a command on a store or a verifier's stream. If a store turns out to be like that while the
 * server runs, a dialect answers that it is unavailable.
 */
export const processErrors = {
  // The fence
  fence_version: {
    status: 400,
    title: 'The verifier speaks another version of the protocol',
    remedy: 'Use the version of `curfew-client` that belongs to the server.',
  },
  fence_protocol: {
    status: 400,
    title: 'The verifier broke the protocol',
    remedy: 'Use `curfew-client`. A verifier of your own must follow docs/fence.',
  },

  // Starting up
  config_invalid: {
    status: 500,
    title: 'A setting is wrong',
    remedy: 'Correct the setting that `detail` names; `curfew serve --help` lists them.',
  },
  port_in_use: {
    status: 500,
    title: 'The port is in use',
    remedy: 'Stop the program that uses it, or choose another with CURFEW_PORT (0 picks a free one).',
  },
  clock_differs: {
    status: 500,
    title: "This machine's clock and the store's differ",
    remedy:
      'Let a time service set both clocks; CURFEW_MAX_CLOCK_OFFSET says how far they may differ. Sessions end by the clock of the store.',
  },
  secret_key_missing: {
    status: 500,
    title: 'The secret key of the store is missing',
    remedy:
      'Restore the file that the store was used with (secret.key in its folder), or set CURFEW_SECRET_KEY or CURFEW_SECRET_KEY_FILE. If the key is lost, `curfew secret-key replace` explains what is lost with it.',
  },
  secret_key_differs: {
    status: 500,
    title: 'The secret key is not the one this store was used with',
    remedy:
      'Start with that key (CURFEW_SECRET_KEY, or secret.key in the folder of an embedded store): with another key, authenticators and backup codes stop working. `curfew secret-key replace` changes the key deliberately.',
  },
  store_not_writable: {
    status: 500,
    title: 'The data folder cannot be written',
    remedy: 'Give the user that runs Curfew the right to write there, or choose another folder with CURFEW_STORE.',
  },
  store_login_refused: {
    status: 500,
    title: 'The store refused the user name or the password',
    remedy: 'Correct them in CURFEW_STORE; special characters are written as %xx.',
  },
  store_database_missing: {
    status: 500,
    title: 'The database does not exist',
    remedy: 'Create it (`createdb`), or correct its name in CURFEW_STORE.',
  },
  store_denied: {
    status: 500,
    title: 'The store denies a permission that Curfew needs',
    remedy:
      'Allow the user in CURFEW_STORE to create a schema in the database, or make that user the owner of the existing schema.',
  },
  store_read_only: {
    status: 500,
    title: 'The store is read-only',
    remedy: 'Name the primary in CURFEW_STORE. A replica may not know yet which sessions have ended.',
  },
  store_linked: {
    status: 500,
    title: 'A file of the store is a link',
    remedy:
      'Remove the link, or put the file itself there. In a folder of another user no link is followed, because it may lead to any file.',
  },
  store_in_use: {
    status: 500,
    title: 'Another process has the store open',
    remedy:
      'Stop that process: an embedded store can be open in one process only. For several servers, use PostgreSQL or Redis.',
  },
  store_unsafe: {
    status: 500,
    title: 'The settings of the store would lose sessions',
    remedy: 'Change what `detail` names in the store itself; docs/redis.md and docs/postgres.md list what it must be.',
  },
  store_version: {
    status: 500,
    title: 'The store was written by another version',
    remedy: 'Run the version that `detail` names.',
  },
  store_outdated: {
    status: 500,
    title: 'The store was written by an earlier version',
    remedy:
      'Read it with the version that wrote it, or upgrade it first: start a server of this version, or run `curfew migrate`.',
  },
  servers_running: {
    status: 500,
    title: 'Servers are running on the store',
    remedy:
      'Stop the servers while this runs. An export can also be made from a Redis that was started on a copy of its files, or from a promoted replica.',
  },
  store_not_empty: {
    status: 500,
    title: 'The store is not empty',
    remedy: 'Import into an unused store: another folder, database or schema.',
  },
  export_not_written: {
    status: 500,
    title: 'The file of the export cannot be written',
    remedy: 'Name a file that does not exist yet, on a disk that can be written, with --output; then export again.',
  },
  export_damaged: {
    status: 500,
    title: 'The export is damaged or incomplete',
    remedy: 'Export again and copy the whole file. Nothing was imported.',
  },
  import_option: {
    status: 500,
    title: 'An option of the import is wrong',
    remedy: 'Correct the option that `detail` names; `curfew import --help` lists them.',
  },
  source_unreachable: {
    status: 500,
    title: 'The store to import from cannot be reached',
    remedy:
      'Check the address in --from or CURFEW_IMPORT_FROM, and that its server runs. Then run the same command again: what was imported is not imported twice.',
  },
  source_refused: {
    status: 500,
    title: 'The store to import from refused the user name, the password or a permission',
    remedy:
      'Correct them in --from or CURFEW_IMPORT_FROM; special characters are written as %xx. The import needs only the right to read.',
  },
  source_unreadable: {
    status: 500,
    title: 'The store to import from has no such sessions',
    remedy: 'Check the database in --from or CURFEW_IMPORT_FROM, and name the table of the sessions with --table.',
  },
  imported_before: {
    status: 500,
    title: 'Importing again might bring back sessions that have ended here',
    remedy:
      'Import again within CURFEW_KEEP_ENDED only, as long as ended sessions are remembered, and not after everybody was signed out. If nobody has used the imported sessions yet, add --again.',
  },
  store_damaged: {
    status: 500,
    title: 'The store is damaged',
    remedy: 'Restore the folder from a backup and then end all sessions once, or move the folder away to start empty.',
  },
} as const satisfies Record<string, Entry>;

export const errors = { ...callErrors, ...processErrors } as const;

export type CallErrorCode = keyof typeof callErrors;
export type ErrorCode = keyof typeof errors;

/** What an error contains besides its code; nothing here is secret. */
export type ErrorFacts = {
  /** One sentence about this case: what was wrong, with which value. */
  detail?: string;
  /** What to do about it, if more is known than in general. */
  remedy?: string | undefined;
  /** The fields at fault, as JSON pointers. */
  errors?: readonly { path: string; message: string }[];
  /** Second factors that the caller can use: `totp`, `backup_code`; empty if none is enrolled. */
  methods?: readonly string[];
  /** Seconds to wait. */
  retryAfter?: number;
  /** Why a session ended. */
  reason?: string;
};

/**
 * An error of the registry above. `cause` is for the log. If it is Fastify's list of what is wrong with a request,
 * callers see the first entry.
 */
export class CurfewError extends Error {
  override readonly name = 'CurfewError';
  readonly code: ErrorCode;
  readonly facts: ErrorFacts;

  constructor(code: ErrorCode, facts: ErrorFacts = {}, cause?: unknown) {
    super(facts.detail ? `${errors[code].title}: ${facts.detail}` : errors[code].title, { cause });
    this.code = code;
    this.facts = facts;
  }

  /** The code to answer a call with. */
  get callCode(): CallErrorCode {
    return this.code in callErrors ? (this.code as CallErrorCode) : 'store_unavailable';
  }

  get status(): number {
    return errors[this.code].status;
  }

  get remedy(): string {
    return this.facts.remedy ?? errors[this.code].remedy;
  }
}

/** Whether an error is a `CurfewError` and, if codes are given, has one of them. */
export function isCurfewError(error: unknown, ...codes: ErrorCode[]): error is CurfewError {
  return error instanceof CurfewError && (codes.length === 0 || codes.includes(error.code));
}

/** What a public report says of an error, without the message of one that is not a `CurfewError`. */
export function publicFacts(error: unknown): { detail: string; remedy?: string } {
  return isCurfewError(error) ? { detail: error.message, remedy: error.remedy } : { detail: 'It failed unexpectedly.' };
}
