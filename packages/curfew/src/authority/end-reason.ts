import type { EndReason, ToldReason } from '../domain/reasons.ts';
import { CurfewError } from '../errors.ts';
import type { Caller } from './caller.ts';

/**
 * Why a session ends: what the application says that ends it for its user, or else what follows from who ends it. A
 * person cannot choose: who they are says whether they log out or end it for somebody else.
 * @throws `permission_missing` for a person who gives a reason
 */
export function endReasonOf(caller: Caller, told: ToldReason | undefined, otherwise: EndReason): EndReason {
  if (told === undefined) return otherwise;
  if (caller.kind !== 'person') return told;
  throw new CurfewError('permission_missing', { detail: 'Only an API key may say the reason of an end.' });
}
