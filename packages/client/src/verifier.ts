/*
 * Separate from the client: a verifier needs Node.js, because it computes hashes synchronously; the client runs
 * wherever there is `fetch`.
 */
export type { ActiveVerification } from './fence/attachment.ts';
export type { Verification, Verifier, VerifierStatistics } from './fence/verifier.ts';
export { createVerifier, type VerifierLogger, type VerifierOptions } from './fence/websocket.ts';
export type { OldCookie } from './middleware/old-cookies.ts';
export type { Requirement, SessionOptions, SessionVerifier } from './middleware/sessions.ts';
export type { AliasCredential, Credential, VerifiedSession } from './protocol/index.ts';
