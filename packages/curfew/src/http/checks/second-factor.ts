import type { FastifyRequest } from 'fastify';
import type { Caller } from '../../authority/caller.ts';
import type { Authority } from '../../authority/index.ts';
import type { ErrorCode } from '../../errors.ts';

export const factorHeader = 'x-2fa-code';

export const secondFactorErrors: readonly ErrorCode[] = [
  'second_factor_required',
  'second_factor_invalid',
  'too_many_attempts',
];

/** A person must have shown a second factor lately, or show one now. A machine has its key. */
export async function secondFactor(authority: Authority, caller: Caller, request: FastifyRequest): Promise<void> {
  if (caller.kind !== 'person') return;
  await authority.confirmSecondFactor(caller.session, caller.account, factorCode(request));
}

export function factorCode(request: FastifyRequest): string | undefined {
  const code = request.headers[factorHeader];
  return Array.isArray(code) ? code[0] : code;
}
