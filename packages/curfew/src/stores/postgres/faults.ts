import { CurfewError, isCurfewError } from '../../errors.ts';
import type { Row } from './codec.ts';

/** The driver's errors: an error from the server (with SQLSTATE and severity), or a fault of the connection. */
type DriverError = Error & { code?: string; severity?: string; where?: string };

/** A call was given up because no answer came in time. */
export class Overdue extends Error {}

/** A commit that the server made, but that a standby did not confirm. */
export class Unconfirmed extends Error {}

/** Classes of errors that may also end the connection: of those, only their severity says whether they do. */
const mayEndConnection = /^(08|25P|28|3D|53|57P|58|XX)/;

/** The server refused the statement and rolled it back: definite. Anything worse ends the connection as well. */
export function isRefusal(error: unknown): boolean {
  const state = sqlState(error);
  if (state === undefined) return false;
  const { severity } = error as DriverError;
  if (severity === 'ERROR') return true;
  // The server writes the severity in its own language (`lc_messages`), so an unknown word may mean ERROR.
  return severity !== 'FATAL' && severity !== 'PANIC' && !mayEndConnection.test(state);
}

/** A deadlock of two writes, or a row that changed: the server rolled one back, which may be retried. */
export function isRetryable(error: unknown): boolean {
  return isRefusal(error) && ['40P01', '40001'].includes(sqlState(error)!);
}

/** The statement was prepared when a table had other columns: refused ("cached plan must not change result type"). */
export function isOutdated(error: unknown): boolean {
  return isRefusal(error) && sqlState(error) === '0A000';
}

/** Another transaction held a lock that the statement needed, for longer than it may wait: it was rolled back. */
export function isLocked(error: unknown): boolean {
  return isRefusal(error) && sqlState(error) === '55P03';
}

/**
 * Changes that shared the call may be made one by one: what refused it is the fault of one of them. A disk without room, a
 * server that only reads and a time that ran out refuse each of them, one after the other.
 */
export function isFaultOfOne(error: unknown): boolean {
  return isRefusal(error) && !/^(53|25006|57014)/.test(sqlState(error)!);
}

/** The call was given up because it waited for a lock, or waited so long that it may have been for one. */
export function waited(error: unknown): boolean {
  return isLocked(error) || (isRefusal(error) && sqlState(error) === '57014');
}

/**
 * What failed on the way to a server, so that another way is worth a try: the server itself (unreachable, a standby,
 * starting or stopping), the manner (with or without TLS), or neither, as with a wrong password.
 */
export function failedPart(error: unknown): 'server' | 'manner' | 'neither' {
  if (isCurfewError(error)) return error.code === 'store_read_only' ? 'server' : 'neither';
  const state = sqlState(error);
  if (state !== undefined) return state === '28000' ? 'manner' : /^57P0/.test(state) ? 'server' : 'neither';
  const { message, code = '' } = error as DriverError;
  const ofTls = /does not support SSL|establishing an SSL/i.test(message) || /^(ERR_SSL|EPROTO)/.test(code);
  return ofTls ? 'manner' : 'server';
}

/** The role lacks the right to do this. */
export function isDenied(error: unknown): boolean {
  return sqlState(error) === '42501';
}

/** The server has no connection left for this role or database, or for anybody. */
export function isTooMany(error: unknown): boolean {
  return sqlState(error) === '53300';
}

function sqlState(error: unknown): string | undefined {
  const { code, severity } = (error ?? {}) as DriverError;
  return severity !== undefined && typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

/**
 * The meaning of a failed call. Once a write was sent, only the server's own refusal is definite: after any other
 * failure its commit may have been made.
 */
export function callFault(error: unknown, sent: 'write' | 'read' | 'nothing'): CurfewError {
  // A server that has become a replica meanwhile counts as unavailable.
  if (isCurfewError(error, 'store_read_only')) return new CurfewError('store_unavailable', error.facts, error);
  if (isCurfewError(error)) return error;
  const { message } = error as Error;
  if (sent === 'write' && !isRefusal(error)) {
    return new CurfewError('outcome_unknown', { detail: `PostgreSQL: ${message}.` }, error);
  }
  const state = sqlState(error);
  if (state === '53100') return new CurfewError('store_full', { detail: `${fullDisk}: ${message}.` }, error);
  if (state === '25006')
    return new CurfewError(
      'store_unavailable',
      { ...readOnly, detail: `${readOnly.detail} PostgreSQL: ${message}.` },
      error,
    );
  const why = whyOf(error as DriverError);
  return new CurfewError('store_unavailable', { detail: `PostgreSQL: ${why}.` }, error);
}

/** SQLSTATE 25006, or what a new connection shows before anything is written. */
export const readOnly = {
  detail: 'The transactions of the server are read-only.',
  remedy:
    'Nothing was changed. Set default_transaction_read_only = off for its role and database; some providers set it to on while the disk is full, so free space first.',
} as const;

/** SQLSTATE 53100. */
const fullDisk = "The disk of PostgreSQL's server is full";

/** What callers may see: neither where the server is nor whom it refused. The error's cause has that, for the log. */
function whyOf(error: DriverError): string {
  const state = sqlState(error);
  if (isLocked(error)) return `somebody else holds a lock that it needs (${error.where?.split('\n')[0]})`;
  if (state === '57014') return 'it took longer than statement_timeout allows';
  if (state?.startsWith('28')) return `it refused the login (${state})`;
  if (state === '3D000') return 'the database does not exist';
  return state === undefined && error.code ? `there is no connection to it (${error.code})` : error.message;
}

/** The error that prevents a start, with the place and never with the password. */
export function openFault(fault: unknown, place: string): CurfewError {
  const error = isCurfewError(fault) ? (fault.cause ?? fault) : fault;
  if (isCurfewError(error)) return error;
  const { message, code } = error as DriverError;
  const detail = `${place}: ${message}.`;
  switch (sqlState(error)) {
    case '28P01':
    case '28000':
      return new CurfewError('store_login_refused', { detail }, error);
    case '3D000':
      return new CurfewError('store_database_missing', { detail }, error);
    case '42501':
      return new CurfewError('store_denied', { detail }, error);
    case '25006':
      return new CurfewError('store_read_only', { detail }, error);
    case '53100':
      return new CurfewError('store_full', { detail: `${fullDisk} (${detail})` }, error);
  }
  if (code === 'ENOTFOUND') return new CurfewError('store_unavailable', { detail: `${place}: no such host.` }, error);
  if (/SASL|password must be a string/i.test(message)) {
    return new CurfewError('store_login_refused', { detail: `${place}: it asks for a password.` }, error);
  }
  return new CurfewError('store_unavailable', { detail }, error);
}

/**
 * The rows, if a primary returned them: a proxy may have replaced it with a standby since the connection was made.
 * @throws `store_unavailable` if a standby returned them
 */
export function trusted(rows: Row[]): Row[] {
  if (rows[0]?.['standby'] === true) {
    throw new CurfewError('store_unavailable', { detail: 'PostgreSQL: a standby answered; it may be behind.' });
  }
  return rows;
}
