import { CurfewError, type ErrorCode } from '../../errors.ts';
import { factorCode, type PersonCheck, secondFactor, secondFactorErrors } from './second-factor.ts';

export const freshSignInErrors: readonly ErrorCode[] = ['fresh_sign_in_required', ...secondFactorErrors];

/** A sign-in within the last 15 minutes, or a second factor. */
export const freshSignIn: PersonCheck = async (authority, person, request, use) => {
  if (authority.signInIsFresh(person) || authority.factorIsRemembered(person.session, use)) return false;
  if (factorCode(request) === undefined) throw new CurfewError('fresh_sign_in_required');
  return secondFactor(authority, person, request, use);
};
