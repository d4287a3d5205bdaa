import { count, plural } from '../forms.ts';

/** What is wrong, by the code of the error, and what to do about it on this page. */
type Told = { title: string; text?: string };

const told: Readonly<Record<string, Told>> = {
  invalid_credentials: { title: 'The user name or the password is wrong.' },
  second_factor_invalid: {
    title: 'That code is wrong, or has already been used.',
    text: 'Enter the one that is shown now.',
  },
  second_factor_required: { title: 'A code is required.' },
  fresh_sign_in_required: { title: 'This requires a fresh sign-in.' },
  permission_missing: { title: 'Your account may not do this.', text: 'An administrator can give you the permission.' },
  session_not_found: {
    title: 'There is no such session.',
    text: 'The link may be mistyped. A session that ended long ago is no longer kept.',
  },
  account_not_found: { title: 'There is no such account.', text: 'It may have been deleted.' },
  key_not_found: { title: 'There is no such API key.' },
  named_session_not_found: { title: 'There is no such named session.', text: 'It may have been deleted.' },
  named_session_exists: { title: 'A named session with this name already exists.' },
  named_session_stopped: { title: 'The named session is stopped.', text: 'Start it first.' },
  name_taken: { title: 'This name is in use.' },
  username_taken: { title: 'This user name is in use.' },
  email_taken: { title: 'This e-mail address is in use.' },
  email_not_pending: {
    title: 'This address is not waiting to be confirmed.',
    text: 'Refresh: it may have changed.',
  },
  last_administrator: {
    title: 'The last administrator cannot be changed like this.',
    text: 'Make another account an administrator first.',
  },
  factor_not_enrolled: { title: 'No second factor is set up.' },
  factor_already_enrolled: { title: 'A second factor is already set up.' },
  changed_meanwhile: { title: 'Somebody else changed it at the same time.', text: 'Refresh, and try again.' },
  cursor_invalid: { title: 'This list has changed too much to continue.', text: 'Start again from the beginning.' },
  cursor_of_another_query: {
    title: 'This list has changed too much to continue.',
    text: 'Start again from the beginning.',
  },
  preview_expired: { title: 'This count is too old.', text: 'Count again. What has ended stays ended.' },
  preview_invalid: { title: 'This count is no longer valid.', text: 'Count again. What has ended stays ended.' },
  preview_of_another: { title: 'This count was made by somebody else.', text: 'Count again yourself.' },
  invalid_value: { title: 'A value is not allowed.' },
  missing_field: { title: 'Something is missing.' },
  too_many_groups: { title: 'A session can have at most 100 access groups.' },
  user_id_too_long: { title: 'The user id is too long.', text: 'It can have at most 255 bytes.' },
  too_many_streams: { title: 'Too many pages are following the events.', text: 'Close one of them.' },
  outcome_unknown: {
    title: 'The server does not know whether this took effect.',
    text: 'Refresh before you repeat it. Ending something twice is safe.',
  },
  timeout: {
    title: 'The server did not answer in time.',
    text: 'A change may have taken effect. Refresh before you repeat it; ending something twice is safe.',
  },
  unreachable: { title: 'The server cannot be reached.', text: 'Check your connection. Nothing on this page is lost.' },
  not_curfew: { title: 'Something other than Curfew answered.', text: 'A proxy in between may be the reason.' },
  redirected: { title: 'Something other than Curfew answered.', text: 'A proxy in between may be the reason.' },
  store_unavailable: { title: 'The store is not answering.', text: 'Nothing was changed. Try again in a moment.' },
  store_full: { title: 'The store has no room left.', text: 'Nothing was changed, and nothing was lost.' },
  server_busy: { title: 'The server is busy.', text: 'Nothing was changed. Try again in a moment.' },
  shutting_down: { title: 'The server is shutting down.', text: 'Try again in a moment.' },
  clock_stepped_back: { title: 'The server’s clock has gone back.', text: 'Sessions can still be ended.' },
  cross_site_refused: {
    title: 'The server took this for a request from another site.',
    text: 'A proxy in between may change the host name; see its settings.',
  },
  internal: { title: 'Something went wrong in the server.', text: 'Its log has the details under the request’s id.' },
};

export const problems = {
  told,
  /** Of a change to which nobody answered. */
  mayHaveTaken: 'The change may have taken effect. Refresh before you repeat it; ending something twice is safe.',
  tooMany: (seconds: number | undefined) =>
    seconds === undefined
      ? 'Too many attempts. Wait a while.'
      : `Too many attempts. Wait ${seconds < 120 ? plural(seconds, '1 second', `${count(seconds)} seconds`) : `${count(Math.ceil(seconds / 60))} minutes`}.`,
  fault: {
    title: 'Something went wrong on this page.',
    text: 'Reload it. If that does not help, the server’s version may have changed.',
  },
};
