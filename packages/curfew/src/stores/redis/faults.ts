import { ClientClosedError, ClientOfflineError, ErrorReply } from '@redis/client';
import { CurfewError, type ErrorCode, errors, isCurfewError } from '../../errors.ts';

/**
 * Errors with which Redis refuses a command, by their first word. They come before the command or the script has
 * changed anything, except that a missing right may be noticed later. Any other error means that the data is not what a
 * script expects.
 */
const refusals: Readonly<Record<string, ErrorCode>> = {
  READONLY: 'store_unavailable',
  LOADING: 'store_unavailable',
  BUSY: 'store_unavailable',
  MISCONF: 'store_unavailable',
  MASTERDOWN: 'store_unavailable',
  NOREPLICAS: 'store_unavailable',
  CLUSTERDOWN: 'store_unavailable',
  MOVED: 'store_unavailable',
  ASK: 'store_unavailable',
  TRYAGAIN: 'store_unavailable',
  NOAUTH: 'store_unavailable',
  WRONGPASS: 'store_unavailable',
  NOPERM: 'store_unavailable',
  NOSCRIPT: 'store_unavailable',
};

const isMoving = {
  what: 'The slot of this store is being moved to another node of the Cluster, and Redis',
  remedy: 'Nothing was changed. Changes are possible again when the whole slot has been moved.',
};

/** The cause of some of them, and the remedy. */
const told: Readonly<Record<string, { what: string; remedy: string }>> = {
  MOVED: {
    what: 'Another node of the Cluster has the slot of this store, and Redis',
    remedy: 'Nothing was changed. Curfew connects to that node by itself; try again.',
  },
  ASK: isMoving,
  TRYAGAIN: isMoving,
  CLUSTERDOWN: {
    what: 'The Cluster is down, and Redis',
    remedy:
      'Nothing was changed. Bring back the primaries that it lacks. With cluster-require-full-coverage no, it goes on while it lacks others than the one of this store.',
  },
  MISCONF: {
    what: 'Redis cannot write its disk, and',
    remedy:
      'Nothing was changed. Free space on its disk or correct its folder; its log has the reason. It refuses writes after a failed snapshot because of stop-writes-on-bgsave-error.',
  },
  NOREPLICAS: {
    what: 'Redis has fewer replicas that keep up than min-replicas-to-write requires, and',
    remedy: 'Nothing was changed. Start or reconnect its replicas, or lower min-replicas-to-write.',
  },
  READONLY: {
    what: 'Redis is a replica, and',
    remedy: 'Nothing was changed. Name the primary in CURFEW_STORE, or the Sentinels, which know it.',
  },
  NOPERM: {
    what: 'The user in CURFEW_STORE lacks a right, and Redis',
    remedy: 'Give the user the rights that docs/redis.md lists.',
  },
};

/** The user lacks the right to a command or key within a script; Redis 7.0 says so in other words. */
const deniedInScript = /^(NOPERM|ERR The user executing the script can't ).*script: [0-9a-f]{40}/;

/** An operator ended a script (`SCRIPT KILL`), which is possible only before it has changed anything. */
const wasStopped = /Script killed by user/;

/**
 * The meaning of a failed command. A command that was sent and not answered may have been executed, unless it only
 * reads and so cannot have changed anything.
 */
export function commandFault(error: unknown, writes: boolean): CurfewError {
  if (isCurfewError(error)) return error;
  const { message } = withoutArguments(error) as Error;
  if (error instanceof ErrorReply) {
    const denied = deniedInScript.test(message);
    const word = denied ? 'NOPERM' : (/^[A-Z]+/.exec(message)?.[0] ?? '');
    if (word === 'OOM') {
      return new CurfewError('store_full', { detail: `Redis has used up its maxmemory, and says: ${message}` }, error);
    }
    // Redis reports this for its append-only file; for a failed snapshot it does not give the reason.
    const noSpace = word === 'MISCONF' && /no space left/i.test(message);
    const code = noSpace ? 'store_full' : (refusals[word] ?? (wasStopped.test(message) ? undefined : 'store_damaged'));
    const { what = 'Redis', remedy } = told[word] ?? {};
    const facts = { detail: `${what} says: ${message}`, remedy: noSpace ? undefined : remedy };
    // Rights are checked command by command, so a script may have made a part of its changes.
    if (denied && writes) return new CurfewError('outcome_unknown', facts, error);
    return new CurfewError(code ?? 'store_unavailable', facts, error);
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

/**
 * The same error without the arguments of the command, which Redis repeats if it does not know the command: they may be
 * a password, or somebody's data.
 */
export function withoutArguments(error: unknown): unknown {
  if (error instanceof ErrorReply) error.message = error.message.replace(/,? with args beginning with.*/s, '');
  return error;
}

/** What every server must be, as a sentence. */
export const needed = 'Curfew needs Redis 7.0 or newer.';

/** Why no connection could be made, for the start of a server. */
export function connectFault(error: unknown, location: string): CurfewError {
  if (isCurfewError(error)) return error;
  const { message, code } = error as Error & { code?: string };
  const said = message || code || 'no answer';
  if (/unknown command .?HELLO/i.test(message)) {
    return new CurfewError('store_version', { detail: `${location} does not know HELLO. ${needed}` }, error);
  }
  if (message.startsWith('NOPERM')) {
    const facts = { detail: `${location} says: ${said}.`, remedy: told['NOPERM']!.remedy };
    return new CurfewError('store_denied', facts, error);
  }
  if (refusesLogin(message)) {
    return new CurfewError('store_login_refused', { detail: `${location} says: ${said}.` }, error);
  }
  return new CurfewError('store_unavailable', { detail: `${location}: ${said}.` }, error);
}

/** Whether an error means that the user or the password is wrong, or that the user lacks a right. */
export function refusesLogin(message: string): boolean {
  return /WRONGPASS|NOAUTH|NOPERM|AUTH/.test(message);
}

function remedyOf(trouble: unknown): string | undefined {
  return isCurfewError(trouble) && trouble.code !== 'store_unavailable'
    ? `Nothing was changed. ${trouble.remedy}`
    : undefined;
}

/** There is no connection, so nothing was sent; `trouble`: why the last attempt to make one failed. */
export function offlineFault(trouble?: unknown): CurfewError {
  // Callers see this. Only the log says which server it is, and what that said.
  const why = isCurfewError(trouble) ? `: ${errors[trouble.code].title}` : '';
  const detail = `There is no connection to Redis at the moment${why}.`;
  return new CurfewError('store_unavailable', { detail, remedy: remedyOf(trouble) }, trouble);
}

export function closedError(): CurfewError {
  return new CurfewError('store_unavailable', { detail: 'The store is closed.' });
}
