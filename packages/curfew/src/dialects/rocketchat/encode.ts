import type { SignedIn } from '../../authority/sign-in.ts';
import type { AccountView } from '../../domain/account.ts';

export function encodeLogin({ session, account, token }: SignedIn): object {
  return {
    status: 'success',
    data: { userId: session.userId, authToken: token, me: encodeUser(account) },
    success: true,
  };
}

/** A user's own fields: no secret, no hash. */
export function encodeUser(account: AccountView): object {
  return {
    _id: account.id,
    username: account.username,
    name: account.name ?? account.username,
    emails: account.email === undefined ? [] : [{ address: account.email, verified: true }],
    roles: account.roles,
    active: !account.disabled,
    status: 'online',
    services: { totp: { enabled: account.totp } },
  };
}

export const loggedOut = {
  status: 'success',
  data: { message: "You've been logged out!" },
  success: true,
} as const;
