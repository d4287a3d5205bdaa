import type { SessionId } from '../domain/brand.ts';
import { minute } from '../domain/limits.ts';
import type { Actor } from '../domain/reasons.ts';
import type { Part } from '../domain/tally.ts';
import { CurfewError } from '../errors.ts';
import type { SessionFilter } from '../stores/contract.ts';
import { actorOf, type Caller } from './caller.ts';
import type { AuthorityContext } from './context.ts';

/*
 * A preview counts the sessions that match a filter and have not ended, at one moment. Its handle ends exactly these, on
 * any server. It is not a list, and no server keeps anything for it: it holds the filter, the moment, and for each part
 * of the ids how many were counted and the sum of their random digits. Before anything in a part is ended, the part is
 * looked at again. If what matches now is not what was counted, for instance because a session has got another access
 * group, the part is left alone. So no session is ended that was not counted. The handle is sealed with the servers'
 * secret key, so nobody can make one, change one or read one.
 */

/** Which sessions are meant. */
export type Chosen = {
  filter: SessionFilter;
  suspended: boolean | undefined;
  except: readonly SessionId[];
  /** The moment at which they had not ended. */
  at: number;
};

export type Handle = Chosen & {
  by: Actor;
  /** When the handle was made. */
  madeAt: number;
  counted: number;
  /** An id above all those of the parts that are left. */
  above: SessionId | undefined;
  parts: readonly Part[];
  /** What has become of the parts before. */
  done: Done;
};

export type Done = {
  ended: number;
  alreadyEnded: number;
  changed: number;
  /** The latest entry of the change log among their ends, and the time of the latest end. */
  sequence: number;
  endedAt: number;
  /** Whether the caller's own session is still to be ended. */
  own: boolean;
};

/** Milliseconds for which a handle can be used. */
const validFor = 10 * minute;
/**
 * Milliseconds after which the sessions that were counted cannot be ended any more, however often the handle was
 * renewed: until then, the store keeps every one of them, ended or not.
 */
const longest = 50 * minute;

const use = 'preview 1';

export function sealHandle({ secrets }: AuthorityContext, handle: Handle): string {
  const { parts, ...rest } = handle;
  const text = JSON.stringify({ ...rest, parts: parts.map(({ last, count, sum }) => [last, count, sum]) });
  return Buffer.from(secrets.seal(Buffer.from(text), use)).toString('base64url');
}

/**
 * The handle, if it was made for the caller and can still be used.
 * @throws `preview_invalid`, `preview_of_another`, `preview_expired`
 */
export function openHandle({ secrets, clock }: AuthorityContext, caller: Caller, sealed: string): Handle {
  const { parts, ...rest } = parsed(secrets, sealed);
  const handle: Handle = { ...rest, parts: parts.map(([last, count, sum]) => ({ last, count, sum })) };
  if (handle.by !== actorOf(caller)) throw new CurfewError('preview_of_another');
  if (clock.nowForEnd() >= expiryOf(handle)) throw new CurfewError('preview_expired');
  return handle;
}

/** When a handle can no longer be used; epoch milliseconds. */
export function expiryOf({ at, madeAt }: Pick<Handle, 'at' | 'madeAt'>): number {
  return Math.min(madeAt + validFor, at + longest);
}

type Sealed = Omit<Handle, 'parts'> & { parts: [last: SessionId, count: number, sum: number][] };

function parsed({ unseal }: AuthorityContext['secrets'], sealed: string): Sealed {
  try {
    return JSON.parse(Buffer.from(unseal(Buffer.from(sealed, 'base64url'), use)).toString()) as Sealed;
  } catch {
    throw new CurfewError('preview_invalid');
  }
}
