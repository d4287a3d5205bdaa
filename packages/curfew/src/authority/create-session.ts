import { anonymousUser } from 'curfew-client/protocol';
import type { Alias } from '../domain/alias.ts';
import type { UserId } from '../domain/brand.ts';
import { freshSignIn } from '../domain/limits.ts';
import { type Opening, openSession, type Tokens } from '../domain/open-session.ts';
import {
  parseAddress,
  parseAliases,
  parseGroups,
  parseMetadata,
  parsePersonId,
  parseSessionData,
  parseSessionName,
  parseUserAgent,
  parseUserId,
} from '../domain/parse.ts';
import { lifetimesOf, type Policy } from '../domain/policy.ts';
import type { Epochs, Metadata, Session } from '../domain/session.ts';
import { viewOf } from '../domain/session.ts';
import { CurfewError } from '../errors.ts';
import type { Creation } from '../stores/contract.ts';
import { actorOf, type Caller } from './caller.ts';
import type { AuthorityContext } from './context.ts';

/** What a session is made of. Durations are in milliseconds; absent ones come from the policy. */
export type SessionRequest = {
  userId: string;
  accessGroups?: readonly string[] | undefined;
  name?: string | undefined;
  userAgent?: string | undefined;
  ip?: string | undefined;
  metadata?: Metadata | undefined;
  lifetime?: number | undefined;
  idle?: number | undefined;
  /** Secrets of another program by which the session can be verified too, as their hashes; at most four. */
  aliases?: readonly Alias[] | undefined;
  /** What the application keeps with it. */
  data?: string | undefined;
};

export type OpenedSession = { session: Session } & Tokens;

/**
 * Opens a session for a user of the application. The only copy of its tokens is in the answer. If the user has an
 * account here, its password was not checked: see {@link actsAsAccount} for what such a session may do.
 * @throws `user_id_too_long`, `too_many_groups`, `metadata_too_large`, `invalid_value`, `name_taken`,
 *   `alias_taken`, `named_session_stopped`, `too_many_sessions`, `account_disabled`, `signed_out_meanwhile`
 */
export async function createSession(
  context: AuthorityContext,
  caller: Caller,
  request: SessionRequest,
): Promise<OpenedSession> {
  return openFor(context, caller, { ...request, userId: parsePersonId(request.userId) });
}

/** The same for a user id that was parsed: also for that of the sessions in which nobody is signed in. */
export async function openFor(
  context: AuthorityContext,
  caller: Caller,
  request: SessionRequest & { userId: UserId },
): Promise<OpenedSession> {
  const { account, epochs } = await context.store.readUser(request.userId);
  if (account?.disabled) throw new CurfewError('account_disabled', { detail: `Account ${account.username}.` });
  return openChecked(context, caller, request, epochs, false);
}

/** Opens a session from a credential; `epochs` are those that were read with it (docs/fence, R19). */
export async function openChecked(
  context: AuthorityContext,
  caller: Caller | 'self',
  request: SessionRequest,
  epochs: Epochs,
  withFactor: boolean,
): Promise<OpenedSession> {
  const { store, policy, random, clock } = context;
  const now = clock.now();
  const userId = parseUserId(request.userId);
  const opened = openSession(
    {
      userId,
      ...parseParts(request, policy),
      epochs,
      withFactor,
      openedWith: caller === 'self' ? undefined : [...caller.granted],
    },
    now,
    random,
  );
  const outcome = await store.createSession({
    session: openedByPerson(caller) ? { ...opened.stored, authenticatedAt: now - freshSignIn } : opened.stored,
    epochs,
    limit: limitOf(context, userId),
    by: caller === 'self' ? `user:${userId}` : actorOf(caller),
    now,
  });
  switch (outcome.kind) {
    case 'epoch_moved':
      throw new CurfewError('signed_out_meanwhile');
    case 'name_taken':
      throw new CurfewError('name_taken', { detail: `A session named ${opened.stored.name} has not ended.` });
    case 'name_stopped':
      throw new CurfewError('named_session_stopped', { detail: `Its name is ${opened.stored.name}.` });
    case 'alias_taken':
      // Not whose it is: a caller that may create sessions need not be allowed to read them.
      throw new CurfewError('alias_taken');
    case 'too_many':
      throw new CurfewError('too_many_sessions', { detail: `The policy allows ${context.policy.maxSessions}.` });
    case 'created': {
      // The sessions that this one replaces must have ended before the answer is sent.
      if (outcome.sequence !== undefined) await context.fence.awaitEverywhere(outcome.sequence, 'everywhere');
      const { token, refreshToken } = opened;
      return { session: viewOf(outcome.session, undefined), token, refreshToken };
    }
  }
}

type Parts = Omit<Opening, 'userId' | 'epochs' | 'withFactor' | 'openedWith'>;

/**
 * Everything of a request but whose session it will be, for calls that must refuse it before they change something else.
 * @throws `too_many_groups`, `metadata_too_large`, `invalid_value`
 */
export function parseParts(request: Omit<SessionRequest, 'userId'>, policy: Policy): Parts {
  return {
    name: request.name === undefined ? undefined : parseSessionName(request.name),
    accessGroups: parseGroups(request.accessGroups ?? []),
    userAgent: parseUserAgent(request.userAgent),
    ip: parseAddress(request.ip),
    metadata: parseMetadata(request.metadata),
    aliases: parseAliases(request.aliases ?? []),
    data: request.data === undefined ? undefined : parseSessionData(request.data),
    ...lifetimesOf(request, policy),
  };
}

/** Another person than the user may have the tokens then: only an application states that its user has signed in. */
function openedByPerson(caller: Caller | 'self'): boolean {
  return caller !== 'self' && caller.kind === 'person';
}

function limitOf({ policy: { maxSessions, excess } }: AuthorityContext, userId: UserId): Creation['limit'] {
  return maxSessions === undefined || userId === anonymousUser ? undefined : { max: maxSessions, excess };
}
