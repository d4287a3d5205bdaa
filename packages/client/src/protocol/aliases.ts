/*
 * A session may have aliases: secrets that another program issued, such as the id in an old session cookie. They say
 * nothing about the session, not even its id.
 */
export type AliasCredential = {
  readonly alias: {
    /** The program that issued the secret: 1 to 32 characters of `a-z 0-9 -`, beginning with a letter. */
    readonly kind: string;
    /** At most 1,024 characters. */
    readonly secret: string;
  };
};

/**
 * Whom the sessions belong to in which nobody has signed in: express-session keeps such, too. No person has this id, so a
 * limit on the sessions of a user does not apply to it.
 */
export const anonymousUser = 'anonymous';

/** The kind of the alias that a session has as long as nobody has signed in, from the kind that it has then. */
export function anonymousKind(kind: string): string {
  return `${kind}-anonymous`;
}

/** The maximum length of the data that an application keeps with a session, in bytes of UTF-8. */
export const mostDataBytes = 65_536;

/** What a session can be verified by: its token, or one of its aliases. */
export type Credential = string | AliasCredential;

/** The maximum length of an alias's secret, in characters. */
export const longestAliasSecret = 1024;

/** The maximum length of an alias's kind, in characters. */
export const longestAliasKind = 32;

export const aliasKind: RegExp = new RegExp(`^[a-z][a-z0-9-]{0,${longestAliasKind - 1}}$`);

export function isAliasKind(text: string): boolean {
  return aliasKind.test(text);
}

/** Whether an alias has the form of one: any other belongs to no session. */
export function looksLikeAlias({ alias: { kind, secret } }: AliasCredential): boolean {
  return isAliasKind(kind) && typeof secret === 'string' && secret.length > 0 && secret.length <= longestAliasSecret;
}

/** A credential in one text. No text is both a token and an alias: the kind of an alias contains no `_`. */
export function textOf(credential: Credential): string {
  return typeof credential === 'string' ? credential : `${credential.alias.kind}:${credential.alias.secret}`;
}
