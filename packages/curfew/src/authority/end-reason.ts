import type { EndReason, ToldReason } from '../domain/reasons.ts';
import { CurfewError } from '../errors.ts';
import type { Caller } from './caller.ts';

/**
 * Why a session ends: the reason that an application gives, or else the one that follows from who ends it. People
 * cannot choose a reason: whose session it is decides whether they log out or end it for somebody else.
 * @throws `permission_missing` if a person gives a reason
 */
export function endReasonOf(caller: Caller, told: ToldReason | undefined, otherwise: EndReason): EndReason {
  if (told === undefined) return otherwise;
  if (caller.kind !== 'person') return told;
  throw new CurfewError('permission_missing', { detail: 'Only an API key may give a reason for an end.' });
}
