import type { Kind } from '../kind.ts';
import { isObject, type Json, parseJson, textOf, timeOf, Unreadable } from '../source.ts';

/*
 * Better Auth keeps sessions in a table, in a secondary storage, or in both. The secondary storage also has the lists of
 * each user's sessions (`active-sessions-…`), and whatever else its plugins put there.
 */
export const betterAuth: Kind = {
  alias: 'better-auth',
  user: ['userId'],
  slides: true,
  postgres: {
    table: 'session',
    secret: 'token',
    expires: 'expiresAt',
    created: 'createdAt',
    seen: 'updatedAt',
    others: ['id', 'userId', 'ipAddress', 'userAgent'],
    read: ({ row, times }) => {
      const { id: _, userId: __, ipAddress, userAgent, ...data } = row;
      return {
        json: row,
        data,
        ip: textOf(ipAddress),
        userAgent: textOf(userAgent),
        openedByAnother: isImpersonation(row),
        ...times,
      };
    },
  },
  redis: {
    prefix: 'better-auth:',
    user: ['session.userId'],
    read(text, ttl, now) {
      const json = parseJson(text);
      const session = isObject(json) ? json['session'] : undefined;
      if (!isObject(session) || textOf(session['token']) === undefined) {
        throw new Unreadable('not_a_session', 'It has no session with a token.');
      }
      const { id: _, userId: __, token: ___, expiresAt, createdAt, updatedAt, ipAddress, userAgent, ...data } = session;
      return {
        json,
        data,
        // Better Auth itself checks this time, so the key's is only a second limit.
        expiresAt: earlier(timeOf(expiresAt), ttl === undefined ? undefined : now + ttl),
        createdAt: timeOf(createdAt),
        lastSeenAt: timeOf(updatedAt),
        ip: textOf(ipAddress),
        userAgent: textOf(userAgent),
        openedByAnother: isImpersonation(session),
      };
    },
    // When all of a user's sessions are ended, only this key is sure to be written.
    endings: {
      keyOf({ json }) {
        const { userId } = (json as { session: { userId?: unknown } }).session;
        return textOf(userId) && `revoked-sessions-before-${userId}`;
      },
      hasEnded: ({ createdAt = 0 }, text) => createdAt < Number(text),
    },
  },
};

/** Whether an administrator opened it to act as the user; a table may have the name with an underscore. */
function isImpersonation(session: Json): boolean {
  return Object.entries(session).some(([name, by]) => /^impersonated_?by$/i.test(name) && by !== null && by !== '');
}

function earlier(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.min(one, other);
}
