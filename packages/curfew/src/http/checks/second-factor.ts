import type { FastifyRequest } from 'fastify';
import type { Person } from '../../authority/caller.ts';
import type { Authority } from '../../authority/index.ts';
import type { FactorUse } from '../../domain/factor-shown.ts';
import type { ErrorCode } from '../../errors.ts';

export const factorHeader = 'x-2fa-code';

export const secondFactorErrors: readonly ErrorCode[] = [
  'second_factor_required',
  'second_factor_invalid',
  'too_many_attempts',
  'changed_meanwhile',
];

/**
 * What a person needs besides the permission; API keys need nothing more. Resolves with whether the request's code was
 * used up.
 */
export type PersonCheck = (
  authority: Authority,
  person: Person,
  request: FastifyRequest,
  use: FactorUse,
) => Promise<boolean>;

/** A second factor that was given recently, or one now. */
export const secondFactor: PersonCheck = (authority, { session, account }, request, use) =>
  authority.confirmSecondFactor(session, account, factorCode(request), use);

/** One now: what was given before does not count. */
export const newCode: PersonCheck = async (authority, person, request, use) => {
  await authority.showSecondFactor(person, person.account, factorCode(request), use);
  return true;
};

export function factorCode(request: FastifyRequest): string | undefined {
  const code = request.headers[factorHeader];
  return Array.isArray(code) ? code[0] : code;
}
