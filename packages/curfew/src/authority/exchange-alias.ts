import { type AliasCredential, anonymousUser, looksLikeAlias } from 'curfew-client/protocol';
import { aliasIn, aliasOf, endOfAlias, spend } from '../domain/alias.ts';
import { tokensForAlias } from '../domain/rotation.ts';
import { endOf } from '../domain/session.ts';
import { hashSecret } from '../domain/tokens.ts';
import { CurfewError } from '../errors.ts';
import { awaitHead } from './await-head.ts';
import type { Caller } from './caller.ts';
import type { AuthorityContext } from './context.ts';
import type { OpenedSession } from './create-session.ts';
import { guardSession } from './guard.ts';
import { opened } from './refresh-session.ts';
import { retryAs } from './retry.ts';
import { signInIsFresh } from './second-factor.ts';

/**
 * Gives the session of an alias new tokens; those that it had stop working. Concurrent callers get the same ones, because
 * these are derived from the alias's secret. From then on the alias works for as long as a refresh token that was used, and
 * later it is unknown. Its use then ends nothing: an application that cannot remove the old cookie from a browser, such as
 * one of another path, gets it with every request.
 * The tokens have the permissions of the session, so the caller must have all of them. Nobody gets tokens of a session
 * in which nobody is signed in. The sign-in stays as long ago as it was. A person, who may be another than the user, gets
 * no tokens that count as a fresh sign-in: as for a new session, only an application states that its user is there.
 * @throws `alias_unknown`, `session_ended`, `session_suspended`, `permission_missing`
 */
export async function exchangeAlias(
  context: AuthorityContext,
  asked: Caller,
  credential: AliasCredential,
): Promise<OpenedSession> {
  const { store, clock, secrets, fence } = context;
  if (!looksLikeAlias(credential)) throw new CurfewError('alias_unknown');
  const alias = aliasOf(credential);
  return retryAs(context, asked, async (caller) => {
    const found = await store.readSessionByAlias(alias);
    const kept = found && aliasIn(found.stored, alias);
    if (!kept) throw new CurfewError('alias_unknown');
    const { stored, epochEnd } = found;
    // The holder of a token acts as its user, and can list and end that user's sessions: here, those of all strangers.
    if (stored.userId === anonymousUser) throw new CurfewError('alias_unknown');
    const { id, version } = stored;
    const now = clock.now();
    const successor = tokensForAlias(id, credential.alias, secrets.refreshKey);
    const refreshHash = hashSecret(successor.refreshSecret);
    const until = endOfAlias(kept);
    // The tokens that it was exchanged for may have been refreshed since.
    const isSpent = until !== undefined && (now >= until || !Buffer.from(stored.refresh.hash).equals(refreshHash));
    if (isSpent) throw new CurfewError('alias_unknown');
    const end = endOf(stored, epochEnd, now, context.activity.lastSeen(stored));
    if (end) throw new CurfewError('session_ended', { reason: end.reason });
    if (stored.suspended) throw new CurfewError('session_suspended');
    guardSession(caller, stored, (await store.readUser(stored.userId)).account);
    if (caller.kind === 'person' && signInIsFresh(context, { session: stored, account: undefined })) throw tooFresh();
    if (until !== undefined) {
      await awaitHead(context, stored.userId);
      return opened(stored, successor);
    }
    const outcome = await store.changeSession({
      id,
      version,
      set: {
        tokenHash: hashSecret(successor.tokenSecret),
        refresh: { hash: refreshHash, previousHash: undefined, rotatedAt: now, rotations: 0 },
        // A confirmed factor counts only for the token with which it was confirmed.
        factorShown: undefined,
        aliases: spend(stored.aliases, alias, now),
        lastSeenAt: now,
      },
      logged: true,
      now,
    });
    if (outcome.kind !== 'changed') return 'conflict';
    await fence.awaitEverywhere(outcome.sequence!, 'everywhere');
    return opened(outcome.session, successor);
  });
}

function tooFresh(): CurfewError {
  return new CurfewError('permission_missing', {
    detail: "Within 15 minutes of the user's sign-in, this requires sessions.create as a scope of an API key.",
  });
}
