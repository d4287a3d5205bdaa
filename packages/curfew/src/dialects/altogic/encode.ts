import type { AccountView } from '../../domain/account.ts';
import type { Session } from '../../domain/session.ts';

const time = (moment: number) => new Date(moment).toISOString();

/** An account as a user of Altogic. Somebody without an account here has only an id and a last sign-in. */
export function encodeUser(session: Pick<Session, 'userId' | 'authenticatedAt'>, account?: AccountView): object {
  const { userId } = session;
  return {
    _id: userId,
    provider: 'altogic',
    providerUserId: userId,
    ...(account && { email: account.email, name: account.name ?? account.username, signUpAt: time(account.createdAt) }),
    lastLoginAt: time(account?.lastLoginAt ?? session.authenticatedAt),
  };
}

/** `token` identifies the session: its token if it was just opened, otherwise its id, because tokens are not stored. */
export function encodeSession(session: Session, token: string = session.id): object {
  const { device } = session;
  return {
    userId: session.userId,
    token,
    creationDtm: time(session.createdAt),
    accessGroupKeys: session.accessGroups,
    userAgent: {
      ...family(device.name, device.longVersion),
      device: family(device.model, undefined),
      os: family(device.os?.name, device.os?.version),
    },
  };
}

/** A name with its version in three parts; unknown parts have the same placeholders as in Altogic. */
function family(name: string | undefined, version: string | undefined): object {
  const [major = '0', minor = '0', patch = '0'] = version?.split('.') ?? [];
  return { family: name ?? 'Other', major, minor, patch };
}
