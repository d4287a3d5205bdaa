import type { FastifyRequest } from 'fastify';
import type { Caller } from '../../authority/caller.ts';
import type { Authority } from '../../authority/index.ts';
import type { Area } from '../../domain/factor-shown.ts';
import type { ErrorCode } from '../../errors.ts';

export const factorHeader = 'x-2fa-code';

export const secondFactorErrors: readonly ErrorCode[] = [
  'second_factor_required',
  'second_factor_invalid',
  'too_many_attempts',
  'changed_meanwhile',
];

/**
 * People must have given a second factor recently, or give one now. API keys need none. Resolves with whether the request's
 * code was used up.
 */
export async function secondFactor(
  authority: Authority,
  caller: Caller,
  request: FastifyRequest,
  area: Area,
): Promise<boolean> {
  if (caller.kind !== 'person') return false;
  const use = { area, ip: request.ip };
  return authority.confirmSecondFactor(caller.session, caller.account, factorCode(request), use);
}

/** The same, but what was given before does not count. */
export async function newCode(
  authority: Authority,
  caller: Caller,
  request: FastifyRequest,
  area: Area,
): Promise<boolean> {
  if (caller.kind !== 'person') return false;
  const use = { area, ip: request.ip };
  await authority.showSecondFactor(caller, caller.account, factorCode(request), use);
  return true;
}

export function factorCode(request: FastifyRequest): string | undefined {
  const code = request.headers[factorHeader];
  return Array.isArray(code) ? code[0] : code;
}
