import { confirm, input, password } from '@inquirer/prompts';
import type { Command } from 'commander';
import { type CallOptions, type Client, CurfewApiError, createClient } from 'curfew-client';
import { oneLine } from '../domain/steering.ts';
import { parseToken } from '../domain/tokens.ts';
import { readSecret } from '../start/config.ts';
import { type Credentials, readCredentials } from './credentials.ts';
import { createTerminal, jsonText, type Terminal } from './terminal.ts';

/** Options of every command. */
export type GlobalOptions = {
  url?: string;
  token?: string;
  json?: boolean;
  yes?: boolean;
  code?: string;
  wait?: 'everywhere' | 'stored';
  /** Milliseconds. */
  timeout?: number;
};

export type Context = {
  terminal: Terminal;
  client: Client;
  options: GlobalOptions;
  url: string;
  token: string | undefined;
};

/** Ends the command with an exit code; `message` is printed, unless it is empty. */
export class Stop extends Error {
  readonly code: number;
  /** The error's code and remedy, if there are any. */
  readonly error: { code?: string; remedy?: string };
  constructor(code: number, message = '', error: { code?: string; remedy?: string } = {}) {
    super(message);
    this.code = code;
    this.error = error;
  }
}

/** `nothing`: there was nothing to end or to change. */
export const exitCodes = { done: 0, failed: 1, usage: 2, unreachable: 3, nothing: 4, cancelled: 130 } as const;

export const defaultUrl = 'http://127.0.0.1:2873';

/**
 * The server to use: from the options, the environment or the last `curfew login`, or the one on this machine. The server
 * of the last login only gets the token of that login: one that was given may be for another server.
 */
export function contextOf(command: Command): Context {
  const options = command.optsWithGlobals<GlobalOptions>();
  // An empty variable counts as not set, as it does for the server.
  const named = options.url ?? (process.env['CURFEW_URL'] || undefined);
  const kept = givenToken(options) === undefined ? readCredentials() : undefined;
  const url = withoutSlash(named ?? kept?.url ?? defaultUrl);
  return { terminal: createTerminal(options.json === true), options, ...accessTo(url, options) };
}

/** A client for a server, with the token that was given, or else the one of the last `curfew login` there. */
export function accessTo(url: string, options: GlobalOptions): Pick<Context, 'client' | 'url' | 'token'> {
  const token = givenToken(options) ?? keptAt(url)?.token;
  return { client: createClient({ url, token, timeout: options.timeout }), url, token };
}

function givenToken({ token }: GlobalOptions): string | undefined {
  const { env } = process;
  return token ?? readSecret(env, 'CURFEW_TOKEN') ?? readSecret(env, 'CURFEW_API_KEY');
}

/** What the last `curfew login` kept, if that was at this server. */
export function keptAt(url: string): Credentials | undefined {
  const kept = readCredentials();
  return kept && withoutSlash(kept.url) === url ? kept : undefined;
}

const withoutSlash = (url: string) => url.replace(/\/+$/, '');

/** The id of the session that the command itself uses; `undefined` with an API key. */
export function currentSession({ token = '' }: Context): string | undefined {
  return parseToken('session', token)?.id;
}

/** The session to keep: there must be one, and an API key has none. */
export function presentSession(context: Context): string {
  const id = currentSession(context);
  if (id !== undefined) return id;
  throw new Stop(
    exitCodes.usage,
    '--except current needs a session, and this command does not use one: sign in with `curfew login`, or give an id.',
  );
}

/**
 * Makes a call. If it requires a second factor and there is a terminal, asks for a code and repeats the call. The
 * server remembers the factor for five minutes, so for many calls it asks only once.
 */
export async function withFactor<T>(context: Context, call: (options: CallOptions) => Promise<T>): Promise<T> {
  const { options, terminal } = context;
  try {
    return await call({ code: options.code });
  } catch (error) {
    if (!(error instanceof CurfewApiError) || !terminal.interactive || options.code !== undefined) throw error;
    const asks = error.code === 'second_factor_required' && (error.problem?.methods ?? []).length > 0;
    if (!asks) throw error;
    return call({ code: await askCode(context) });
  }
}

export function askCode({ url }: Context): Promise<string> {
  return ask(url, 'Code from your authenticator, or a backup code');
}

/** Asks for something that is sent to a server, which is named: it may be another one than somebody expects. */
export function ask(url: string, what: string): Promise<string> {
  return input({ message: forServer(url, what), required: true }, onStandardError);
}

/** The same for a secret, which is not shown. */
export function askSecret(url: string, what: string): Promise<string> {
  return password({ message: forServer(url, what), mask: '•' }, onStandardError);
}

function forServer(url: string, what: string): string {
  return `${what} (for ${oneLine(url)}):`;
}

/** Prompts go to standard error, so that the output can be piped. */
const onStandardError = { output: process.stderr } as const;

/** Asks before something that cannot be undone, unless `--yes` was given. */
export async function confirmed(context: Context, question: string): Promise<void> {
  const { options, terminal } = context;
  if (options.yes) return;
  if (!terminal.interactive)
    throw new Stop(exitCodes.usage, `${question} There is no terminal to ask at: repeat with --yes.`);
  if (await confirm({ message: oneLine(question), default: false }, onStandardError)) return;
  throw new Stop(exitCodes.cancelled, 'Nothing was changed.');
}

/** Prints an answer: as JSON for programs, or as the sentences that `text` makes of it for people. */
export function answer<T>({ terminal }: Context, value: T, text: (value: T) => string): void {
  if (terminal.json) terminal.out(jsonText(value, 2));
  else terminal.say(text(value));
}

/** Prints an answer whose text must keep its lines, such as a table. */
export function answerInLines<T>({ terminal }: Context, value: T, text: (value: T) => string): void {
  terminal.out(terminal.json ? jsonText(value, 2) : text(value));
}
