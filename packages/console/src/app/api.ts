import { type CallOptions, type Client, CurfewApiError, createClient } from 'curfew-client';

/** The console is served one level below the API, wherever a proxy puts both. */
const url = new URL('..', document.baseURI).href;

/** Milliseconds: a server that does not answer a question by then is treated as one that is away. */
const patience = 20_000;
/** An end may wait for the lease of a frozen application, which can be a minute. */
const patienceForChanges = 90_000;

/** To ask. */
export const api: Client = createClient({ url, timeout: patience });
/** To change something: it waits for the receipt. */
export const changes: Client = createClient({ url, timeout: patienceForChanges });

/** Where an address of the API is, for streams and for what the client does not offer. */
export const urlOf = (path: string): string => new URL(path, url).href;

export { type CallOptions, CurfewApiError };

export const isApiError = (error: unknown, ...codes: readonly string[]): error is CurfewApiError =>
  error instanceof CurfewApiError && (codes.length === 0 || codes.includes(error.code));

/** The session of this browser is no longer valid, or there is none. */
export const signedOutCodes = [
  'authentication_required',
  'session_ended',
  'session_suspended',
  'token_unknown',
  'token_malformed',
] as const;

export const isSignedOut = (error: unknown): error is CurfewApiError => isApiError(error, ...signedOutCodes);

/** The request may have had its effect, although nobody has said so. */
export const isDoubt = (error: unknown): error is CurfewApiError => isApiError(error, 'outcome_unknown', 'timeout');

/**
 * The same for a change: when the connection breaks, or a proxy answers in its place, the request may have arrived. A
 * redirect is an answer to a request that was not carried out.
 */
export const isDoubtAboutChange = (error: unknown): error is CurfewApiError =>
  isDoubt(error) || isApiError(error, 'unreachable', 'not_curfew');

/** A list cannot be read on from where it was, only from its beginning. */
export const isLostPlace = (error: unknown): boolean => isApiError(error, 'cursor_invalid', 'cursor_of_another_query');

/** Nobody answered. */
export const isAway = (error: unknown): error is CurfewApiError =>
  isApiError(error, 'unreachable', 'timeout', 'not_curfew', 'redirected');
