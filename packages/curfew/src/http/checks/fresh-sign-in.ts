import type { FastifyRequest } from 'fastify';
import type { Caller } from '../../authority/caller.ts';
import type { Authority } from '../../authority/index.ts';
import type { Area } from '../../domain/factor-shown.ts';
import { CurfewError, type ErrorCode } from '../../errors.ts';
import { factorCode, secondFactor, secondFactorErrors } from './second-factor.ts';

export const freshSignInErrors: readonly ErrorCode[] = ['fresh_sign_in_required', ...secondFactorErrors];

/**
 * People must have signed in within the last 15 minutes, or give a second factor. API keys need neither. Resolves with
 * whether the request's code was used up.
 */
export async function freshSignIn(
  authority: Authority,
  caller: Caller,
  request: FastifyRequest,
  area: Area,
): Promise<boolean> {
  if (caller.kind !== 'person') return false;
  const use = { area, ip: request.ip };
  if (authority.signInIsFresh(caller) || authority.factorIsRemembered(caller.session, use)) return false;
  if (factorCode(request) === undefined) throw new CurfewError('fresh_sign_in_required');
  return secondFactor(authority, caller, request, area);
}
