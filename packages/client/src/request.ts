/*
 * The sessions of requests, for frameworks that have no entry of their own. It runs wherever there is `fetch`.
 */
export { type Cookie, cookieHeaders, formatCookie } from './middleware/cookies.ts';
export type { OldCookie } from './middleware/old-cookies.ts';
export type { Refusal } from './middleware/refusal.ts';
export { remoteVerifier } from './middleware/remote.ts';
export type { AnyRequest } from './middleware/request.ts';
export type {
  AppSession,
  Found,
  Refused,
  Requirement,
  SessionClient,
  SessionOptions,
  SessionVerifier,
  SignIn,
  VerifierSource,
} from './middleware/sessions.ts';
export { Sessions } from './middleware/sessions.ts';
export { refusalResponse } from './middleware/web.ts';
