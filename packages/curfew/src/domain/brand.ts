/** A string that was checked once, at the edge, and is trusted afterwards. */
export type Brand<Name extends string> = string & { readonly __brand: Name };

export type SessionId = Brand<'SessionId'>;
export type UserId = Brand<'UserId'>;
export type KeyId = Brand<'KeyId'>;
export type AccessGroup = Brand<'AccessGroup'>;
export type SessionName = Brand<'SessionName'>;

/** An account is a user, so its id is a user id. */
export type AccountId = UserId;
