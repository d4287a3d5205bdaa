import type { SessionId } from '../domain/brand.ts';
import { parseSessionId, parseUserId } from '../domain/parse.ts';
import type { Session } from '../domain/session.ts';
import { kindOfToken, parseToken, secretMatches } from '../domain/tokens.ts';
import { CurfewError } from '../errors.ts';
import type { SessionSnapshot } from '../stores/contract.ts';
import type { AuthorityContext } from './context.ts';
import { view } from './get-session.ts';

/**
 * One of a user's sessions that has not ended, by its token or its id. Another user's session, an unknown one and an
 * ended one all give the same `session_not_found`.
 * @throws `session_not_found`, `user_id_too_long`, `invalid_value`
 */
export async function findUserSession(context: AuthorityContext, userId: string, tokenOrId: string): Promise<Session> {
  const session = view(context, await findOwned(context, userId, tokenOrId));
  if (session.status === 'ended') throw notFound();
  return session;
}

/** One of a user's sessions, ended or not, by its token or its id. */
export async function findOwned(
  context: AuthorityContext,
  userId: string,
  tokenOrId: string,
): Promise<SessionSnapshot> {
  const owner = parseUserId(userId);
  const parsed = kindOfToken(tokenOrId) === 'session' ? parseToken('session', tokenOrId) : undefined;
  const id = parsed ? (parsed.id as SessionId) : parseIdQuietly(tokenOrId);
  const found = id && (await context.store.readSession(id));
  if (!found || found.stored.userId !== owner) throw notFound();
  if (parsed && !secretMatches(parsed.secret, found.stored.tokenHash)) throw notFound();
  return found;
}

function parseIdQuietly(text: string): SessionId | undefined {
  try {
    return parseSessionId(text);
  } catch {
    return undefined;
  }
}

/** The same error in every case, so that nobody learns whose token it is. */
function notFound(): CurfewError {
  return new CurfewError('session_not_found', { detail: 'The user has no such session.' });
}
