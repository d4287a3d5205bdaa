import type { UserId } from '../domain/brand.ts';
import type { EndReason, ToldReason } from '../domain/reasons.ts';
import { CurfewError } from '../errors.ts';
import type { Caller } from './caller.ts';

/**
 * Why a session ends: the reason that an application gives, or else the one that follows from who ends it. A person
 * cannot choose a reason: ending one's own session is a logout, ending somebody else's is an end by an administrator.
 * @throws `permission_missing` if a person gives a reason
 */
export function endReasonOf(caller: Caller, told: ToldReason | undefined, otherwise: EndReason): EndReason {
  if (told === undefined) return otherwise;
  if (caller.kind !== 'person') return told;
  throw new CurfewError('permission_missing', { detail: 'Only an API key may give a reason for an end.' });
}

/** Ending one's own session is a logout; otherwise somebody else ends it. */
export function usualReason(caller: Caller, userId: UserId): EndReason {
  return caller.kind === 'person' && caller.session.userId === userId ? 'logout' : 'ended_by_admin';
}
