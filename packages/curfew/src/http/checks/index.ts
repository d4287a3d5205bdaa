import { areaOf } from '../../domain/factor-shown.ts';
import type { Permission } from '../../domain/permissions.ts';
import type { ErrorCode } from '../../errors.ts';
import type { Access, Assurance, Context, Operation } from '../operation.ts';
import { authenticationErrors } from './authenticate.ts';
import { freshSignIn, freshSignInErrors } from './fresh-sign-in.ts';
import { permission, permissionErrors } from './permission.ts';
import { sameSiteErrors } from './same-site.ts';
import { newCode, type PersonCheck, secondFactor, secondFactorErrors } from './second-factor.ts';
import { widgetErrors } from './widget.ts';

/*
 * The order of the preconditions, the same for every operation:
 *
 *   authenticate → same-site → (shapes) → permission → second factor or fresh sign-in → the operation
 *
 * The server makes the first two checks before the body is read; the rest are here.
 */

type AnyContext = Context<unknown, unknown, unknown>;

export async function checkAccess(access: Access<never, never, never>, context: AnyContext): Promise<void> {
  if (typeof access === 'string') return;
  const { caller } = context;
  if (!('owner' in access)) {
    permission(caller, access.permission);
    if (access.and) permission(caller, access.and);
    await assure(access.person, context, access.permission);
    return;
  }
  const owned = caller.kind === 'person' ? await access.owner(context as never) : undefined;
  if (typeof owned === 'object') context.found = owned;
  const owner = typeof owned === 'object' ? owned.userId : owned;
  if (caller.kind === 'person' && owner === caller.session.userId) {
    await assure(access.own, context, access.permission);
    return;
  }
  permission(caller, access.permission);
  await assure(access.others, context, access.permission);
}

const checks: Record<Assurance, PersonCheck> = {
  'second-factor': secondFactor,
  'new-code': newCode,
  'fresh-sign-in': freshSignIn,
};

async function assure(assurance: Assurance | undefined, context: AnyContext, wanted: Permission): Promise<void> {
  const { authority, caller, request } = context;
  if (!assurance || caller.kind !== 'person') return;
  const use = { area: areaOf(wanted), ip: request.ip };
  context.codeIsShown = await checks[assurance](authority, caller, request, use);
}

/** Every error with which an operation's access checks may refuse. */
export function accessErrors({ access, method }: Operation): ErrorCode[] {
  if (access === 'open') return [];
  if (access === 'widget') return [...widgetErrors];
  const found = new Set<ErrorCode>(authenticationErrors);
  if (method !== 'GET') for (const code of sameSiteErrors) found.add(code);
  // A key without scopes, for browsers, is refused everywhere.
  for (const code of permissionErrors) found.add(code);
  if (access === 'signed-in') return [...found];
  const assurances = 'owner' in access ? [access.own, access.others] : [access.person];
  if (assurances.includes('fresh-sign-in')) for (const code of freshSignInErrors) found.add(code);
  if (assurances.some((one) => one !== undefined)) for (const code of secondFactorErrors) found.add(code);
  return [...found];
}

/** Whether an operation may require a second factor's code. */
export function asksForCode({ access }: Operation): boolean {
  if (typeof access === 'string') return false;
  return 'owner' in access ? (access.own ?? access.others) !== undefined : access.person !== undefined;
}

const words: Record<Assurance, string> = {
  'second-factor': 'a second factor (`x-2fa-code`)',
  'new-code': 'a new code of a second factor (`x-2fa-code`)',
  'fresh-sign-in': 'a second factor (`x-2fa-code`) or a sign-in within the last 15 minutes',
};

/** What an operation requires, as sentences for the documentation. */
export function describeAccess({ access }: Operation): string {
  if (access === 'open') return 'Open to anybody.';
  if (access === 'signed-in') return 'Requires a session or an API key with a scope.';
  if (access === 'widget') return 'Requires a widget token, and a page of its origin.';
  const both = 'and' in access && access.and ? ` and \`${access.and}\`` : '';
  const requires = (assurance: Assurance | undefined) =>
    `requires \`${access.permission}\`${both}${assurance ? ` and, from a person, ${words[assurance]}` : ''}`;
  if (!('owner' in access)) return `It ${requires(access.person)}.`;
  const own = access.own ? `For your own, it requires ${words[access.own]}.` : 'Your own are always allowed.';
  return `${own} For others’, it ${requires(access.others)}.`;
}
