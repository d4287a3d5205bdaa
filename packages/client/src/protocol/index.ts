/*
 * What a verifier and a node must agree on. It stands only here, and both sides import it: the verifier in this package,
 * and the node in the server's package.
 */
export {
  type AliasCredential,
  aliasKind,
  anonymousKind,
  anonymousUser,
  type Credential,
  isAliasKind,
  longestAliasKind,
  longestAliasSecret,
  looksLikeAlias,
  mostDataBytes,
  textOf,
} from './aliases.ts';
export { cookiePairs } from './cookies.ts';
export {
  type Answer,
  type Change,
  type FromNode,
  type FromVerifier,
  fencePath,
  longestName,
  mostSeen,
  protocolVersion,
  type Remaining,
  readFromNode,
  readFromVerifier,
  type Trouble,
  type VerifiedSession,
} from './messages.ts';
export { type Sender, type Site, siteOfSender } from './site.ts';
export {
  checksumAt,
  checksumDigits,
  idLength,
  idOf,
  looksLike,
  prefixes,
  prefixLength,
  secretAt,
  secretDigits,
  type TokenKind,
  tokenLength,
} from './tokens.ts';
export { pauseBetweenUses } from './use.ts';
