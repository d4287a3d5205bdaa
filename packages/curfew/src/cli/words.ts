import type { ApiErrorCode, CurfewApiError } from 'curfew-client';
import type { CurfewError } from '../errors.ts';

/*
 * The server's errors name fields and headers of a request. Users of the command line know options instead: these are
 * their names, and the remedies for errors that are different at the command line.
 */

/** The options and arguments that fill the fields of requests, by the name of the field. */
const options: Readonly<Record<string, string>> = {
  userId: '<user>',
  user: '--user',
  group: '--group',
  ip: '--ip',
  filter: '--filter',
  name: '<name>',
  limit: '--limit',
  cursor: '--cursor',
  except: '--except',
  actor: '--actor',
  add: '<groups>',
  remove: '<groups>',
  sessionId: '--session',
  email: '--email',
  username: '<username>',
  token: '--session-token',
  refreshToken: '--refresh-token',
};

const remedies: Partial<Record<ApiErrorCode, string>> = {
  invalid_value: 'Give a value within the bounds that the message names; `--help` lists the options.',
  wrong_type: 'Give a value of the kind that the message names; `--help` lists the options.',
  cursor_of_another_query: 'Repeat the command with the options that it had when it gave the cursor.',
  authentication_required: 'Sign in with `curfew login`, or give an API key with --token or CURFEW_API_KEY.',
  second_factor_required:
    'Give a code with --code. If the account has no second factor, enrol one first: `curfew accounts totp`.',
  second_factor_invalid: 'Give the current, unused code of the authenticator with --code, or an unused backup code.',
  unreachable: 'Check the URL, and whether the server runs. `--url` or CURFEW_URL names another one.',
  permission_missing: 'Ask an administrator for the permission or the key scope that the message names.',
  factor_not_enrolled: 'Enrol one with `curfew accounts totp`.',
  factor_already_enrolled: 'Remove it first with `curfew accounts totp --remove`.',
  fresh_sign_in_required: 'Sign in again with `curfew login`, or give a code with --code.',
};

/** What to do about an error at the command line. */
export function remedyOf({ code, remedy }: CurfewApiError | CurfewError): string {
  // The API has the message in a field.
  return remedies[code as ApiErrorCode] ?? remedy.replace('`detail`', 'the message');
}

/** Replaces the fields in a server's message, such as `/querystring/ip` or `/body/userId`, with options. */
export function inOptions(message: string): string {
  return message.replace(
    /\/(?:querystring|query|body|params)\/(\w+)/g,
    (whole, name: string) => options[name] ?? whole,
  );
}
