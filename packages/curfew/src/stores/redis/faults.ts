import { ClientClosedError, ClientOfflineError, ErrorReply } from '@redis/client';
import { CurfewError, type ErrorCode, isCurfewError } from '../../errors.ts';

/**
 * Errors with which Redis refuses a command, by their first word. All of these come before the command or the script
 * has changed anything. Any other error means that the data is not what a script expects.
 */
const refusals: Readonly<Record<string, ErrorCode>> = {
  READONLY: 'store_unavailable',
  LOADING: 'store_unavailable',
  BUSY: 'store_unavailable',
  MISCONF: 'store_unavailable',
  MASTERDOWN: 'store_unavailable',
  NOREPLICAS: 'store_unavailable',
  CLUSTERDOWN: 'store_unavailable',
  NOAUTH: 'store_unavailable',
  WRONGPASS: 'store_unavailable',
  NOPERM: 'store_unavailable',
  NOSCRIPT: 'store_unavailable',
};

/**
 * The meaning of a failed command. A command that was sent and not answered may have been executed, unless it only
 * reads and so cannot have changed anything.
 */
export function commandFault(error: unknown, writes: boolean): CurfewError {
  if (isCurfewError(error)) return error;
  const { message } = error as Error;
  if (error instanceof ErrorReply) {
    const word = /^[A-Z]+/.exec(message)?.[0] ?? '';
    if (word === 'OOM') {
      return new CurfewError('store_full', { detail: `Redis has used up its maxmemory, and says: ${message}` }, error);
    }
    // Redis reports this for its append-only file; for a failed snapshot it does not give the reason.
    const noSpace = word === 'MISCONF' && /no space left/i.test(message);
    const code = noSpace ? 'store_full' : (refusals[word] ?? 'store_damaged');
    const what = word === 'MISCONF' ? 'Redis cannot write its disk, and says' : 'Redis says';
    return new CurfewError(code, { detail: `${what}: ${message}` }, error);
  }
  if (error instanceof ClientOfflineError || error instanceof ClientClosedError) {
    return offlineFault(error);
  }
  const detail = `The connection to Redis broke before it answered: ${message}.`;
  return new CurfewError(writes ? 'outcome_unknown' : 'store_unavailable', { detail }, error);
}

/** The same for an answer that did not arrive in time. */
export function lateFault(writes: boolean, milliseconds: number): CurfewError {
  const detail = `Redis did not answer within ${milliseconds} ms.`;
  return new CurfewError(writes ? 'outcome_unknown' : 'store_unavailable', { detail });
}

/** Why no connection could be made, for the start of a server. */
export function connectFault(error: unknown, location: string): CurfewError {
  if (isCurfewError(error)) return error;
  const { message, code } = error as Error & { code?: string };
  const said = message || code || 'no answer';
  if (refusesLogin(message)) {
    return new CurfewError('store_login_refused', { detail: `${location} says: ${said}.` }, error);
  }
  return new CurfewError('store_unavailable', { detail: `${location}: ${said}.` }, error);
}

/** Whether an error means that the user or the password is wrong, or that the user lacks a right. */
export function refusesLogin(message: string): boolean {
  return /WRONGPASS|NOAUTH|NOPERM|AUTH/.test(message);
}

/** There is no connection, so nothing was sent. */
export function offlineFault(cause?: unknown): CurfewError {
  return new CurfewError('store_unavailable', { detail: 'There is no connection to Redis at the moment.' }, cause);
}

export function closedError(): CurfewError {
  return new CurfewError('store_unavailable', { detail: 'The store is closed.' });
}
